"""Into which period an entry goes, whoever closes or posts at the same time; and that it stays."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import col

from kernel import clock
from kernel.actor import system
from kernel.work import Ground, Work, settle, unit_of_work
from mall import commands
from mall.commands import commission
from mall.commands.commission import posting
from mall.models import (
    CommissionEntry,
    CommissionPeriod,
    CommissionReason,
)
from mall.models.periods import period_of
from tests.factories import World, build_customer
from tests.mall.commissions import (
    APRIL,
    MAY,
    NEXT_MONTH,
    NOON,
    WHOLE,
    buy,
    close,
    ledger,
    running,
    said,
)
from tests.mall.test_commission_posting import world
from tests.mall.trading import order_news, place, refund, till

__all__ = ["world"]


async def test_what_comes_after_a_close_goes_into_the_earliest_open_period(ground: Ground, world: World) -> None:
    with clock.stopped_at(NOON):
        await running(ground, world)
        order = await buy(ground, world)
        customer = await build_customer(ground, world.shop.guide)
    with clock.stopped_at(NEXT_MONTH):
        await close(ground, world, APRIL)
        closed = await said(ground, world)
        await refund(ground, world, order.id, amount=37_000, placed_at=NOON + timedelta(days=1))
        await place(ground, world, customer, **WHOLE, placed_at=NOON + timedelta(days=2))

    entries = await ledger(ground, world.brand.id)
    assert [each for each in await said(ground, world) if each[5] == APRIL] == closed
    assert {(each.reason, each.day.month, each.period) for each in entries[len(closed) :]} == {
        (CommissionReason.REVERSAL, 4, MAY),
        (CommissionReason.ACCRUAL, 4, MAY),
    }


async def test_posting_into_a_closed_period_would_be_noticed(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "period_for", lambda day, found: period_of(day, found.course).first_day)

    with pytest.raises(AssertionError):
        await test_what_comes_after_a_close_goes_into_the_earliest_open_period(ground, world)


async def test_the_stores_own_calendar_says_in_which_period_an_order_is(ground: Ground, world: World) -> None:
    """Half past twelve at night in Shanghai on the first is half past four in the afternoon before in London."""
    night = clock.day_bounds(MAY, "Asia/Shanghai")[0] + timedelta(minutes=30)
    with clock.stopped_at(night + timedelta(hours=1)):
        await running(ground, world)
        await buy(ground, world, placed_at=night)
        await buy(ground, world, placed_at=night - timedelta(hours=1))

    assert [entry[5] for entry in await said(ground, world)] == [MAY] * 4 + [APRIL] * 4


@pytest.mark.parametrize("act", [update(CommissionEntry).values(amount=1), delete(CommissionEntry)])
async def test_the_database_refuses_to_change_or_remove_an_entry(ground: Ground, world: World, act: Any) -> None:
    with clock.stopped_at(NOON):
        await running(ground, world)
        await buy(ground, world)
    before = await said(ground, world)

    with pytest.raises(DBAPIError, match="append-only"):
        async with ground.db.write() as session:
            await session.execute(act.where(col(CommissionEntry.brand_id) == world.brand.id))

    assert await said(ground, world) == before


async def test_two_who_post_the_same_order_at_once_post_it_once(ground: Ground, world: World) -> None:
    with clock.stopped_at(NOON):
        await buy(ground, world)
        plan_ready = running(ground, world)
        await plan_ready
        once = await said(ground, world)

        async def again() -> None:
            async with unit_of_work(ground, system(world.brand.id)) as work:
                await commission.catch_up(work, None)

        await asyncio.gather(again(), again(), again())

    assert await said(ground, world) == once


async def test_a_close_waits_for_an_order_that_is_being_posted_and_nothing_is_lost(
    ground: Ground, world: World
) -> None:
    """The order is paid on the last day and committed only after somebody began to close."""
    with clock.stopped_at(NOON):
        await running(ground, world)
        customer = await build_customer(ground, world.shop.guide)
    with clock.stopped_at(NEXT_MONTH):
        is_posted = asyncio.Event()

        async def order() -> None:
            async with ground.db.write() as session:
                work = Work(session, till(world))
                await commands.record_order(work, order_news(world, customer, **WHOLE, placed_at=NOON))
                await settle(ground, work)
                is_posted.set()
                await asyncio.sleep(0.3)

        async def shut() -> None:
            await is_posted.wait()
            await close(ground, world, APRIL)

        await asyncio.gather(order(), shut())

    entries = await ledger(ground, world.brand.id)
    async with ground.db.read() as session:
        period = await session.scalar(select(CommissionPeriod).where(col(CommissionPeriod.brand_id) == world.brand.id))
    assert {entry.period for entry in entries} == {APRIL}
    assert period is not None
    assert (period.entries, period.amount) == (len(entries), sum(entry.amount for entry in entries))


async def test_an_order_that_waits_for_a_close_goes_into_the_next_period(ground: Ground, world: World) -> None:
    with clock.stopped_at(NOON):
        await running(ground, world)
        customer = await build_customer(ground, world.shop.guide)
    with clock.stopped_at(NEXT_MONTH):
        is_closing = asyncio.Event()

        async def shut() -> None:
            async with unit_of_work(ground, world.hq) as work:
                await commission.close_period(work, APRIL)
                is_closing.set()
                await asyncio.sleep(0.3)

        async def order() -> None:
            await is_closing.wait()
            await place(ground, world, customer, **WHOLE, placed_at=NOON)

        await asyncio.gather(shut(), order())

    assert {entry.period for entry in await ledger(ground, world.brand.id)} == {MAY}
