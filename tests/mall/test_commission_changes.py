"""What the ledger says once an order changes, is caught up with, or is taken away."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from kernel import clock
from kernel.actor import system
from kernel.work import Ground, unit_of_work
from mall.commands import Line, OrderNews, commission, replace
from mall.models import (
    OrderState,
    Product,
)
from tests.factories import World, build_customer
from tests.mall.commissions import (
    APRIL,
    DISCOUNT,
    NOON,
    POSTAGE,
    SHOES,
    WHOLE,
    buy,
    earned,
    hear,
    plain,
    running,
    said,
    work_off,
)
from tests.mall.earning import correct
from tests.mall.test_commission_posting import world
from tests.mall.trading import order_news, refund

__all__ = ["world"]


async def test_a_cancelled_order_is_corrected_with_its_refunds_and_one_that_comes_back_too(
    ground: Ground, world: World
) -> None:
    with clock.stopped_at(NOON):
        await running(ground, world)
        customer = await build_customer(ground, world.shop.guide)
        news = order_news(world, customer, **WHOLE)
        order = await hear(ground, world, news)
        await refund(ground, world, order.id, amount=10_000)
        before = await earned(ground, world)
        later: dict[str, Any] = {"placed_at": news.placed_at, "number": news.number, "paid_at": news.placed_at}
        again = order_news(world, customer, **(WHOLE | later), state=OrderState.CANCELLED, news_at=clock.now())
        await hear(ground, world, again)
        cancelled = await earned(ground, world)
        back = clock.now() + timedelta(minutes=1)
        await hear(ground, world, order_news(world, customer, **(WHOLE | later), news_at=back))

    assert set(cancelled.values()) == {0}
    assert await earned(ground, world) == before
    assert {entry[4] for entry in (await said(ground, world))[8:]} == {"correction"}


async def test_an_amended_order_is_corrected_by_the_difference(ground: Ground, world: World) -> None:
    with clock.stopped_at(NOON):
        await running(ground, world)
        news = order_news(world, await build_customer(ground, world.shop.guide), **WHOLE)
        await hear(ground, world, news)
        lines = [SHOES, Line("P1", "衬衫", 2, 20_000), DISCOUNT, POSTAGE]
        await hear(
            ground,
            world,
            OrderNews(**{**plain(news), "amount": 47_000, "lines": lines, "news_at": clock.now()}),
        )

    assert (await said(ground, world))[4:] == [
        ("guide", None, 9_400, 470, "correction", APRIL),
        ("guide", "鞋履", 600, 48, "correction", APRIL),
        ("store_manager", None, 9_400, 94, "correction", APRIL),
        ("store_manager", "鞋履", 600, 6, "correction", APRIL),
    ]


async def test_a_category_stays_as_it_was_when_the_order_was_paid(ground: Ground, world: World) -> None:
    with clock.stopped_at(NOON):
        await running(ground, world)
        order = await buy(ground, world)
        async with ground.db.write() as session:
            await session.execute(
                update(Product)
                .where(col(Product.brand_id) == world.brand.id, col(Product.code) == "S1")
                .values(category=None)
            )
        async with unit_of_work(ground, system(world.brand.id)) as work:
            nothing = await commission.post(work, [order.id])
        await refund(ground, world, order.id, amount=37_000)

    assert nothing == []
    assert set((await earned(ground, world)).values()) == {0}


async def test_a_correction_of_the_credit_moves_what_was_earned(ground: Ground, world: World) -> None:
    other = world.shop.other_guide
    with clock.stopped_at(NOON):
        await running(ground, world)
        order = await buy(ground, world)
        await correct(ground, world.shop.manager, order, (other, 10_000))

    assert await earned(ground, world) == {world.shop.guide.id: 0, other.id: 2_610, world.shop.manager.id: 360}
    assert {entry[4] for entry in (await said(ground, world))[4:]} == {"correction"}


async def test_orders_that_were_paid_before_the_plan_was_started_are_caught_up_with(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mall.commands.commission.catching_up.AT_ONCE", 2)
    with clock.stopped_at(NOON):
        for _ in range(5):
            await buy(ground, world)
        nothing = await said(ground, world)
        await running(ground, world)
        before = await said(ground, world)
        async with unit_of_work(ground, system(world.brand.id)) as work:
            work.later("mall.catch_up_commission", after=None)
        await work_off(ground)

    assert nothing == []
    assert len(before) == 20
    assert await said(ground, world) == before


async def test_an_order_that_an_import_takes_away_is_taken_back(ground: Ground, world: World) -> None:
    with clock.stopped_at(NOON):
        await running(ground, world)
        order = await buy(ground, world)
        async with unit_of_work(ground, system(world.brand.id)) as work:
            await replace.remove(work, orders=[order.id])
            work.later("mall.catch_up_commission", after=None)
        await work_off(ground)
        once = await said(ground, world)
        async with unit_of_work(ground, system(world.brand.id)) as work:
            work.later("mall.catch_up_commission", after=None)
        await work_off(ground)

    assert set((await earned(ground, world)).values()) == {0}
    assert await said(ground, world) == once
    assert {entry[4] for entry in once[4:]} == {"correction"}
