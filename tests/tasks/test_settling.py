"""A purchase closes what asked for it, whichever way the order came."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from customers.models import Customer
from intake.events import ImportApplied
from kernel import clock, feed, ids, jobs
from kernel.actor import system
from kernel.work import Ground, unit_of_work
from mall import commands as mall
from mall.models import Channel, Order
from server.wiring import HANDLERS
from tasks import commands
from tasks.commands import settling
from tasks.commands.settling import SETTLE_BY_ORDER
from tasks.errors import TaskClosed
from tasks.models import Outcome, StepKind, Task, TaskKind, TaskState, TaskStep
from tasks.reactions import SETTLE_BY_LOADED
from tests.factories import World, build_customer, build_task, build_world, reload, said
from tests.mall.trading import place

AT = datetime(2026, 5, 30, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)


async def carry_out(ground: Ground, world: World, *names: str) -> int:
    """What is asked for under these names, and what that asks for; returns how many jobs it took."""
    done: set[Any] = set()
    while True:
        async with ground.db.read() as session:
            found = await session.scalars(select(jobs.Job).where(col(jobs.Job.brand_id) == world.brand.id))
            waiting = [job for job in found if job.name in names and job.id not in done]
        if not waiting:
            return len(done)
        for job in waiting:
            done.add(job.id)
            async with unit_of_work(ground, system(world.brand.id)) as work:
                await HANDLERS[job.name](work, **job.args)


async def about(ground: Ground, world: World, customer: Customer, kind: TaskKind, **values: Any) -> Task:
    return await build_task(ground, world.shop.guide, customer, kind=kind, **{"created_at": AT - HOUR} | values)


async def bought(ground: Ground, world: World, customer: Customer | None, **values: Any) -> Order:
    with clock.stopped_at(AT + HOUR):
        return await place(ground, world, customer, **{"placed_at": AT} | values)


async def closed_by(ground: Ground, *tasks: Task) -> list[tuple[TaskState, Any]]:
    rows = [await reload(ground, task) for task in tasks]
    return [(row.state, row.closed_by_order_id) for row in rows]


OPEN = (TaskState.PENDING, None)


async def test_an_order_closes_what_asked_the_customer_back_and_everybody_concerned_hears(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    kinds = [TaskKind.REVISIT, TaskKind.RETENTION, TaskKind.WELCOME, TaskKind.CAMPAIGN]
    asking = [await about(ground, world, customer, kind) for kind in kinds]
    others = [await about(ground, world, customer, kind) for kind in (TaskKind.ORDER_FOLLOW_UP, TaskKind.TODO)]
    anew = await about(ground, world, customer, TaskKind.REVISIT, created_at=AT)
    stranger = await about(ground, world, await build_customer(ground, world.shop.guide), TaskKind.REVISIT)

    order = await bought(ground, world, customer)
    await carry_out(ground, world, SETTLE_BY_ORDER)
    await carry_out(ground, world, SETTLE_BY_ORDER)

    assert await closed_by(ground, *asking) == [(TaskState.DONE, order.id)] * 4
    assert await closed_by(ground, *others, anew, stranger) == [OPEN] * 4
    settled = await reload(ground, asking[0])
    assert (settled.outcome, settled.outcome_remark, settled.closed_by_id) == (Outcome.BOUGHT, None, None)
    told = [("put", "order", order.id), *(("put", "task", task.id) for task in asking)]
    assert await said(ground, feed.of_staff(world.shop.guide.id)) == told
    async with ground.db.read() as session:
        steps = (await session.scalars(select(TaskStep).where(col(TaskStep.brand_id) == world.brand.id))).all()
    assert {(step.task_id, step.kind) for step in steps} == {(task.id, StepKind.DONE) for task in asking}
    assert len(steps) == len(asking)


async def test_an_order_anywhere_counts_and_the_first_one_is_named(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    task = await about(ground, world, customer, TaskKind.REVISIT)
    await bought(ground, world, customer, placed_at=AT - 2 * HOUR)
    await bought(ground, world, customer, placed_at=AT + HOUR / 2)

    first = await bought(ground, world, customer, store_id=world.shops[1].store.id, channel=Channel.MINI_MALL)
    await carry_out(ground, world, SETTLE_BY_ORDER)

    assert await closed_by(ground, task) == [(TaskState.DONE, first.id)]


async def test_a_cancelled_order_settles_nothing_and_what_is_settled_stays_so(ground: Ground) -> None:
    world = await build_world(ground)
    customers = [await build_customer(ground, world.shop.guide) for _ in range(2)]
    early, late = [await about(ground, world, customer, TaskKind.REVISIT) for customer in customers]
    cancelled = await bought(ground, world, customers[0])
    async with unit_of_work(ground, world.shop.manager) as work:
        await mall.cancel_order(work, cancelled.id)
    order = await bought(ground, world, customers[1])

    await carry_out(ground, world, SETTLE_BY_ORDER)
    async with unit_of_work(ground, world.shop.manager) as work:
        await mall.cancel_order(work, order.id)
    await carry_out(ground, world, SETTLE_BY_ORDER)

    assert await closed_by(ground, early, late) == [OPEN, (TaskState.DONE, order.id)]


async def test_a_guests_order_asks_for_nothing(ground: Ground) -> None:
    world = await build_world(ground)

    await bought(ground, world, None)

    assert await carry_out(ground, world, SETTLE_BY_ORDER) == 0


@pytest.mark.parametrize("kind", ["orders", "members"])
async def test_orders_that_were_loaded_settle_tasks_store_by_store(
    ground: Ground, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "AT_ONCE", 2)
    monkeypatch.setattr(settling, "STORES_AT_ONCE", 2)
    world, other = await build_world(ground), await build_world(ground, "baihe")
    tasks, orders = [], []
    for shop in (world.shops[0],) * 5 + (world.shops[2],):
        customer = await build_customer(ground, shop.guide)
        tasks.append(await build_task(ground, shop.guide, customer, created_at=AT - HOUR))
        orders.append(await bought(ground, world, customer, store_id=shop.store.id))
    waiting = await build_task(ground, world.shop.guide, await build_customer(ground, world.shop.guide))
    foreign = await build_customer(ground, other.shop.guide)
    theirs = await build_task(ground, other.shop.guide, foreign, created_at=AT - HOUR)
    await bought(ground, other, foreign)

    async with unit_of_work(ground, system(world.brand.id)) as work:
        work.record(ImportApplied(run_id=ids.new(), kind=kind, source="till"))
    took = await carry_out(ground, world, SETTLE_BY_LOADED)

    if kind == "members":
        assert took == 0
        return
    assert await closed_by(ground, *tasks) == [(TaskState.DONE, order.id) for order in orders]
    assert await closed_by(ground, waiting, theirs) == [OPEN, OPEN]


async def test_of_a_guide_who_completes_and_a_purchase_that_settles_one_wins(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    task = await about(ground, world, customer, TaskKind.REVISIT)
    order = await bought(ground, world, customer)

    async def complete() -> Task:
        async with unit_of_work(ground, world.shop.guide) as work:
            return await commands.complete(work, task.id, outcome=Outcome.REACHED)

    async def settle() -> None:
        async with unit_of_work(ground, system(world.brand.id)) as work:
            await settling.settle_by_order(work, order.id)

    answers = await asyncio.gather(complete(), settle(), return_exceptions=True)

    row = await reload(ground, task)
    assert (row.state, row.version) == (TaskState.DONE, 2)
    is_refused = isinstance(answers[0], TaskClosed)
    assert (row.outcome, row.closed_by_order_id) == (
        (Outcome.BOUGHT, order.id) if is_refused else (Outcome.REACHED, None)
    )
    told = await said(ground, feed.of_staff(world.shop.guide.id))
    assert told.count(("put", "task", task.id)) == 1
