"""Tasks are made, closed and put off by whoever keeps them."""

from datetime import timedelta

import pytest

from customers import commands as customers
from customers.errors import HolderUnfit
from kernel import clock, feed, ids
from kernel.errors import Forbidden, Invalid, NotFound, StaleVersion
from kernel.work import Ground, unit_of_work
from tasks import commands
from tasks.errors import SnoozeInThePast, TaskClosed
from tasks.models import Outcome, TaskKind, TaskState
from tests.factories import build_customer, build_task, build_world, reload, said
from tests.mall.trading import till


async def test_completing_closes_the_task_and_tells_the_keeper_and_the_desk(ground: Ground) -> None:
    world = await build_world(ground)
    task = await build_task(ground, world.shop.guide)

    async with unit_of_work(ground, world.shop.guide) as work:
        await commands.complete(work, task.id, outcome=Outcome.REACHED, remark=" 周末来试穿 ")

    closed = await reload(ground, task)
    assert (closed.state, closed.outcome, closed.outcome_remark) == (TaskState.DONE, Outcome.REACHED, "周末来试穿")
    assert closed.version == 2
    news = [("put", "task", task.id)]
    assert await said(ground, feed.of_staff(world.shop.guide.id)) == news
    assert await said(ground, feed.of_desk(world.shop.store.id)) == news
    assert await said(ground, feed.of_staff(world.shop.other_guide.id)) == []


async def test_completing_twice_is_refused_and_says_nothing_more(ground: Ground) -> None:
    world = await build_world(ground)
    task = await build_task(ground, world.shop.guide)
    async with unit_of_work(ground, world.shop.guide) as work:
        await commands.complete(work, task.id)

    with pytest.raises(TaskClosed):
        async with unit_of_work(ground, world.shop.guide) as work:
            await commands.complete(work, task.id)

    assert await said(ground, feed.of_staff(world.shop.guide.id)) == [("put", "task", task.id)]


async def test_a_task_of_another_store_does_not_exist(ground: Ground) -> None:
    world = await build_world(ground)
    task = await build_task(ground, world.shops[1].guide)

    for stranger in (world.shop.guide, world.shop.manager, world.shops[2].manager):
        with pytest.raises(NotFound):
            async with unit_of_work(ground, stranger) as work:
                await commands.complete(work, task.id)

    assert (await reload(ground, task)).version == 1


async def test_hq_sees_a_task_but_does_not_close_it(ground: Ground) -> None:
    world = await build_world(ground)
    task = await build_task(ground, world.shop.guide)

    with pytest.raises(Forbidden):
        async with unit_of_work(ground, world.hq) as work:
            await commands.complete(work, task.id)

    assert await said(ground, feed.of_staff(world.shop.guide.id)) == []


async def test_an_edit_of_an_older_version_is_refused(ground: Ground) -> None:
    world = await build_world(ground)
    task = await build_task(ground, world.shop.guide)

    with pytest.raises(StaleVersion):
        async with unit_of_work(ground, world.shop.guide) as work:
            await commands.complete(work, task.id, expected_version=7)

    assert (await reload(ground, task)).state is TaskState.PENDING


async def test_snoozing_moves_the_due_time_along(ground: Ground) -> None:
    world = await build_world(ground)
    task = await build_task(ground, world.shop.guide)
    until = clock.now() + timedelta(days=3)

    async with unit_of_work(ground, world.shop.guide) as work:
        await commands.snooze(work, task.id, until=until)

    assert (await reload(ground, task)).due_at == until


async def test_snoozing_into_the_past_is_refused(ground: Ground) -> None:
    world = await build_world(ground)
    task = await build_task(ground, world.shop.guide)

    with pytest.raises(SnoozeInThePast):
        async with unit_of_work(ground, world.shop.guide) as work:
            await commands.snooze(work, task.id, until=clock.now() - timedelta(seconds=1))

    assert (await reload(ground, task)).snoozed_until is None


async def test_a_managers_task_about_a_customer_goes_to_whoever_holds_the_relationship(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.other_guide)

    async with unit_of_work(ground, world.shop.manager) as work:
        task = await commands.add(
            work, title="回访", due_at=clock.now(), kind=TaskKind.REVISIT, customer_id=customer.id
        )

    assert task.account_id == world.shop.other_guide.account_ids[0]
    assert await said(ground, feed.of_staff(world.shop.other_guide.id)) == [("put", "task", task.id)]


async def test_a_revisit_without_a_customer_is_refused(ground: Ground) -> None:
    world = await build_world(ground)

    with pytest.raises(Invalid):
        async with unit_of_work(ground, world.shop.guide) as work:
            await commands.add(work, title="回访", due_at=clock.now(), kind=TaskKind.REVISIT)

    assert await said(ground, feed.of_desk(world.shop.store.id)) == []


async def test_a_guide_gives_no_task_to_a_colleague_and_a_manager_does(ground: Ground) -> None:
    world = await build_world(ground)
    theirs = world.shop.other_guide.account_ids[0]

    with pytest.raises(Forbidden):
        async with unit_of_work(ground, world.shop.guide) as work:
            await commands.add(work, title="整理陈列", due_at=clock.now(), account_id=theirs)
    async with unit_of_work(ground, world.shop.manager) as work:
        task = await commands.add(work, title="整理陈列", due_at=clock.now(), account_id=theirs)

    assert await said(ground, feed.of_staff(world.shop.other_guide.id)) == [("put", "task", task.id)]


async def test_a_machine_makes_tasks_if_its_scopes_say_so(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)

    with pytest.raises(Forbidden):
        async with unit_of_work(ground, till(world)) as work:
            await commands.add(work, title="回访", due_at=clock.now(), customer_id=customer.id)
    async with unit_of_work(ground, till(world, "tasks:write")) as work:
        task = await commands.add(work, title="回访", due_at=clock.now(), customer_id=customer.id)

    assert await said(ground, feed.of_staff(world.shop.guide.id)) == [("put", "task", task.id)]


async def test_a_task_for_no_account_in_sight_or_of_a_wrong_priority_is_refused(ground: Ground) -> None:
    world = await build_world(ground)

    for account_id in (world.shops[1].guide.account_ids[0], ids.new()):
        with pytest.raises(NotFound):
            async with unit_of_work(ground, world.shop.manager) as work:
                await commands.add(work, title="整理陈列", due_at=clock.now(), account_id=account_id)
    with pytest.raises(Invalid):
        async with unit_of_work(ground, world.hq) as work:
            await commands.add(work, title="整理陈列", due_at=clock.now())
    with pytest.raises(Invalid):
        async with unit_of_work(ground, world.shop.guide) as work:
            await commands.add(work, title="整理陈列", due_at=clock.now(), priority=101)

    assert await said(ground, feed.of_desk(world.shop.store.id)) == []


async def test_nobody_who_is_leaving_is_given_a_task(ground: Ground) -> None:
    world = await build_world(ground)
    leaver = world.shop.guide
    await build_customer(ground, leaver)
    async with unit_of_work(ground, world.hq) as work:
        await customers.close_access(work, leaver.id)
    before = await said(ground, feed.of_desk(world.shop.store.id))

    with pytest.raises(HolderUnfit):
        async with unit_of_work(ground, world.shop.manager) as work:
            await commands.add(work, title="整理陈列", due_at=clock.now(), account_id=leaver.account_ids[0])

    assert await said(ground, feed.of_desk(world.shop.store.id)) == before
