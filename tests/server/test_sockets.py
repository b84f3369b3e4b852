"""GraphQL over WebSocket, message by message, as the protocol document lays it down."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from directory.models import SignIn, Staff
from kernel import clock
from kernel.actor import Actor
from kernel.work import Ground, unit_of_work
from server import sockets
from server.sockets import OPERATIONS_PER_SOCKET
from server.standing import SOCKETS_PER_PERSON
from tasks import commands
from tests.factories import build_task, build_world
from tests.serving import Line, Served, serving, serving_nothing

CHANGES = "subscription ($after: Cursor) { changes(after: $after) { cursor upToDate changes { op id } } }"


@pytest.fixture
async def served(ground: Ground) -> AsyncIterator[Served]:
    """A server of this test's own."""
    async with serving(ground) as served:
        yield served


@pytest.fixture(scope="module")
async def wire(sqlite_template: Path) -> AsyncIterator[Served]:
    """One server for all tests that never get as far as the database."""
    async with serving_nothing(sqlite_template) as served:
        yield served


async def set_staff(ground: Ground, staff: Actor, **values: object) -> None:
    async with ground.db.write() as session:
        await session.execute(
            update(Staff).where(col(Staff.brand_id) == staff.brand_id, col(Staff.id) == staff.id).values(**values)
        )


async def answers_to(line: Line, name: str, document: str) -> list[Any]:
    """Everything that is said of one operation, to its end."""
    await line.subscribe(name, document)
    heard = [await line.hear()]
    while heard[-1]["type"] not in ("complete", "error"):
        heard.append(await line.hear())
    assert {message.pop("id") for message in heard} == {name}
    return heard


async def test_a_query_is_answered_once_and_then_completed(wire: Served) -> None:
    async with wire.line() as line:
        heard = await answers_to(line, "1", "{ __typename }")

    assert heard == [{"type": "next", "payload": {"data": {"__typename": "Query"}}}, {"type": "complete"}]


async def test_a_mutation_over_the_socket_has_its_effect_and_reaches_a_subscription_on_it(served: Served) -> None:
    world = await build_world(served.ground)
    task = await build_task(served.ground, world.shop.guide)
    async with served.line(world.shop.guide) as line:
        await line.subscribe("live", CHANGES)
        first = await line.hear()
        await line.subscribe(
            "write", f'mutation {{ completeTask(id: "{task.id}") {{ ... on TaskChanged {{ task {{ state }} }} }} }}'
        )
        heard = [await line.hear() for _ in range(3)]

    assert first["payload"]["data"]["changes"]["changes"] == []
    assert [message["type"] for message in heard if message["id"] == "write"] == ["next", "complete"]
    [live] = [message for message in heard if message["id"] == "live"]
    assert live["payload"]["data"]["changes"]["changes"] == [{"op": "PUT", "id": str(task.id)}]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nosuchfield }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { __typename } query B { __typename }", "OPERATION_RESOLUTION_FAILURE"),
        ("subscription { changes { cursor } }", "UNAUTHENTICATED"),
    ],
)
async def test_an_operation_that_cannot_begin_ends_with_an_error_and_nothing_after_it(
    wire: Served, document: str, code: str
) -> None:
    async with wire.line() as line:
        [error] = await answers_to(line, "1", document)
        after = await answers_to(line, "1", "{ __typename }")

    assert error["type"] == "error"
    assert [said["extensions"]["code"] for said in error["payload"]] == [code]
    assert len(after) == 2


async def test_a_refused_field_is_part_of_the_result(wire: Served) -> None:
    async with wire.line() as line:
        heard = await answers_to(line, "1", "{ tasks { edges { cursor } } }")

    assert [message["type"] for message in heard] == ["next", "complete"]
    assert heard[0]["payload"]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_several_operations_run_side_by_side_and_each_is_completed_by_its_name(served: Served) -> None:
    world = await build_world(served.ground)
    async with served.line(world.shop.guide) as line:
        for name in ("a", "b"):
            await line.subscribe(name, CHANGES)
            assert (await line.hear())["id"] == name
        await line.say(id="a", type="complete")
        await line.say(id="never-begun", type="complete")
        async with unit_of_work(served.ground, world.shop.guide) as work:
            await commands.add(work, title="整理陈列", due_at=clock.now())
        heard = await line.hear()
        await line.subscribe("a", "{ __typename }")
        again = [await line.hear(), await line.hear()]

    assert heard["id"] == "b"
    assert [message["id"] for message in again] == ["a", "a"]


async def test_a_ping_is_answered_with_its_payload_and_a_pong_with_nothing(wire: Served) -> None:
    async with wire.dial() as line:
        await line.say(type="ping")
        await line.say(type="pong")
        await line.say(type="ping", payload={"n": 1})

        assert [await line.hear(), await line.hear()] == [{"type": "pong"}, {"type": "pong", "payload": {"n": 1}}]


@pytest.mark.parametrize("offered", [None, ["graphql-ws"], ["nonsense"]])
async def test_no_other_protocol_is_spoken(wire: Served, offered: list[str] | None) -> None:
    subprotocols = [Subprotocol(name) for name in offered] if offered else None
    async with wire.dial(subprotocols=subprotocols) as line:
        assert await line.close_code() == 4406


async def test_nothing_can_be_asked_before_the_connection_is_acknowledged(wire: Served) -> None:
    async with wire.dial() as line:
        await line.subscribe("1", "{ __typename }")
        assert await line.close_code() == 4401


async def test_a_second_initialisation_closes(wire: Served) -> None:
    async with wire.line() as line:
        await line.say(type="connection_init")
        assert await line.close_code() == 4429


async def test_a_name_in_use_closes(served: Served) -> None:
    world = await build_world(served.ground)
    async with served.line(world.shop.guide) as line:
        await line.subscribe("1", CHANGES)
        await line.subscribe("1", CHANGES)
        assert await line.close_code() == 4409


async def test_a_client_that_never_initialises_is_dropped(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "INIT_SECONDS", 0.3)
    async with served.dial() as line:
        await line.say(type="ping")
        assert await line.hear() == {"type": "pong"}
        assert await line.close_code(within=3) == 4408


@pytest.mark.parametrize(
    "message",
    [
        "",
        "nonsense",
        "[]",
        "7",
        "null",
        '"text"',
        "{}",
        '{"type": "nonsense"}',
        '{"type": ["ping"]}',
        '{"type": "connection_init", "payload": []}',
        '{"type": "connection_init", "payload": "token"}',
        '{"type": "ping", "payload": 1}',
        '{"type": "subscribe"}',
        '{"type": "subscribe", "id": "1"}',
        '{"type": "subscribe", "id": 1, "payload": {"query": "{ __typename }"}}',
        '{"type": "subscribe", "id": "", "payload": {"query": "{ __typename }"}}',
        '{"type": "subscribe", "id": "1", "payload": null}',
        '{"type": "subscribe", "id": "1", "payload": "{ __typename }"}',
        '{"type": "subscribe", "id": "1", "payload": {}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": 1}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }", "variables": []}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }", "operationName": 1}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }", "extensions": "{}"}}',
        '{"type": "complete"}',
        '{"type": "next", "id": "1", "payload": {}}',
        "[" * 30_000 + "]" * 30_000,
        '{"payload":' * 5_000 + "1" + "}" * 5_000,
        b"\x00\x01",
        b'{"type": "ping"}',
    ],
)
async def test_a_message_that_is_none_closes_and_disturbs_nobody_else(wire: Served, message: str | bytes) -> None:
    async with wire.line() as other, wire.dial() as line:
        await line.connection.send(message)
        assert await line.close_code() == 4400
        assert len(await answers_to(other, "1", "{ __typename }")) == 2


async def test_an_operation_that_is_none_ends_with_an_error(wire: Served) -> None:
    async with wire.line() as line:
        await line.subscribe("1", '{ task(id: "\\u0000") { id } }')
        error = await line.hear()

    assert (error["type"], error["id"]) == ("error", "1")
    assert error["payload"][0]["extensions"]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize("length", [70_000, 12_000_000])
async def test_a_long_message_closes_and_disturbs_nobody_else(wire: Served, length: int) -> None:
    async with wire.line() as other, wire.dial() as line:
        with suppress(ConnectionClosed):  # told while it is still sending
            await line.connection.send(json.dumps({"type": "ping", "payload": {"a": "x" * length}}))
        assert await line.close_code() == 1009
        assert len(await answers_to(other, "1", "{ __typename }")) == 2


@pytest.mark.parametrize("payload", [{"token": "{}"}, {"Authorization": "Bearer {}"}, {"authorization": "bearer {}"}])
async def test_the_token_may_be_given_in_either_way(served: Served, payload: dict[str, str]) -> None:
    world = await build_world(served.ground)
    [(name, form)] = payload.items()
    async with served.dial() as line:
        await line.say(type="connection_init", payload={name: form.format(await served.token(world.shop.guide))})
        assert await line.hear() == {"type": "connection_ack"}
        heard = await answers_to(line, "1", "{ tasks { edges { cursor } } }")

    assert heard[0]["payload"] == {"data": {"tasks": {"edges": []}}}


async def test_a_program_may_show_its_token_in_the_handshake(served: Served) -> None:
    world = await build_world(served.ground)
    shown = {"Authorization": f"Bearer {await served.token(world.shop.guide)}"}
    async with served.line(additional_headers=shown) as line:
        heard = await answers_to(line, "1", "{ tasks { edges { cursor } } }")

    assert "errors" not in heard[0]["payload"]


@pytest.mark.parametrize("payload", [{"token": "nonsense"}, {"Authorization": "Basic dTpw"}, {"token": 7}])
async def test_a_token_that_is_no_good_is_forbidden(wire: Served, payload: dict[str, Any]) -> None:
    async with wire.dial() as line:
        await line.say(type="connection_init", payload=payload)
        assert await line.close_code() == 4403


async def test_a_socket_ends_with_its_token(served: Served) -> None:
    world = await build_world(served.ground)
    token = await served.token(world.shop.guide, until=clock.now() + timedelta(seconds=1))
    async with served.dial() as line:
        await line.say(type="connection_init", payload={"token": token})
        assert await line.hear() == {"type": "connection_ack"}
        assert await line.close_code(within=4) == 4403


@pytest.mark.parametrize("what", ["signed out", "access closed", "departed", "moved"])
async def test_a_socket_ends_within_two_seconds_of_its_owners_right_to_it(served: Served, what: str) -> None:
    world = await build_world(served.ground)
    guide, other = world.shop.guide, world.shop.other_guide
    async with served.line(guide) as line, served.line(other) as bystander:
        await line.subscribe("1", CHANGES)
        await line.hear()
        match what:
            case "signed out":
                async with served.ground.db.write() as session:
                    await session.execute(
                        update(SignIn)
                        .where(col(SignIn.brand_id) == guide.brand_id, col(SignIn.staff_id) == guide.id)
                        .values(revoked_at=clock.now())
                    )
            case "access closed":
                await set_staff(served.ground, guide, access_closed_at=clock.now())
            case "departed":
                await set_staff(served.ground, guide, state="departed")
            case "moved":
                await set_staff(served.ground, guide, store_id=world.shops[1].store.id)

        assert await line.close_code(within=2) == 4403
        assert len(await answers_to(bystander, "1", "{ __typename }")) == 2


async def test_a_socket_carries_so_many_operations_and_no_more(served: Served) -> None:
    world = await build_world(served.ground)
    async with served.line(world.shop.guide) as line:
        for number in range(OPERATIONS_PER_SOCKET + 1):
            await line.subscribe(str(number), CHANGES)
        heard = [await line.hear() for _ in range(OPERATIONS_PER_SOCKET + 1)]

    [refused] = [message for message in heard if message["type"] == "error"]
    assert refused["id"] == str(OPERATIONS_PER_SOCKET)
    assert refused["payload"][0]["extensions"]["code"] == "TOO_MANY_OPERATIONS"


async def test_a_person_has_so_many_sockets_and_no_more(served: Served) -> None:
    world = await build_world(served.ground)
    token = await served.token(world.shop.guide)
    lines = [served.line(world.shop.guide) for _ in range(SOCKETS_PER_PERSON)]
    for line in lines:
        await line.__aenter__()
    try:
        async with served.dial() as eleventh:
            await eleventh.say(type="connection_init", payload={"token": token})
            assert await eleventh.close_code() == 1013
        async with served.line(world.shop.other_guide) as other:
            assert len(await answers_to(other, "1", "{ __typename }")) == 2
    finally:
        for line in lines:
            await line.__aexit__(None, None, None)
    async with served.dial() as later:
        await later.say(type="connection_init", payload={"token": token})
        assert await later.hear() == {"type": "connection_ack"}


async def test_pages_of_other_origins_open_no_socket(ground: Ground) -> None:
    async with serving(ground, allowed_origins=("https://shop.example",)) as served:
        for allowed in ("https://shop.example", f"http://127.0.0.1:{served.port}"):
            async with served.line(origin=allowed) as line:
                assert len(await answers_to(line, "1", "{ __typename }")) == 2
        for foreign in ("https://evil.example", "https://shop.example.evil.example", "null"):
            with pytest.raises(InvalidStatus) as caught:
                async with served.dial(origin=foreign):
                    pass
            assert caught.value.response.status_code == 403


async def test_a_socket_that_goes_away_leaves_nothing_behind(served: Served) -> None:
    world = await build_world(served.ground)
    async with served.line(world.shop.guide) as line:
        for name in ("a", "b"):
            await line.subscribe(name, CHANGES)
            await line.hear()
        assert served.edge.hub.watched == {world.shop.guide.id, world.shop.store.id}
        line.connection.transport.abort()

    async with asyncio.timeout(3):
        while served.edge.hub.watched or served.edge.standing.count:  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.01)
    figures = (await served.http.get("/metrics")).text
    assert "daogou_sockets 0.0" in figures
    assert "daogou_socket_operations 0.0" in figures


async def test_errors_on_a_socket_speak_the_language_that_was_asked_for(wire: Served) -> None:
    said = []
    for headers, payload in (({"Accept-Language": "en"}, {}), ({}, {"Accept-Language": "en"}), ({}, {})):
        async with wire.dial(additional_headers=headers) as line:
            await line.say(type="connection_init", payload=payload)
            await line.hear()
            heard = await answers_to(line, "1", "{ tasks { edges { cursor } } }")
            said.append(heard[0]["payload"]["errors"][0]["message"])

    assert said == ["Sign in first.", "Sign in first.", "请先登录。"]


async def test_a_client_that_stops_reading_is_dropped(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "SEND_SECONDS", 0.3)
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.connect(("127.0.0.1", served.port))
    plain.setblocking(False)
    everything = "__schema { types { name description fields { name description args { name description } } } }"
    long = f"{{ a: {everything} b: {everything} c: {everything} d: {everything} e: {everything} f: {everything} }}"
    async with served.line(sock=plain, max_queue=1) as line:
        for number in range(OPERATIONS_PER_SOCKET):
            await line.subscribe(str(number), long)

        async with asyncio.timeout(40):
            while served.edge.standing.count:  # noqa: ASYNC110 - nobody is told
                await asyncio.sleep(0.05)
        line.connection.transport.abort()
    assert 'daogou_socket_closes_total{code="1013"} 1.0' in (await served.http.get("/metrics")).text
