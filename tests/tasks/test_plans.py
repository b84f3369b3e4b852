"""A store's day is planned once, whoever asks and whatever happens meanwhile."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from customers.models import Customer, Relationship
from kernel import clock, ids
from kernel.actor import system
from kernel.jobs import Job, JobState
from kernel.work import Ground, Work, unit_of_work
from server import chores
from server.wiring import HANDLERS, PREPARATIONS
from tasks.commands import plans
from tasks.models import TaskKind, TaskSource, TaskState, Verdict
from tasks.models.hours import times
from tests.factories import NOON, World, build_customer, build_task, build_world, relationship_of, said, save
from tests.tasks.planning import (
    build_customers,
    candidates,
    carry_out,
    customers_of,
    everybody,
    plan_all,
    plan_jobs,
    planned,
    runs,
    set_up,
)
from tests.tasks.revisiting import TODAY

Meanwhile = Callable[[Ground, World, Customer], Awaitable[Any]]


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


async def test_each_guide_is_given_as_many_as_the_quota_says_and_the_next_are_kept(
    ground: Ground, world: World
) -> None:
    rule = await everybody(ground, world, title="问候老顾客", suggested_words="最近好吗?", priority=70)
    setting = await set_up(ground, world, quota=2)
    mine = await build_customers(ground, world.shop.guide, 4)
    theirs = await build_customers(ground, world.shop.other_guide, 1)

    await plan_all(ground)

    tasks = await planned(ground, world)
    assert Counter(task.account_id for task in tasks) == {
        world.shop.guide.account_ids[0]: 2,
        world.shop.other_guide.account_ids[0]: 1,
    }
    assert customers_of(tasks) <= {customer.id for customer in (*mine, *theirs)}
    task = tasks[0]
    assert (task.kind, task.title, task.suggested_words) == (TaskKind.REVISIT, "问候老顾客", "最近好吗?")
    assert (task.priority, task.source, task.rule_id) == (70, TaskSource.RULE, rule.id)
    assert task.reason
    when = times(setting, "Asia/Shanghai", TODAY, NOON, 70)
    assert (task.due_at, task.escalates_at, task.expires_at) == (when.due_at, when.escalates_at, when.expires_at)
    [run] = [each for each in await runs(ground, world) if each.store_id == world.shop.store.id]
    assert run.counts == {"chosen": 3, "over_quota": 2}
    assert run.done_at == NOON
    kept = await candidates(ground, world)
    assert Counter(each.verdict for each in kept) == {Verdict.CHOSEN: 3, Verdict.OVER_QUOTA: 2}
    assert {each.task_id for each in kept if each.verdict is Verdict.CHOSEN} == {each.id for each in tasks}
    assert sorted(each.place for each in kept) == [1, 1, 2, 3, 4]
    told = await said(ground, world.shop.guide.id)
    assert {entity for _, kind, entity in told if kind == "task"} == {
        each.id for each in tasks if each.account_id == world.shop.guide.account_ids[0]
    }


async def test_planning_twice_is_planning_once(ground: Ground, world: World) -> None:
    await everybody(ground, world)
    await set_up(ground, world, quota=2)
    await build_customers(ground, world.shop.guide, 5)
    await plan_all(ground)
    before = await planned(ground, world), await candidates(ground, world), await runs(ground, world)
    async with ground.db.write() as session:
        # As if nobody had written down that the jobs are done.
        await session.execute(update(Job).values(state=JobState.WAITING.value, lease_until=None))

    await plan_all(ground, NOON + timedelta(minutes=2))

    assert (await planned(ground, world), await candidates(ground, world), await runs(ground, world)) == before


async def test_two_that_plan_the_same_day_at_once_plan_it_once(ground: Ground, world: World) -> None:
    await everybody(ground, world)
    await set_up(ground, world, quota=2)
    await build_customers(ground, world.shop.guide, 5)
    store_id = world.shop.store.id

    async def begin_and_plan() -> None:
        async with unit_of_work(ground, system(world.brand.id)) as work:
            await plans.begin(work, [(store_id, TODAY)])
        args = {"store_id": str(store_id), "day": TODAY.isoformat()}
        async with ground.db.read() as session:
            draft = await PREPARATIONS[plans.PLAN_STORE](session, world.brand.id, **args)
        async with unit_of_work(ground, system(world.brand.id)) as work:
            await HANDLERS[plans.PLAN_STORE](work, prepared=draft, **args)

    with clock.stopped_at(NOON):
        await asyncio.gather(*(begin_and_plan() for _ in range(4)))

    assert len(await planned(ground, world)) == 2
    assert len(await plan_jobs(ground, world)) == 1
    [run] = await runs(ground, world)
    assert run.counts == {"chosen": 2, "over_quota": 3}


async def test_a_plan_that_is_cut_off_half_way_is_made_once(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await everybody(ground, world)
    await set_up(ground, world, quota=2)
    await build_customers(ground, world.shop.guide, 5)

    async def die(work: Work, *_rest: object) -> dict[str, int]:
        raise ConnectionError

    with monkeypatch.context() as broken:
        broken.setattr(plans, "_counts", die)
        await plan_all(ground)
    assert await planned(ground, world) == []
    assert [run.done_at for run in await runs(ground, world) if run.store_id == world.shop.store.id] == [None]

    with clock.stopped_at(NOON + timedelta(minutes=1)):
        await carry_out(ground)

    assert len(await planned(ground, world)) == 2
    assert len(await candidates(ground, world)) == 5


async def test_a_large_store_is_planned_in_parts_with_the_same_result(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await everybody(ground, world)
    await set_up(ground, world, quota=2)
    for guide in world.shop.guides:
        await build_customers(ground, guide, 5)
    monkeypatch.setattr(plans, "AT_ONCE", 2)

    await plan_all(ground)

    [run] = [each for each in await runs(ground, world) if each.store_id == world.shop.store.id]
    assert run.counts == {"chosen": 4, "over_quota": 6}
    assert run.done_at is not None
    found = await candidates(ground, world)
    assert Counter((each.account_id, each.verdict) for each in found) == {
        (guide.account_ids[0], verdict): number
        for guide in world.shop.guides
        for verdict, number in ((Verdict.CHOSEN, 2), (Verdict.OVER_QUOTA, 3))
    }
    jobs = [job for job in await plan_jobs(ground, world) if job.args["store_id"] == str(world.shop.store.id)]
    assert [job.args.get("after") is not None for job in jobs] == [False, True]


async def _leaves_the_guide(ground: Ground, world: World, customer: Customer) -> None:
    relationship = await relationship_of(ground, customer)
    async with ground.db.write() as session:
        found = await session.get(Relationship, (relationship.brand_id, relationship.id))
        assert found
        found.move(world.shop.other_guide.account_ids[0], NOON)


async def _asks_to_be_left_alone(ground: Ground, world: World, customer: Customer) -> None:
    async with ground.db.write() as session:
        found = await session.get(Customer, (customer.brand_id, customer.id))
        assert found
        found.consent(True, NOON)


async def _is_called(ground: Ground, world: World, customer: Customer) -> None:
    await build_task(ground, world.shop.guide, customer)


async def _is_claimed(ground: Ground, world: World, customer: Customer) -> None:
    await build_task(ground, world.shop.guide, customer, contact_day=TODAY, state=TaskState.CANCELLED)


@pytest.mark.parametrize(
    ("meanwhile", "verdict"),
    [
        (_leaves_the_guide, Verdict.HOLDER_AWAY),
        (_asks_to_be_left_alone, Verdict.DO_NOT_CONTACT),
        (_is_called, Verdict.TASK_OPEN),
        (_is_claimed, Verdict.CLAIMED),
    ],
)
async def test_what_has_changed_since_the_plan_was_drafted_counts(
    ground: Ground, world: World, meanwhile: Meanwhile, verdict: Verdict
) -> None:
    await everybody(ground, world)
    await set_up(ground, world)
    [stays, changes] = await build_customers(ground, world.shop.guide, 2)
    args = {"store_id": str(world.shop.store.id), "day": TODAY.isoformat()}
    with clock.stopped_at(NOON):
        async with unit_of_work(ground, system(world.brand.id)) as work:
            await plans.begin(work, [(world.shop.store.id, TODAY)])
        async with ground.db.read() as session:
            draft = await PREPARATIONS[plans.PLAN_STORE](session, world.brand.id, **args)
        assert draft is not None
        assert len(draft.choices) == 2
        await meanwhile(ground, world, changes)

        async with unit_of_work(ground, system(world.brand.id)) as work:
            await HANDLERS[plans.PLAN_STORE](work, prepared=draft, **args)

    assert customers_of(await planned(ground, world)) - {changes.id} == {stays.id}
    [run] = await runs(ground, world)
    assert run.counts == {"chosen": 1, verdict.value: 1}
    known = {each.customer_id: (each.verdict, each.task_id) for each in await candidates(ground, world)}
    assert known[changes.id] == (verdict, None)
    assert known[stays.id][0] is Verdict.CHOSEN


async def test_what_machines_gave_meanwhile_counts_for_the_quota(ground: Ground, world: World) -> None:
    await everybody(ground, world)
    await set_up(ground, world, quota=2)
    await build_customers(ground, world.shop.guide, 2)
    args = {"store_id": str(world.shop.store.id), "day": TODAY.isoformat()}
    with clock.stopped_at(NOON):
        async with unit_of_work(ground, system(world.brand.id)) as work:
            await plans.begin(work, [(world.shop.store.id, TODAY)])
        async with ground.db.read() as session:
            draft = await PREPARATIONS[plans.PLAN_STORE](session, world.brand.id, **args)
        other = await build_customer(ground, world.shop.guide)
        await build_task(ground, world.shop.guide, other, contact_day=TODAY, kind=TaskKind.CAMPAIGN)

        async with unit_of_work(ground, system(world.brand.id)) as work:
            await HANDLERS[plans.PLAN_STORE](work, prepared=draft, **args)

    assert len(await planned(ground, world)) == 1
    assert (await runs(ground, world))[0].counts == {"chosen": 1, "over_quota": 1}


async def test_a_plan_whose_day_is_over_makes_nothing(ground: Ground, world: World) -> None:
    await everybody(ground, world)
    await set_up(ground, world)
    await build_customers(ground, world.shop.guide, 2)
    with clock.stopped_at(NOON):
        await chores.begin_plans(ground)

    with clock.stopped_at(NOON + timedelta(days=1)):
        await carry_out(ground)

    assert await planned(ground, world) == []
    assert {(run.day, bool(run.done_at)) for run in await runs(ground, world)} == {(TODAY, True)}


async def test_a_store_that_has_stopped_planning_since_is_left_alone(ground: Ground, world: World) -> None:
    rule = await everybody(ground, world)
    setting = await set_up(ground, world)
    await build_customers(ground, world.shop.guide, 2)
    with clock.stopped_at(NOON):
        await chores.begin_plans(ground)
        async with ground.db.write() as session:
            await session.execute(
                update(type(setting)).where(col(type(setting).brand_id) == rule.brand_id).values(is_on=False)
            )
        await carry_out(ground)

    assert await planned(ground, world) == []


async def test_a_customer_of_two_stores_is_given_to_the_one_that_comes_first(ground: Ground, world: World) -> None:
    await everybody(ground, world)
    await set_up(ground, world)
    customer = await build_customer(ground, world.shop.guide)
    second = await relationship_of(ground, customer)
    other = world.shops[1]
    also = type(second)(
        **second.model_dump()
        | {
            "id": ids.new(),
            "store_id": other.store.id,
            "holder_id": other.guide.account_ids[0],
            "is_primary": False,
        }
    )
    await save(ground, also)

    await plan_all(ground)

    [task] = await planned(ground, world)
    assert task.store_id == world.shop.store.id
    counts = {run.store_id: run.counts for run in await runs(ground, world)}
    assert counts[other.store.id] == {"not_primary": 1}
