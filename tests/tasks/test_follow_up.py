"""An order in the mini-mall is followed up once, the day after it was delivered."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from customers.models import Customer
from kernel import clock, feed, jobs
from kernel.actor import system
from kernel.work import Ground, unit_of_work
from mall import commands as mall
from mall.models import Channel, Order, OrderState
from server.wiring import HANDLERS
from tasks.models import Task, TaskKind, TaskSource, TaskState
from tasks.reactions import FOLLOW_UP_ORDER
from tests.factories import World, build_customer, build_task, build_world, relationship_of, said
from tests.mall.trading import place

EVENING = datetime(2026, 5, 31, 15, 30, tzinfo=UTC)  # half past eleven at night in Shanghai


async def asked(ground: Ground, world: World) -> list[jobs.Job]:
    async with ground.db.read() as session:
        found = await session.scalars(select(jobs.Job).where(col(jobs.Job.brand_id) == world.brand.id))
        return [job for job in found if job.name == FOLLOW_UP_ORDER]


async def carry_out(ground: Ground, world: World, job: jobs.Job) -> None:
    async with unit_of_work(ground, system(world.brand.id)) as work:
        await HANDLERS[job.name](work, **job.args)


async def made(ground: Ground, world: World) -> list[Task]:
    async with ground.db.read() as session:
        return list(await session.scalars(select(Task).where(col(Task.brand_id) == world.brand.id)))


async def in_mall(ground: Ground, world: World, customer: Customer | None, **values: Any) -> Order:
    """An order that reached the customer just now, and was placed an hour ago."""
    got: dict[str, Any] = {"channel": Channel.MINI_MALL, "state": OrderState.COMPLETED, "news_at": clock.now()}
    return await place(ground, world, customer, **got | values)


async def test_the_holder_is_to_ask_after_an_order_by_the_next_evening_in_the_store(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    with clock.stopped_at(EVENING):
        order = await in_mall(ground, world, customer)
        [job] = await asked(ground, world)

        await carry_out(ground, world, job)

    [task] = await made(ground, world)
    assert (task.kind, task.source, task.state) == (TaskKind.ORDER_FOLLOW_UP, TaskSource.RULE, TaskState.PENDING)
    assert task.account_id == world.shop.guide.account_ids[0]
    assert (task.customer_id, task.relationship_id) == (customer.id, (await relationship_of(ground, customer)).id)
    assert task.due_at == datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
    assert (task.contact_day, task.alert_at) == (date(2026, 6, 1), datetime(2026, 6, 1, 1, 0, tzinfo=UTC))
    assert (task.escalates_at, task.expires_at) == (
        datetime(2026, 6, 2, 10, 0, tzinfo=UTC),
        datetime(2026, 6, 4, 16, 0, tzinfo=UTC),
    )
    assert await said(ground, feed.of_staff(world.shop.guide.id)) == [
        ("put", "order", order.id),
        ("put", "task", task.id),
    ]


async def test_twice_and_at_the_same_time_make_one_task(ground: Ground) -> None:
    world = await build_world(ground)
    await in_mall(ground, world, await build_customer(ground, world.shop.guide))
    [job] = await asked(ground, world)

    await asyncio.gather(*(carry_out(ground, world, job) for _ in range(3)))
    await carry_out(ground, world, job)

    [task] = await made(ground, world)
    assert (await said(ground, feed.of_staff(world.shop.guide.id))).count(("put", "task", task.id)) == 1


async def test_orders_at_the_till_from_files_and_of_guests_ask_for_nothing(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)

    await place(ground, world, customer)
    await place(ground, world, customer, channel=Channel.FILE)
    await in_mall(ground, world, None)

    assert await asked(ground, world) == []


async def test_who_is_not_to_be_contacted_or_sent_it_back_is_not_asked(ground: Ground) -> None:
    world = await build_world(ground)
    quiet = await build_customer(ground, world.shop.guide, do_not_contact=True)
    other = await build_customer(ground, world.shop.guide)
    await in_mall(ground, world, quiet)
    cancelled = await in_mall(ground, world, other)
    again = {"number": cancelled.number, "placed_at": cancelled.placed_at, "news_at": clock.now()}
    await in_mall(ground, world, other, **again | {"state": OrderState.CANCELLED})

    for job in await asked(ground, world):
        await carry_out(ground, world, job)

    assert len(await asked(ground, world)) == 2
    assert await made(ground, world) == []


async def test_nobody_is_asked_after_what_is_on_its_way_until_it_is_there(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    order = await in_mall(ground, world, customer, state=OrderState.SHIPPED)
    assert await asked(ground, world) == []

    async with unit_of_work(ground, world.shop.guide) as work:
        await mall.complete_order(work, order.id)
    [job] = await asked(ground, world)
    await carry_out(ground, world, job)

    assert [task.source_key for task in await made(ground, world)] == [f"order:{order.id}"]


async def test_a_delivery_that_is_heard_of_a_week_late_asks_for_nothing(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    for days in (6, 8):
        got = EVENING - timedelta(days=days)
        with clock.stopped_at(EVENING):
            await in_mall(ground, world, customer, placed_at=got - timedelta(days=1), news_at=got)

    with clock.stopped_at(EVENING):
        for job in await asked(ground, world):
            await carry_out(ground, world, job)

    assert [task.contact_day for task in await made(ground, world)] == [date(2026, 6, 1)]


async def test_a_day_that_somebody_has_claimed_is_left_alone_and_after_a_week_nobody_asks(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    claimed: list[date] = []

    async def claim(*days: int) -> None:
        for day in days:
            claimed.append(date(2026, 5, 31) + timedelta(days=day))
            await build_task(ground, world.shop.guide, customer, contact_day=claimed[-1])

    with clock.stopped_at(EVENING):
        await claim(1, 2, 4)
        await in_mall(ground, world, customer)
        await in_mall(ground, world, customer)
        first, second = await asked(ground, world)
        await carry_out(ground, world, first)
        await claim(5, 6, 7)
        await carry_out(ground, world, second)
        await carry_out(ground, world, first)

    [task] = [task for task in await made(ground, world) if task.kind is TaskKind.ORDER_FOLLOW_UP]
    assert task.contact_day == date(2026, 6, 3)
    assert task.due_at == datetime(2026, 6, 3, 10, 0, tzinfo=UTC)


async def test_the_task_goes_to_whoever_holds_the_relationship_by_then(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    await in_mall(ground, world, customer)
    [job] = await asked(ground, world)
    await _move(ground, customer, world.shop.other_guide.account_ids[0])

    await carry_out(ground, world, job)

    [task] = await made(ground, world)
    assert task.account_id == world.shop.other_guide.account_ids[0]


async def _move(ground: Ground, customer: Customer, to_account_id: Any) -> None:
    relationship = await relationship_of(ground, customer)
    async with ground.db.write() as session:
        (await session.merge(relationship)).holder_id = to_account_id
