"""Machines make many tasks at once; one customer is claimed once a day."""

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from customers.models import Customer
from kernel import clock, feed, ids
from kernel.actor import Actor, system
from kernel.work import Ground, unit_of_work
from tasks.commands import add_made
from tasks.models import StepKind, Task, TaskKind, TaskSource, TaskStep
from tests.factories import World, build_customer, build_world, relationship_of, said
from tests.statements import statements

DAY = date(2026, 3, 2)


async def about(ground: Ground, customer: Customer, **values: Any) -> dict[str, Any]:
    usual = {
        "kind": TaskKind.REVISIT,
        "title": "回访",
        "due_at": clock.now() + timedelta(hours=8),
        "source": TaskSource.RULE,
        "relationship_id": (await relationship_of(ground, customer)).id,
        "contact_day": DAY,
    }
    return usual | values


async def make(ground: Ground, world: World, *rows: dict[str, Any]) -> list[UUID]:
    async with unit_of_work(ground, system(world.brand.id)) as work:
        return await add_made(work, rows)


async def tasks_of(ground: Ground, world: World) -> list[Task]:
    async with ground.db.read() as session:
        return list(
            await session.scalars(select(Task).where(col(Task.brand_id) == world.brand.id).order_by(col(Task.id)))
        )


async def steps(ground: Ground, world: World) -> list[tuple[UUID, StepKind]]:
    async with ground.db.read() as session:
        found = await session.scalars(
            select(TaskStep).where(col(TaskStep.brand_id) == world.brand.id).order_by(col(TaskStep.id))
        )
        return [(step.task_id, step.kind) for step in found]


async def test_tasks_are_kept_by_whoever_holds_the_customers_and_everybody_concerned_hears(ground: Ground) -> None:
    world = await build_world(ground)
    mine = await build_customer(ground, world.shop.guide)
    theirs = await build_customer(ground, world.shop.other_guide)

    # Planned when the customer was still somebody else's.
    stale = {"account_id": world.shop.guide.account_ids[0], "store_id": world.shops[1].store.id}
    made = await make(ground, world, await about(ground, theirs, **stale), await about(ground, mine))

    tasks = await tasks_of(ground, world)
    assert made == [task.id for task in tasks] == sorted(made)
    assert {task.customer_id: task.account_id for task in tasks} == {
        mine.id: world.shop.guide.account_ids[0],
        theirs.id: world.shop.other_guide.account_ids[0],
    }
    assert {task.store_id for task in tasks} == {world.shop.store.id}
    assert await steps(ground, world) == [(task_id, StepKind.ADDED) for task_id in made]
    assert await said(ground, feed.of_desk(world.shop.store.id)) == [("put", "task", task_id) for task_id in made]


async def test_a_customer_is_claimed_once_a_day_whatever_the_store(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    other = await build_customer(ground, world.shop.guide)
    row = await about(ground, customer)

    first = await make(ground, world, row)
    again = await make(ground, world, row, await about(ground, other))
    tomorrow = await make(ground, world, row | {"contact_day": DAY + timedelta(days=1)})
    unclaimed = await make(ground, world, row | {"contact_day": None})

    assert [len(first), len(again), len(tomorrow), len(unclaimed)] == [1, 1, 1, 1]
    assert len(await tasks_of(ground, world)) == len(await steps(ground, world)) == 4


async def test_a_known_id_or_key_makes_nothing_and_says_nothing(ground: Ground) -> None:
    world = await build_world(ground)
    row = {
        "id": ids.new(),
        "kind": TaskKind.TODO,
        "title": "整理陈列",
        "due_at": clock.now(),
        "source": TaskSource.CAMPAIGN,
        "source_key": "campaign:1",
        "store_id": world.shop.store.id,
        "account_id": world.shop.guide.account_ids[0],
    }

    assert await make(ground, world, row) == [row["id"]]
    assert await make(ground, world, row) == []
    assert await make(ground, world, row | {"id": ids.new()}) == []

    assert await said(ground, feed.of_staff(world.shop.guide.id)) == [("put", "task", row["id"])]
    assert len(await steps(ground, world)) == 1


async def test_what_is_about_a_relationship_that_is_not_there_is_left_out(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "baihe")
    foreign = await build_customer(ground, other.shop.guide)

    assert await make(ground, world, await about(ground, foreign)) == []
    assert await tasks_of(ground, world) == await tasks_of(ground, other) == []


async def test_many_take_as_many_statements_as_one(ground: Ground) -> None:
    world = await build_world(ground)
    rows = [await about(ground, await build_customer(ground, world.shop.guide)) for _ in range(4)]

    counts = []
    for some in (rows[:1], rows[1:]):
        with statements(ground) as sent:
            await make(ground, world, *some)
        counts.append(len(sent))

    assert counts[0] == counts[1]


async def test_more_than_five_hundred_at_once_are_a_mistake(ground: Ground) -> None:
    world = await build_world(ground)
    row = await about(ground, await build_customer(ground, world.shop.guide))

    with pytest.raises(ValueError, match="at most 500"):
        await make(ground, world, *[row] * 501)
    assert await tasks_of(ground, world) == []


async def test_planners_at_the_same_time_claim_each_customer_once(ground: Ground) -> None:
    world = await build_world(ground)
    holders: list[Actor] = [world.shop.guide, world.shops[1].guide]
    rows = [await about(ground, await build_customer(ground, holder)) for holder in holders * 10]

    made = await asyncio.gather(make(ground, world, *rows), make(ground, world, *reversed(rows)))

    assert sum(len(ids_) for ids_ in made) == len(rows) == len(await tasks_of(ground, world))
    assert len(await steps(ground, world)) == len(rows)
