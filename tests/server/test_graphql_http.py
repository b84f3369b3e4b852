"""GraphQL over HTTP, request by request: every check of the public audit suite, and what it doesn't ask."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete
from sqlmodel import col

from kernel import clock
from kernel.db import Database
from kernel.feed import Feed
from kernel.ids import new
from kernel.redis import connect
from kernel.work import Ground
from server import graphql
from server.settings import Environment
from server.tokens import Claims, Kind, Signer
from server.wiring import wiring
from tasks.models import Task, TaskState
from tests.factories import build_task, build_world, reload
from tests.serving import RESPONSE, SECRET, Served, serving, serving_nothing

JSON = "application/json"
TYPENAME = {"query": "{ __typename }"}
UNKNOWN_FIELD = {"query": "{ nosuchfield }"}
COERCION = {"query": "query Q($id: ID!) { task(id: $id) { id } }", "variables": {"id": None}}


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


async def send(served: Served, body: bytes, content_type: str | None = JSON, accept: str = JSON) -> tuple[int, Any]:
    """POST these bytes; the status and the answer."""
    headers = {"Accept": accept} | ({"Content-Type": content_type} if content_type else {})
    answer = await served.http.post("/graphql", content=body, headers=headers)
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (RESPONSE, RESPONSE),
        (JSON, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (None, JSON),
        ("", JSON),
        (f"{RESPONSE}, {JSON}", RESPONSE),
        (f"{JSON}, {RESPONSE}", JSON),
        (f"{JSON};q=0.5, {RESPONSE};q=0.9", RESPONSE),
        (f"{RESPONSE}; charset=utf-8, {JSON}; charset=utf-8", RESPONSE),
        (f"{RESPONSE};q=0, */*", JSON),
        ("text/html, */*;q=0.1", JSON),
        (f"text/plain, {JSON}", JSON),
    ],
)
async def test_the_answer_comes_in_the_media_type_that_the_client_likes_best(
    wire: Served, accept: str | None, expected: str
) -> None:
    request = wire.http.build_request("POST", "/graphql", json=TYPENAME)
    del request.headers["accept"]
    if accept is not None:
        request.headers["accept"] = accept

    answer = await wire.http.send(request)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"{expected}; charset=utf-8"
    assert answer.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize("accept", ["text/plain", "image/*", f"{JSON};q=0", f"{JSON}; charset=utf-16", "nonsense"])
async def test_a_client_that_takes_nothing_we_can_give_is_told_so(wire: Served, accept: str) -> None:
    answer = await wire.post(TYPENAME, headers={"Accept": accept})

    assert answer.status_code == 406
    assert answer.json()["errors"][0]["extensions"]["code"] == "NOT_ACCEPTABLE"


@pytest.mark.parametrize("content_type", [JSON, f"{JSON}; charset=utf-8", f"{JSON};charset=UTF-8", "Application/JSON"])
async def test_a_body_in_utf_8_is_read(wire: Served, content_type: str) -> None:
    body = json.dumps({"query": '{ __type(name: "Run🏃Swim🏊") { name } }'}, ensure_ascii=False).encode()

    assert await send(wire, body, content_type) == (200, {"data": {"__type": None}})


@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", RESPONSE,
     "application/graphql", f"{JSON}; charset=iso-8859-1"],
)  # fmt: skip
async def test_a_body_of_another_kind_is_refused(wire: Served, content_type: str | None) -> None:
    status, said = await send(wire, json.dumps(TYPENAME).encode(), content_type)

    assert status == 415
    assert said["errors"][0]["extensions"]["code"] == "UNSUPPORTED_MEDIA_TYPE"


@pytest.mark.parametrize("accept", [JSON, RESPONSE])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"NONSENSE",
        b'{ "not a JSON',
        b'"text"',
        b"null",
        b"7",
        b"true",
        b"[]",
        json.dumps([TYPENAME]).encode(),
        b"{}",
        b'{"qeury": "{ __typename }"}',
        b'{"query": "\xff\xfe"}',
        b'{"query": "\\ud800"}',
        b'{"query": NaN}',
        b"[" * 30_000 + b"]" * 30_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"query": null}',
        b'{"query": {"obj": "ect"}}',
        b'{"query": 0}',
        b'{"query": false}',
        b'{"query": ["array"]}',
        b'{"query": "{ __typename }", "operationName": {"obj": "ect"}}',
        b'{"query": "{ __typename }", "operationName": 0}',
        b'{"query": "{ __typename }", "operationName": false}',
        b'{"query": "{ __typename }", "operationName": ["array"]}',
        b'{"query": "{ __typename }", "variables": "string"}',
        b'{"query": "{ __typename }", "variables": 0}',
        b'{"query": "{ __typename }", "variables": false}',
        b'{"query": "{ __typename }", "variables": ["array"]}',
        b'{"query": "{ __typename }", "extensions": "string"}',
        b'{"query": "{ __typename }", "extensions": 0}',
        b'{"query": "{ __typename }", "extensions": false}',
        b'{"query": "{ __typename }", "extensions": ["array"]}',
        b'{"query": "{ __typename }", "variables": {"a": {"b": ["\\u0000"]}}}',
        b'{"query": "{ task(id: \\"\\\\u0000\\") { id } }"}',
        b'{"query": "{ task(id: \\"\\\\u{0}\\") { id } }"}',
    ],
)  # fmt: skip
async def test_what_is_no_request_is_a_bad_request_in_every_media_type(wire: Served, body: bytes, accept: str) -> None:
    status, said = await send(wire, body, accept=accept)

    assert status == 400
    assert said["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert "data" not in said


@pytest.mark.parametrize("accept", [JSON, RESPONSE])
@pytest.mark.parametrize(
    "more",
    [
        {"variables": None},
        {"operationName": None},
        {"extensions": None},
        {"extensions": {"some": "value"}},
        {"operationName": ""},
        {"somethingNew": 1},
    ],
)
async def test_optional_parameters_may_be_null_and_unknown_ones_are_ignored(
    wire: Served, more: dict[str, Any], accept: str
) -> None:
    answer = await wire.post(TYPENAME | more, headers={"Accept": accept})

    assert (answer.status_code, answer.json()) == (200, {"data": {"__typename": "Query"}})


@pytest.mark.parametrize("accept", [JSON, RESPONSE])
async def test_operations_are_chosen_by_name_and_variables_are_used(wire: Served, accept: str) -> None:
    body = {
        "query": "query A { a: __typename } query B($name: String!) { __type(name: $name) { name } }",
        "operationName": "B",
        "variables": {"name": "Task"},
    }

    answer = await wire.post(body, headers={"Accept": accept})

    assert (answer.status_code, answer.json()) == (200, {"data": {"__type": {"name": "Task"}}})


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": ""}, "GRAPHQL_PARSE_FAILED"),
        (UNKNOWN_FIELD, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "{" * 3000 + "}" * 3000}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{a" * 150 + "}" * 150}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "{ __typename }", "operationName": "B"}, "OPERATION_RESOLUTION_FAILURE"),
        ({"query": "fragment F on Query { __typename }"}, "OPERATION_RESOLUTION_FAILURE"),
        ({"query": "query A { __typename } query B { __typename }"}, "OPERATION_RESOLUTION_FAILURE"),
        (COERCION, "BAD_USER_INPUT"),
    ],
)
async def test_a_document_that_cannot_be_carried_out_is_told_by_status_only_in_the_new_media_type(
    wire: Served, body: dict[str, Any], code: str
) -> None:
    new, old = await wire.post(body, headers={"Accept": RESPONSE}), await wire.post(body, headers={"Accept": JSON})

    assert (new.status_code, old.status_code) == (400, 200)
    assert new.json() == old.json()
    assert new.json()["errors"][0]["extensions"]["code"] == code
    assert "data" not in new.json()


@pytest.mark.parametrize("accept", [JSON, RESPONSE])
async def test_queries_may_come_by_get_with_variables_in_the_address(wire: Served, accept: str) -> None:
    parameters = {
        "query": "query Q($name: String!) { __type(name: $name) { name } }",
        "variables": json.dumps({"name": "Task"}),
        "operationName": "",
        "extensions": "",
    }

    answer = await wire.http.get("/graphql", params=parameters, headers={"Accept": accept})

    assert (answer.status_code, answer.json()) == (200, {"data": {"__type": {"name": "Task"}}})


async def test_a_get_without_any_header_is_answered(wire: Served) -> None:
    request = wire.http.build_request("GET", "/graphql", params=TYPENAME)
    for name in ("accept", "user-agent", "accept-encoding"):
        del request.headers[name]

    answer = await wire.http.send(request)

    assert (answer.status_code, answer.json()) == (200, {"data": {"__typename": "Query"}})


async def test_head_is_answered_like_get_without_a_body(wire: Served) -> None:
    answer = await wire.http.head("/graphql", params=TYPENAME, headers={"Accept": JSON})

    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("accept", [JSON, RESPONSE])
async def test_a_mutation_by_get_is_refused_and_changes_nothing(served: Served, accept: str) -> None:
    world = await build_world(served.ground)
    task = await build_task(served.ground, world.shop.guide)
    mutation = f'mutation {{ completeTask(id: "{task.id}") {{ __typename }} }}'
    query = "query A { __typename } " + mutation.replace("mutation", "mutation B")
    shown = {"Authorization": f"Bearer {await served.token(world.shop.guide)}", "Accept": accept}

    for parameters in ({"query": mutation}, {"query": query, "operationName": "B"}):
        answer = await served.http.get("/graphql", params=parameters, headers=shown)

        assert answer.status_code == 405
        assert answer.headers["allow"] == "POST"
        assert answer.json()["errors"][0]["extensions"]["code"] == "METHOD_NOT_ALLOWED"
    [edge] = (await served.ask("{ tasks { edges { node { state } } } }", world.shop.guide))["tasks"]["edges"]
    assert edge["node"]["state"] == "PENDING"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_other_methods_are_not_allowed(wire: Served, method: str) -> None:
    answer = await wire.http.request(method, "/graphql", json=TYPENAME)

    assert answer.status_code == 405
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize("parameters", ["", "query", "query=%FF", "query={__typename}&variables=[1]", "variables={}"])
async def test_an_address_that_is_no_request_is_a_bad_request(wire: Served, parameters: str) -> None:
    answer = await wire.http.get(f"/graphql?{parameters}", headers={"Accept": JSON})

    assert answer.status_code == (200 if parameters == "query" else 400)
    assert "errors" in answer.json()


async def test_a_long_address_and_a_large_body_are_refused(wire: Served) -> None:
    padding = "#" * 20_000

    address = await wire.http.get("/graphql", params={"query": TYPENAME["query"] + padding})
    body = await wire.post({"query": TYPENAME["query"] + padding * 5})
    huge, _ = await send(wire, b"[" * 12_000_000)

    assert (address.status_code, body.status_code, huge) == (414, 413, 413)


async def test_subscriptions_are_for_sockets(wire: Served) -> None:
    answer = await wire.post({"query": "subscription { changes { upToDate } }"})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


async def test_data_beside_errors_is_partial_success_where_the_client_knows_the_word(wire: Served) -> None:
    body = {"query": "{ __typename tasks { edges { cursor } } }"}

    new, old = await wire.post(body, headers={"Accept": RESPONSE}), await wire.post(body, headers={"Accept": JSON})

    assert (new.status_code, old.status_code) == (294, 200)
    assert new.json() == old.json()
    assert new.json()["data"] is None
    [error] = new.json()["errors"]
    assert (error["extensions"]["code"], error["path"]) == ("UNAUTHENTICATED", ["tasks"])


async def test_refusals_speak_the_readers_language(wire: Served) -> None:
    body = {"query": "{ tasks { edges { cursor } } }"}

    said = [
        (await wire.post(body, headers={"Accept-Language": preferred})).json()["errors"][0]["message"]
        for preferred in ("zh-CN,zh;q=0.9,en;q=0.8", "en-GB,en;q=0.9,zh;q=0.5", "fr", "")
    ]

    assert said == ["请先登录。", "Sign in first.", "请先登录。", "请先登录。"]


@pytest.mark.parametrize("shown", ["Bearer nonsense", "Bearer", "Basic dTpw", "", "Bearer a b"])
async def test_a_token_that_is_no_good_is_401(served: Served, shown: str) -> None:
    answer = await served.post(TYPENAME, headers={"Authorization": shown})

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_an_expired_token_and_an_ended_sign_in_are_401(served: Served) -> None:
    world = await build_world(served.ground)
    token = await served.token(world.shop.guide)
    shown = {"Authorization": f"Bearer {token}"}
    expired = await served.token(world.shop.guide, until=clock.now() - timedelta(seconds=1))

    assert (await served.post(TYPENAME, headers={"Authorization": f"Bearer {expired}"})).status_code == 401
    assert (await served.post(TYPENAME, headers=shown)).status_code == 200
    assert (await served.post({"query": "mutation { signOut { __typename } }"}, headers=shown)).status_code == 200
    ended = await served.post(TYPENAME, headers=shown)

    assert ended.status_code == 401
    assert ended.json()["errors"][0]["extensions"]["code"] == "SIGN_IN_ENDED"


async def test_a_bug_is_masked_logged_and_has_a_number_to_ask_about(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    world = await build_world(served.ground)
    async with served.ground.db.write() as session:
        await session.execute(delete(Feed).where(col(Feed.feed_id) == world.shop.guide.id))

    answer = await served.post(
        {"query": "{ changes { cursor } }"},
        world.shop.guide,
        headers={"X-Request-Id": "request-17", "Accept-Language": "en"},
    )

    [error] = answer.json()["errors"]
    assert error["extensions"] == {"code": "INTERNAL", "requestId": "request-17"}
    assert "request-17" in error["message"]
    assert "feed" not in error["message"]
    assert answer.headers["x-request-id"] == "request-17"
    [record] = [record for record in caplog.records if record.message == "operation_failed"]
    assert record.exc_info
    assert isinstance(record.exc_info[1], LookupError)


async def test_each_request_has_an_id_that_nobody_can_use_to_write_into_the_log(wire: Served) -> None:
    own = (await wire.post(TYPENAME)).headers["x-request-id"]
    forged = (await wire.post(TYPENAME, headers={"X-Request-Id": "two words"})).headers["x-request-id"]

    assert len(own) == len(forged) == 32
    assert own != forged


async def test_a_database_that_is_away_is_503_and_comes_back_by_itself() -> None:
    nowhere = Ground(Database("postgresql://nobody@127.0.0.1:1/nothing"), connect(None), wiring)
    token = Signer(SECRET).sign(Claims(new(), new(), new(), Kind.STAFF, clock.now() + timedelta(minutes=1)))

    async with serving(nowhere) as served:
        answer = await served.post(TYPENAME, headers={"Authorization": f"Bearer {token}"})
        alive, ready = await served.http.get("/healthz"), await served.http.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
    assert (alive.status_code, ready.status_code) == (200, 503)


async def test_in_production_the_schema_is_not_told(ground: Ground) -> None:
    misspelt = {"query": "{ task(id: 1, nam: 2) { tite } tasx(id: 1) { id } ... on Tak { id } }"}
    async with serving(ground, daogou_env=Environment.PRODUCTION) as served:
        introspection = await served.post({"query": "{ __schema { types { name } } }"}, headers={"Accept": RESPONSE})
        messages = [error["message"] for error in (await served.post(misspelt)).json()["errors"]]
        page = await served.http.get("/graphql", headers={"Accept": "text/html"})
        typename = await served.post(TYPENAME)

    assert introspection.status_code == 400
    assert introspection.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert len(messages) == 4
    assert not [message for message in messages if "Did you mean" in message]
    assert page.status_code == 406
    assert typename.json() == {"data": {"__typename": "Query"}}


async def test_pages_of_other_origins_may_ask_only_where_they_are_named(ground: Ground) -> None:
    async with serving(ground, allowed_origins=("https://shop.example",)) as served:
        ours = await served.post(TYPENAME, headers={"Origin": "https://shop.example"})
        theirs = await served.post(TYPENAME, headers={"Origin": "https://evil.example"})
        preflight = await served.http.options(
            "/graphql", headers={"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
        )
    async with serving(ground) as served:
        closed = await served.post(TYPENAME, headers={"Origin": "https://shop.example"})

    assert ours.headers["access-control-allow-origin"] == "https://shop.example"
    assert "access-control-allow-origin" not in theirs.headers
    assert preflight.status_code == 200
    assert "access-control-allow-origin" not in closed.headers


async def test_an_operation_that_takes_too_long_is_stopped_and_changes_nothing(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphql, "OPERATION_SECONDS", 0.3)
    world = await build_world(served.ground)
    task = await build_task(served.ground, world.shop.guide)
    body = {"query": f'mutation {{ completeTask(id: "{task.id}") {{ __typename }} }}'}
    shown = {"Authorization": f"Bearer {await served.token(world.shop.guide)}"}

    async with served.ground.db.write() as session:
        await session.get(Task, (task.brand_id, task.id), with_for_update=True)
        stopped = await served.post(body, headers=shown)
    before = await reload(served.ground, task)
    monkeypatch.undo()
    again = await served.post(body, headers=shown)

    assert stopped.status_code == 503
    assert stopped.json()["errors"][0]["extensions"]["code"] == "TIMEOUT"
    assert before.state is TaskState.PENDING
    assert again.json() == {"data": {"completeTask": {"__typename": "TaskChanged"}}}
