"""Tasks are cancelled by whoever keeps them, or their store's manager."""

import asyncio

import pytest

from kernel import feed
from kernel.errors import Forbidden, Invalid, NotFound, StaleVersion
from kernel.work import Ground, unit_of_work
from tasks import commands
from tasks.errors import TaskClosed
from tasks.models import Task, TaskState
from tests.factories import build_task, build_world, reload, said


async def test_cancelling_closes_the_task_and_tells_the_keeper_and_the_desk(ground: Ground) -> None:
    world = await build_world(ground)
    task = await build_task(ground, world.shop.guide)

    async with unit_of_work(ground, world.shop.manager) as work:
        await commands.cancel(work, task.id, remark=" 顾客已来过 ", expected_version=1)

    closed = await reload(ground, task)
    assert (closed.state, closed.outcome, closed.outcome_remark) == (TaskState.CANCELLED, None, "顾客已来过")
    assert closed.closed_at is not None
    assert await said(ground, feed.of_staff(world.shop.guide.id)) == [("put", "task", task.id)]
    assert await said(ground, feed.of_desk(world.shop.store.id)) == [("put", "task", task.id)]


async def test_refusals_leave_the_task_open_and_say_nothing(ground: Ground) -> None:
    world = await build_world(ground)
    task = await build_task(ground, world.shop.guide)

    for actor, refusal in [
        (world.shop.other_guide, NotFound),
        (world.shops[1].manager, NotFound),
        (world.hq, Forbidden),
    ]:
        with pytest.raises(refusal):
            async with unit_of_work(ground, actor) as work:
                await commands.cancel(work, task.id)
    with pytest.raises(StaleVersion):
        async with unit_of_work(ground, world.shop.guide) as work:
            await commands.cancel(work, task.id, expected_version=2)
    with pytest.raises(Invalid):
        async with unit_of_work(ground, world.shop.guide) as work:
            await commands.cancel(work, task.id, remark="长" * 501)

    assert (await reload(ground, task)).state is TaskState.PENDING
    assert await said(ground, feed.of_desk(world.shop.store.id)) == []


async def test_of_cancelling_and_completing_at_the_same_time_one_is_refused(ground: Ground) -> None:
    world = await build_world(ground)
    task = await build_task(ground, world.shop.guide)

    async def cancel() -> Task:
        async with unit_of_work(ground, world.shop.guide) as work:
            return await commands.cancel(work, task.id)

    async def complete() -> Task:
        async with unit_of_work(ground, world.shop.guide) as work:
            return await commands.complete(work, task.id)

    answers = await asyncio.gather(cancel(), complete(), return_exceptions=True)

    assert sum(isinstance(answer, TaskClosed) for answer in answers) == 1
    assert (await reload(ground, task)).version == 2
    assert await said(ground, feed.of_staff(world.shop.guide.id)) == [("put", "task", task.id)]
