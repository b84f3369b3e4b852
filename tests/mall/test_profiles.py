"""A profile says what the customer's orders and refunds say, from the same commit on."""

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from customers.models import Customer
from kernel import clock
from kernel.work import Ground, settle, unit_of_work
from mall import commands
from mall.commands import profiles
from mall.models import ChurnBand, PurchaseProfile, churn_band
from mall.queries.profiles import band_is
from tests.factories import World, build_customer, build_world
from tests.mall.trading import order_news, place, refund, till


async def profile_of(ground: Ground, customer: Customer) -> PurchaseProfile | None:
    async with ground.db.read() as session:
        return await session.get(PurchaseProfile, (customer.brand_id, customer.id))


async def said(ground: Ground, customer: Customer, *names: str) -> tuple[Any, ...]:
    """These values of the profile."""
    profile = await profile_of(ground, customer)
    assert profile
    return tuple(getattr(profile, name) for name in names)


async def begin(ground: Ground) -> tuple[World, Customer]:
    world = await build_world(ground)
    return world, await build_customer(ground, world.shop.guide)


async def test_an_order_is_in_the_profile_from_its_own_commit_on(ground: Ground) -> None:
    world, customer = await begin(ground)
    noon = clock.now().replace(hour=4)  # the clock stands still, so that no midnight comes between
    today = clock.store_day(noon, world.shop.store.time_zone)

    with clock.stopped_at(noon):
        await place(ground, world, customer, placed_at=noon - timedelta(days=40))
        await place(ground, world, customer, amount=100)

    assert await said(ground, customer, "orders", "purchase_days", "gross", "net", "as_of") == (
        2,
        2,
        20000,
        20000,
        today,
    )
    assert await said(ground, customer, "first_day", "last_day", "median_gap_days") == (
        today - timedelta(days=40),
        today,
        40.0,
    )


async def test_an_order_that_is_not_committed_is_in_no_profile(ground: Ground) -> None:
    world, customer = await begin(ground)
    await place(ground, world, customer)
    before = await profile_of(ground, customer)

    with pytest.raises(RuntimeError):
        async with unit_of_work(ground, till(world)) as work:
            await commands.record_order(work, order_news(world, customer))
            await settle(ground, work)
            raise RuntimeError

    assert await profile_of(ground, customer) == before


async def test_a_cancelled_order_counts_no_more(ground: Ground) -> None:
    world, customer = await begin(ground)
    order = await place(ground, world, customer)

    async with unit_of_work(ground, till(world)) as work:
        await commands.cancel_order(work, order.id)

    assert await said(ground, customer, "orders", "purchase_days", "gross", "last_day", "at_risk_from") == (
        0,
        0,
        0,
        None,
        None,
    )


async def test_a_refund_takes_from_the_net_and_is_no_visit(ground: Ground) -> None:
    world, customer = await begin(ground)
    order = await place(ground, world, customer, placed_at=clock.now() - timedelta(days=10))

    await refund(ground, world, order.id)

    assert await said(ground, customer, "orders", "purchase_days", "gross", "refunds", "net", "median_gap_days") == (
        1,
        1,
        19_900,
        5_000,
        14_900,
        None,
    )


async def test_a_guests_order_makes_no_profile(ground: Ground) -> None:
    world, _ = await begin(ground)

    await place(ground, world)

    async with ground.db.read() as session:
        found = await session.scalars(select(PurchaseProfile).where(col(PurchaseProfile.brand_id) == world.brand.id))
        assert found.all() == []


async def test_of_two_orders_at_once_both_are_in(ground: Ground) -> None:
    world, customer = await begin(ground)
    await place(ground, world, customer)

    async with unit_of_work(ground, till(world)) as work:
        await commands.record_order(work, order_news(world, customer))
        await settle(ground, work)
        other = asyncio.create_task(place(ground, world, customer))
        await asyncio.sleep(0.3)
        assert not other.done()
    await other

    assert await said(ground, customer, "orders", "gross") == (3, 59_700)


async def test_what_becomes_a_year_old_falls_out_at_night(ground: Ground) -> None:
    world, customer = await begin(ground)
    await place(ground, world, customer, placed_at=clock.now() - timedelta(days=30))
    [last] = await said(ground, customer, "last_day")
    a_year_on = last.replace(year=last.year + 1) if (last.month, last.day) != (2, 29) else date(last.year + 1, 2, 28)

    for today, net in ((a_year_on - timedelta(days=1), 19_900), (a_year_on, 0)):
        async with unit_of_work(ground, till(world)) as work:
            refreshed = await profiles.refresh_due(work, today)
        assert (refreshed, *await said(ground, customer, "net_12_months")) == (0 if net else 1, net)


BANDS = [
    # purchase days, at risk from, lapsed from (days from today) → band
    (0, None, None, ChurnBand.NONE),
    (1, 1, 121, ChurnBand.NEW),
    (1, 0, 120, ChurnBand.AT_RISK),
    (1, -120, 0, ChurnBand.LAPSED),
    (2, 1, 61, ChurnBand.ACTIVE),
    (2, 0, 60, ChurnBand.AT_RISK),
    (2, -59, 1, ChurnBand.AT_RISK),
    (5, -60, 0, ChurnBand.LAPSED),
]


async def test_the_band_in_sql_is_the_band_in_python(ground: Ground) -> None:
    world = await build_world(ground)
    today = date(2026, 3, 2)
    expected: dict[UUID, ChurnBand] = {(await build_customer(ground, world.shop.guide)).id: ChurnBand.NONE}
    for days, at_risk, lapsed, band in BANDS:
        customer = await build_customer(ground, world.shop.guide)
        profile = PurchaseProfile(brand_id=customer.brand_id, customer_id=customer.id, purchase_days=days, as_of=today)
        if at_risk is not None and lapsed is not None:
            profile.at_risk_from = today + timedelta(days=at_risk)
            profile.lapsed_from = today + timedelta(days=lapsed)
        assert churn_band(profile, today) is band
        async with ground.db.write() as session:
            session.add(profile)
        expected[customer.id] = band

    for band in ChurnBand:
        async with ground.db.read() as session:
            found = await session.scalars(
                select(col(Customer.id))
                .outerjoin(
                    PurchaseProfile,
                    (col(PurchaseProfile.brand_id) == col(Customer.brand_id))
                    & (col(PurchaseProfile.customer_id) == col(Customer.id)),
                )
                .where(col(Customer.brand_id) == world.brand.id, band_is([band], today))
            )
            assert set(found) == {key for key, of in expected.items() if of is band}


def test_without_a_profile_nothing_was_bought() -> None:
    assert churn_band(None, date(2026, 3, 2)) is ChurnBand.NONE
