"""What happened to an order is written down as it happens, and told the oldest first."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, func, select
from sqlmodel import col

from kernel import clock
from kernel.actor import Actor
from kernel.work import Ground, unit_of_work
from mall import commands
from mall.commands import Line, steps
from mall.errors import OrderMovedOn
from mall.models import Order, OrderState, OrderStep, OrderStepKind
from mall.queries import timelines
from mall.queries.timelines import Step
from tests.factories import build_customer, build_world
from tests.mall.trading import order_news, place, refund, till
from tests.statements import statements

K = OrderStepKind
MINUTE = timedelta(minutes=1)


async def timeline(ground: Ground, actor: Actor, order: Order) -> list[Step]:
    async with ground.db.read() as session:
        return (await timelines.of_orders(session, actor, [order.id])).get(order.id, [])


async def kinds(ground: Ground, actor: Actor, order: Order) -> list[OrderStepKind]:
    return [step.kind for step in await timeline(ground, actor, order)]


async def test_an_orders_life_at_its_source_is_told(ground: Ground) -> None:
    world = await build_world(ground)
    news = order_news(world, amount=10_000, state=OrderState.PENDING)
    start = news.placed_at
    lives = (
        replace(news, state=OrderState.PAID, paid_at=start + MINUTE, news_at=start + 2 * MINUTE),
        replace(
            news,
            state=OrderState.PAID,
            paid_at=start + MINUTE,
            news_at=start + 3 * MINUTE,
            lines=[Line("P2", "围巾", 1, 10_000)],
        ),
        replace(
            news,
            state=OrderState.SHIPPED,
            paid_at=start + MINUTE,
            news_at=start + 4 * MINUTE,
            amount=9_000,
            lines=[Line("P2", "围巾", 1, 9_000)],
        ),
        replace(
            news,
            state=OrderState.COMPLETED,
            paid_at=start + MINUTE,
            completed_at=start + 5 * MINUTE,
            news_at=start + 6 * MINUTE,
            amount=9_000,
            lines=[Line("P2", "围巾", 1, 9_000)],
        ),
        replace(news, state=OrderState.CANCELLED, paid_at=start + MINUTE, news_at=start + 7 * MINUTE),
        replace(news, state=OrderState.PAID, paid_at=start + MINUTE, news_at=start + 8 * MINUTE),
        replace(news, state=OrderState.PENDING, news_at=start + 9 * MINUTE),
    )
    async with unit_of_work(ground, till(world)) as work:
        order = await commands.record_order(work, news)
    for newer in lives:
        async with unit_of_work(ground, till(world)) as work:
            await commands.record_order(work, newer)

    told = await timeline(ground, world.hq, order)

    assert [(step.kind, step.at - start, step.amount) for step in told] == [
        (K.PLACED, 0 * MINUTE, None),
        (K.PAID, MINUTE, None),
        (K.AMENDED, 3 * MINUTE, 10_000),
        (K.AMENDED, 4 * MINUTE, 9_000),
        (K.SHIPPED, 4 * MINUTE, None),
        (K.COMPLETED, 5 * MINUTE, None),
        (K.AMENDED, 7 * MINUTE, 10_000),
        (K.CANCELLED, 7 * MINUTE, None),
        (K.REOPENED, 8 * MINUTE, None),
        (K.UNPAID, 9 * MINUTE, None),
    ]
    assert all(step.noted_at and step.staff_id is None for step in told)


async def test_older_news_and_the_same_again_add_nothing(ground: Ground) -> None:
    world = await build_world(ground)
    news = order_news(world, state=OrderState.SHIPPED)
    for said in (news, news, replace(news, state=OrderState.PAID)):
        async with unit_of_work(ground, till(world)) as work:
            order = await commands.record_order(work, said)

    assert await kinds(ground, world.hq, order) == [K.PLACED, K.PAID, K.SHIPPED]


async def test_what_people_do_has_their_name(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    order = await place(ground, world, customer)
    async with unit_of_work(ground, world.shop.guide) as work:
        await commands.ship_order(work, order.id)
    async with unit_of_work(ground, world.shop.manager) as work:
        await commands.cancel_order(work, order.id)

    told = await timeline(ground, world.shop.guide, order)

    assert [(step.kind, step.staff_id) for step in told] == [
        (K.PLACED, None),
        (K.PAID, None),
        (K.SHIPPED, world.shop.guide.id),
        (K.CANCELLED, world.shop.manager.id),
    ]


async def test_what_is_refused_is_not_told(ground: Ground) -> None:
    world = await build_world(ground)
    order = await place(ground, world, state=OrderState.CANCELLED)

    with pytest.raises(OrderMovedOn):
        async with unit_of_work(ground, world.shop.manager) as work:
            await commands.ship_order(work, order.id)

    assert await kinds(ground, world.hq, order) == [K.PLACED, K.CANCELLED]


async def test_refunds_and_who_serves_are_told(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    order = await place(ground, world, customer)
    given_back = await refund(ground, world, order.id, amount=700)
    async with unit_of_work(ground, till(world)) as work:
        assert order.relationship_id
        await commands.move_serving(work, [order.relationship_id], world.shop.other_guide.account_ids[0])

    told = await timeline(ground, world.hq, order)

    assert [(step.kind, step.amount) for step in told] == [
        (K.PLACED, None),
        (K.PAID, None),
        (K.REFUNDED, 700),
        (K.SERVED, None),
    ]
    assert told[2].at == given_back.placed_at


async def test_an_order_that_nobody_wrote_about_tells_what_it_says_itself(ground: Ground) -> None:
    world = await build_world(ground)
    news_at = clock.now() - MINUTE
    order = await place(ground, world, state=OrderState.COMPLETED, news_at=news_at)
    async with ground.db.write() as session:
        await session.execute(delete(OrderStep).where(col(OrderStep.brand_id) == world.brand.id))
    await refund(ground, world, order.id)

    told = await timeline(ground, world.hq, order)

    assert [(step.kind, step.at, step.noted_at is None) for step in told[:3]] == [
        (K.PLACED, order.placed_at, True),
        (K.PAID, order.placed_at, True),
        (K.COMPLETED, news_at, True),
    ]
    assert [step.kind for step in told[3:]] == [K.REFUNDED]


async def test_a_timeline_is_seen_by_whoever_sees_the_order(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    order = await place(ground, world, await build_customer(ground, world.shop.guide))

    for actor in (world.shop.guide, world.shop.manager, world.east_manager, world.hq):
        assert len(await timeline(ground, actor, order)) == 2
    for actor in (world.shop.other_guide, world.shops[1].manager, other.hq):
        assert await timeline(ground, actor, order) == []


async def test_the_last_two_hundred_things_are_told_in_one_statement(ground: Ground) -> None:
    world = await build_world(ground)
    orders = [await place(ground, world) for _ in range(3)]
    start = clock.now()
    async with unit_of_work(ground, till(world)) as work:
        for number in range(250):
            steps.note(work, orders[0].id, K.AMENDED, start + number * MINUTE, amount=number)

    async with ground.db.read() as session:
        with statements(ground) as one:
            await timelines.of_orders(session, world.hq, [orders[0].id])
        with statements(ground) as three:
            told = await timelines.of_orders(session, world.hq, [order.id for order in orders])

    assert (len(one), len(three)) == (1, 1)
    assert [step.amount for step in told[orders[0].id]] == list(range(50, 250))
    assert [len(told[order.id]) for order in orders[1:]] == [2, 2]


async def test_noted_at_is_now_whatever_the_source_says(ground: Ground) -> None:
    world = await build_world(ground)
    at = datetime.fromisoformat("2026-03-02T10:00:00+00:00")
    with clock.stopped_at(at):
        order = await place(ground, world, placed_at=at - timedelta(days=3))

    async with ground.db.read() as session:
        noted = await session.scalar(
            select(func.max(col(OrderStep.noted_at))).where(
                col(OrderStep.brand_id) == world.brand.id, col(OrderStep.order_id) == order.id
            )
        )
    assert noted == at
