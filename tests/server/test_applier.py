"""What a mall sent is applied by the process that took it in, straight after; a worker does what that one can't."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from intake.commands import applying
from intake.models import HookMessageState
from kernel import clock, jobs, redis
from kernel.work import Ground
from mall.models import Order
from server import worker
from server.hooks import applier
from server.wiring import handlers
from tests.asking import VAULT
from tests.factories import World, build_world
from tests.mall.trading import count
from tests.server.calling import call, connect, messages, said
from tests.serving import PATIENCE, Served, serving


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


@pytest.fixture
async def served(ground: Ground) -> AsyncIterator[Served]:
    """A server of this test's own."""
    async with serving(ground) as served:
        yield served


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the jobs that a worker was woken for."""
    names: list[str] = []

    async def note(_redis: Any, job_ids: Any) -> None:
        names.extend(str(each) for each in job_ids)

    monkeypatch.setattr(redis, "trigger", note)
    return names


async def test_an_order_is_there_at_once_and_no_worker_is_woken_for_it(
    served: Served, ground: Ground, world: World, woken: list[str]
) -> None:
    mall = await connect(ground, world)

    answers = await asyncio.gather(*(call(served, mall, said("W-1"), "msg_1") for _ in range(5)))
    await served.edge.applier.drained(PATIENCE)

    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 200, 202]
    [message] = await messages(ground, mall)
    assert (message.state, message.attempts) == (HookMessageState.APPLIED, 1)
    assert await count(ground, world.brand.id, Order) == 1
    async with ground.db.read() as session:
        assert await jobs.waiting(session, world.brand.id, "apply_hook_message") == []
    assert not woken or str(message.id) not in woken


async def test_messages_of_one_order_at_once_are_all_applied_and_the_newest_wins(
    served: Served, ground: Ground, world: World
) -> None:
    mall, first = await connect(ground, world), said("W-1")
    news = [first]
    for state in ("shipped", "completed"):
        at = clock.now().isoformat()
        news.append({**first, "data": first["data"] | {"state": state, "updated_at": at}})

    await asyncio.gather(*(call(served, mall, each) for each in reversed(news)))
    await served.edge.applier.drained(PATIENCE)

    assert {each.state for each in await messages(ground, mall)} == {HookMessageState.APPLIED}
    assert await count(ground, world.brand.id, Order) == 1


async def test_a_worker_is_woken_where_this_process_has_no_room(
    served: Served, ground: Ground, world: World, woken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applier, "AT_ONCE", 0)
    mall = await connect(ground, world)

    answer = await call(served, mall, said())

    assert answer.status_code == 202
    [message] = await messages(ground, mall)
    assert message.state is HookMessageState.RECEIVED
    async with ground.db.read() as session:
        assert [str(each) for each in await jobs.due(session)] == woken


async def test_what_fails_here_is_tried_again_by_a_worker(
    served: Served, ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> None:
        raise RuntimeError

    mall = await connect(ground, world)
    with monkeypatch.context() as broken:
        broken.setattr(applying, "apply", fail)
        answer = await call(served, mall, said())
        await served.edge.applier.drained(PATIENCE)
    [before] = await messages(ground, mall)
    later = clock.now() + 2 * jobs.LEASE
    monkeypatch.setattr(clock, "now", lambda: later)
    async with ground.db.read() as session:
        [job_id] = await jobs.due(session)

    await worker.run(ground, job_id, handlers(VAULT))

    assert (answer.status_code, before.state) == (202, HookMessageState.RECEIVED)
    assert [each.state for each in await messages(ground, mall)] == [HookMessageState.APPLIED]


async def test_a_server_that_stops_lets_what_is_under_way_end(ground: Ground, world: World) -> None:
    mall = await connect(ground, world)
    async with serving(ground) as served:
        answers = await asyncio.gather(*(call(served, mall, said()) for _ in range(applier.AT_ONCE)))

    assert {answer.status_code for answer in answers} == {202}
    assert {each.state for each in await messages(ground, mall)} == {HookMessageState.APPLIED}


async def test_a_server_that_stops_puts_back_what_takes_too_long(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dawdle(*_: Any) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(applying, "apply", dawdle)
    monkeypatch.setattr(applier, "DRAIN_SECONDS", 0.1)
    mall = await connect(ground, world)
    async with serving(ground) as served:
        await call(served, mall, said())
        await asyncio.sleep(0.2)

    later = clock.now() + 0.2 * jobs.LEASE
    monkeypatch.setattr(clock, "now", lambda: later)
    assert [each.state for each in await messages(ground, mall)] == [HookMessageState.RECEIVED]
    async with ground.db.read() as session:
        # Before the lease would have run out.
        assert len(await jobs.due(session)) == 1
