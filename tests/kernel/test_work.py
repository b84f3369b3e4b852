"""What happened, who hears of it and what is to be done later are committed together, or not at all."""

import asyncio
from dataclasses import replace
from time import perf_counter
from uuid import UUID

import pytest
from redis.exceptions import ConnectionError as RedisDown
from sqlalchemy import func, select

from kernel import feed
from kernel.jobs import Job
from kernel.redis import POKES, connect
from kernel.work import Ground, unit_of_work
from tasks import commands
from tasks.models import Task
from tests.factories import build_task, build_world, reload, said


async def test_an_exception_leaves_no_row_no_entry_and_no_job(ground: Ground) -> None:
    world = await build_world(ground)
    task = await build_task(ground, world.shop.guide)

    with pytest.raises(RuntimeError):
        async with unit_of_work(ground, world.shop.guide) as work:
            await commands.complete(work, task.id)
            work.later("anything", task_id=str(task.id))
            raise RuntimeError

    assert (await reload(ground, task)).version == 1
    assert await said(ground, feed.of_staff(world.shop.guide.id)) == []
    assert await _jobs(ground) == 0


async def test_a_job_asked_for_is_a_row_in_the_same_commit(ground: Ground) -> None:
    world = await build_world(ground)

    async with unit_of_work(ground, world.shop.guide) as work:
        work.later("anything", number=1)
        assert await _jobs(ground) == 0

    assert await _jobs(ground) == 1


async def test_a_commit_pokes_the_feeds_that_grew(ground: Ground) -> None:
    world = await build_world(ground)
    task = await build_task(ground, world.shop.guide)

    async with ground.redis.pubsub() as ear:
        await ear.subscribe(POKES)
        await ear.get_message(timeout=2)
        async with unit_of_work(ground, world.shop.guide) as work:
            await commands.complete(work, task.id)
        message = await ear.get_message(ignore_subscribe_messages=True, timeout=2)

    assert message
    poked = {UUID(part) for part in message["data"].decode().split(",")}
    assert poked == {feed.of_staff(world.shop.guide.id), feed.of_desk(world.shop.store.id)}


async def test_a_commit_stands_when_redis_is_down(ground: Ground) -> None:
    world = await build_world(ground)
    task = await build_task(ground, world.shop.guide)
    nowhere = connect("redis://127.0.0.1:1/0")
    cut_off = Ground(ground.db, nowhere, ground.wiring)

    with pytest.raises(RedisDown):
        await nowhere.ping()
    async with asyncio.timeout(10):
        async with unit_of_work(cut_off, world.shop.guide) as work:
            await commands.complete(work, task.id)
            work.later("anything")

    assert (await reload(ground, task)).version == 2
    assert await _jobs(ground) == 1
    await nowhere.aclose(close_connection_pool=True)


async def test_two_at_once_complete_a_task_once(ground: Ground) -> None:
    world = await build_world(ground)
    task = await build_task(ground, world.shop.guide)

    async def complete() -> Task:
        async with unit_of_work(ground, world.shop.guide) as work:
            return await commands.complete(work, task.id)

    outcomes = await asyncio.gather(complete(), complete(), return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Task", "TaskClosed"]
    assert len(await said(ground, feed.of_staff(world.shop.guide.id))) == 1


async def _jobs(ground: Ground) -> int:
    async with ground.db.read() as session:
        return await session.scalar(select(func.count()).select_from(Job)) or 0


async def test_a_redis_that_is_silent_holds_a_commit_up_once_and_not_once_for_each_job(ground: Ground) -> None:
    world = await build_world(ground)

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as silent:
        client = connect(f"redis://127.0.0.1:{silent.sockets[0].getsockname()[1]}")
        started = perf_counter()
        async with unit_of_work(replace(ground, redis=client), world.hq) as work:
            for _ in range(10):
                work.later("nothing")
        took = perf_counter() - started
        await client.aclose(close_connection_pool=True)

    assert took < 4
