"""Shutting down without a loss, in this process: what is under way ends, and everybody is sent elsewhere."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy import select
from sqlmodel import col
from websockets.exceptions import InvalidStatus

from kernel.actor import Actor
from kernel.work import Ground
from server import draining
from server import serving as product
from server.messages import Close
from server.sockets import Socket
from tasks.models import Task, TaskState
from tests.factories import build_task, build_world, reload, said
from tests.serving import Line, Served, serving

CHANGES = "subscription ($after: Cursor) { changes(after: $after) { cursor changes { op id } } }"
COMPLETE = """mutation ($id: ID!, $key: String) {
  completeTask(id: $id, idempotencyKey: $key) { __typename ... on TaskChanged { task { state } } } }"""


@pytest.fixture
async def served(ground: Ground) -> AsyncIterator[Served]:
    """A server of this test's own."""
    async with serving(ground) as served:
        yield served


@asynccontextmanager
async def held_up(ground: Ground, task: Task) -> AsyncIterator[None]:
    """Whoever wants to change the task waits for as long as the block lasts."""
    async with ground.db.write() as session:
        await session.execute(
            select(col(Task.id)).where(col(Task.brand_id) == task.brand_id, col(Task.id) == task.id).with_for_update()
        )
        yield


async def begun(served: Served) -> None:
    """Return when the server has begun to shut down."""
    async with asyncio.timeout(3):
        while not served.edge.draining.has_begun:  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.01)


async def answered_and_then_moved(served: Served, guide: Actor, task: Task) -> None:
    """A mutation that is under way when the server is stopped has its effect and its answer; then comes 1012."""
    async with served.line(guide) as line:
        async with held_up(served.ground, task):
            await line.subscribe("write", COMPLETE, id=str(task.id))
            await asyncio.sleep(0.2)
            served.stop()
            await begun(served)
            await asyncio.sleep(draining.SPREAD_SECONDS + 0.2)
            assert line.connection.close_code is None
        heard = [await line.hear(), await line.hear()]
        assert [message["type"] for message in heard] == ["next", "complete"]
        assert heard[0]["payload"]["data"]["completeTask"]["__typename"] == "TaskChanged"
        assert await line.close_code(within=3) == 1012
    assert (await reload(served.ground, task)).state is TaskState.DONE


def pause(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let every socket wait that long before it moves, whichever its turn."""
    move = Socket.move
    monkeypatch.setattr(Socket, "move", lambda socket, _pause: move(socket, seconds))


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draining, "SPREAD_SECONDS", 0.4)


async def test_a_mutation_under_way_is_answered_before_its_socket_moves(served: Served) -> None:
    world = await build_world(served.ground)
    task = await build_task(served.ground, world.shop.guide)

    await answered_and_then_moved(served, world.shop.guide, task)


async def test_a_drain_that_waits_for_nothing_is_caught(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    async def move_at_once(socket: Socket, _pause: float) -> None:
        socket._end_with(Close(1012, "Service restart"))

    monkeypatch.setattr(Socket, "move", move_at_once)
    world = await build_world(served.ground)
    task = await build_task(served.ground, world.shop.guide)

    with pytest.raises(AssertionError):
        await answered_and_then_moved(served, world.shop.guide, task)

    assert (await reload(served.ground, task)).state is TaskState.PENDING


async def test_whoever_only_listens_is_moved_at_once_and_misses_nothing(ground: Ground) -> None:
    world = await build_world(ground)
    task = await build_task(ground, world.shop.guide)
    async with serving(ground) as served, served.line(world.shop.guide) as line:
        await line.subscribe("live", CHANGES)
        cursor = (await line.hear())["payload"]["data"]["changes"]["cursor"]
        served.stop()
        assert await line.close_code(within=2) == 1012
    async with serving(ground) as again, again.line(world.shop.guide) as line:
        await again.ask(COMPLETE, world.shop.guide, id=str(task.id))
        await line.subscribe("live", CHANGES, after=cursor)
        heard = await line.hear()

    assert heard["payload"]["data"]["changes"]["changes"] == [{"op": "PUT", "id": str(task.id)}]


async def test_thousands_are_not_sent_away_in_one_instant(served: Served) -> None:
    world = await build_world(served.ground)
    lines = [served.line(actor) for actor in (*world.shop.guides, world.shop.manager, world.hq)]
    opened = [await line.__aenter__() for line in lines]
    served.stop()
    await begun(served)
    began = time.monotonic()
    gone = await asyncio.gather(*(gone_after(line, began) for line in opened))

    assert {code for code, _ in gone} == {1012}
    times = sorted(after for _, after in gone)
    assert times[-1] - times[0] >= 0.2


async def gone_after(line: Line, began: float) -> tuple[int | None, float]:
    return await line.close_code(), time.monotonic() - began


async def test_a_socket_that_is_to_move_begins_nothing_new_and_is_told_at_once(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause(monkeypatch, 3)
    world = await build_world(served.ground)
    task = await build_task(served.ground, world.shop.guide)
    feed_id = world.shop.guide.id
    async with served.line(world.shop.guide) as line, served.line(world.shop.other_guide) as idle:
        served.stop()
        await begun(served)
        before = await said(served.ground, feed_id)
        await line.subscribe("write", COMPLETE, id=str(task.id))
        assert await line.close_code(within=1) == 1012
        assert idle.connection.close_code is None

    assert (await reload(served.ground, task)).state is TaskState.PENDING
    assert await said(served.ground, feed_id) == before


async def test_a_server_that_stops_is_not_ready_and_takes_nobody_new(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause(monkeypatch, 1)
    world = await build_world(served.ground)
    async with served.line(world.shop.guide), httpx2.AsyncClient(base_url=served.http.base_url) as kept:
        await kept.get("/healthz")
        served.stop()
        await begun(served)
        ready = await kept.get("/readyz")
        with pytest.raises(httpx2.ConnectError):
            async with httpx2.AsyncClient() as fresh:
                await fresh.get(f"http://127.0.0.1:{served.port}/healthz")
        with pytest.raises((ConnectionRefusedError, InvalidStatus)):
            async with served.dial():
                pass

    assert (ready.status_code, ready.text) == (503, "shutting down\n")
    assert ready.headers["connection"] == "close"


async def test_a_mutation_over_http_under_way_is_answered(served: Served) -> None:
    world = await build_world(served.ground)
    task = await build_task(served.ground, world.shop.guide)
    shown = {"Authorization": f"Bearer {await served.token(world.shop.guide)}"}
    body = {"query": COMPLETE, "variables": {"id": str(task.id)}}
    async with held_up(served.ground, task):
        answering = asyncio.create_task(served.post(body, headers=shown))
        await asyncio.sleep(0.3)
        served.stop()
        await begun(served)
        await asyncio.sleep(0.5)
    answer = await answering

    assert answer.json()["data"]["completeTask"]["task"] == {"state": "DONE"}
    assert answer.headers["connection"] == "close"


async def test_what_never_ends_is_given_up_on_and_leaves_nothing_half_done(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "DRAIN_SECONDS", 0.8)
    monkeypatch.setattr(product, "GRACE_SECONDS", 1.5)
    world = await build_world(ground)
    task = await build_task(ground, world.shop.guide)
    key = uuid4().hex
    async with serving(ground) as served, served.line(world.shop.guide) as line, held_up(ground, task):
        await line.subscribe("write", COMPLETE, id=str(task.id), key=key)
        await asyncio.sleep(0.2)
        before, began = await said(ground, world.shop.guide.id), time.monotonic()
        served.stop()
        assert await line.close_code(within=3) == 1012
        await served.stopped()
        assert time.monotonic() - began < 4

    assert (await reload(ground, task)).state is TaskState.PENDING
    assert await said(ground, world.shop.guide.id) == before
    async with serving(ground) as again:
        answer = await again.ask(COMPLETE, world.shop.guide, id=str(task.id), key=key)
    assert answer["completeTask"]["task"] == {"state": "DONE"}
