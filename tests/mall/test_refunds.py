"""Refunds are taken once each, and never exceed what was paid."""

import asyncio
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from kernel import clock, feed, ids
from kernel.errors import Forbidden, Invalid, NotFound
from kernel.work import Ground, unit_of_work
from mall import commands
from mall.commands import Line
from mall.errors import AmountsDiffer, OrderUnpaid, RefundDiffers, RefundExceedsOrder, WrongCurrency
from mall.models import OrderState, Refund, RefundLine
from tests.factories import build_customer, build_world, relationship_of, reload, said
from tests.mall.trading import charges, count, place, refund, refund_news, till


async def test_a_refund_on_an_order_is_borne_by_whoever_has_the_credit(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    order = await place(ground, world, customer)

    given_back = await refund(ground, world, order.id, lines=[Line("P1", "羊绒衫", 1, 5_000)])

    kept = await reload(ground, given_back)
    assert (kept.order_id, kept.customer_id, kept.store_id) == (order.id, customer.id, order.store_id)
    assert await charges(ground, given_back) == [(world.shop.guide.account_ids[0], given_back.amount)]
    assert (await reload(ground, order)).version == 2
    assert await count(ground, world.brand.id, RefundLine) == 1
    news = [("put", "order", order.id), ("put", "order", order.id), ("put", "refund", given_back.id)]
    assert await said(ground, feed.of_staff(world.shop.guide.id)) == news
    assert await said(ground, feed.of_desk(world.shop.store.id)) == news


async def test_a_refund_without_an_order_is_borne_by_whoever_held_the_relationship(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)

    given_back = await refund(
        ground,
        world,
        member_number=customer.member_number,
        placed_at=datetime.fromisoformat("2026-03-03T16:00:00+00:00"),
    )

    assert given_back.relationship_id == (await relationship_of(ground, customer)).id
    assert given_back.day == date(2026, 3, 4)
    assert await charges(ground, given_back) == [(world.shop.guide.account_ids[0], given_back.amount)]
    assert await said(ground, feed.of_staff(world.shop.guide.id)) == [("put", "refund", given_back.id)]


async def test_a_guests_refund_is_borne_by_the_store(ground: Ground) -> None:
    world = await build_world(ground)

    given_back = await refund(ground, world)

    assert await charges(ground, given_back) == [(None, given_back.amount)]
    assert await said(ground, feed.of_desk(world.shop.store.id)) == [("put", "refund", given_back.id)]


async def test_all_refunds_together_stay_within_the_order(ground: Ground) -> None:
    world = await build_world(ground)
    order = await place(ground, world, amount=10_000)
    await refund(ground, world, order.id, amount=6_000)

    with pytest.raises(RefundExceedsOrder) as refusal:
        await refund(ground, world, order.id, amount=4_001)

    assert refusal.value.facts == {"left": 4_000}
    assert await count(ground, world.brand.id, Refund) == 1
    assert (await reload(ground, order)).version == 2
    assert (await refund(ground, world, order.id, amount=4_000)).amount == 4_000


async def test_refunds_at_the_same_time_do_not_exceed_the_order_together(ground: Ground) -> None:
    world = await build_world(ground)
    order = await place(ground, world, amount=10_000)

    given = await asyncio.gather(
        *(refund(ground, world, order.id, amount=4_000) for _ in range(5)), return_exceptions=True
    )

    assert sum(isinstance(each, Refund) for each in given) == 2
    assert sum(isinstance(each, RefundExceedsOrder) for each in given) == 3
    assert await count(ground, world.brand.id, Refund) == 2


@pytest.mark.parametrize("on_order", [True, False])
async def test_the_same_refund_at_the_same_time_is_one_refund(ground: Ground, on_order: bool) -> None:
    world = await build_world(ground)
    order = await place(ground, world, amount=10_000)
    news = refund_news(world, order.id if on_order else None, amount=10_000)

    async def take() -> Refund:
        async with unit_of_work(ground, till(world)) as work:
            return await commands.record_refund(work, news)

    taken = await asyncio.gather(*(take() for _ in range(4)))

    assert len({each.id for each in taken}) == 1
    assert (await said(ground, feed.of_desk(world.shop.store.id))).count(("put", "refund", taken[0].id)) == 1


async def test_a_number_used_for_another_refund_is_refused(ground: Ground) -> None:
    world = await build_world(ground)
    order = await place(ground, world)
    news = refund_news(world, order.id)
    async with unit_of_work(ground, till(world)) as work:
        first = await commands.record_refund(work, news)

    for other in (
        replace(news, amount=news.amount + 1),
        replace(news, order_id=None, store_id=world.shop.store.id),
        replace(news, placed_at=news.placed_at - timedelta(seconds=1)),
    ):
        with pytest.raises(RefundDiffers):
            async with unit_of_work(ground, till(world)) as work:
                await commands.record_refund(work, other)

    assert await count(ground, world.brand.id, Refund) == 1
    assert (await reload(ground, first)).amount == news.amount


async def test_a_wrong_refund_is_refused_and_leaves_nothing(ground: Ground) -> None:
    world = await build_world(ground)
    order = await place(ground, world)
    before = await said(ground, feed.of_desk(world.shop.store.id))
    news = refund_news(world, order.id)
    cases = [
        (replace(news, amount=0), Invalid),
        (replace(news, number=""), Invalid),
        (replace(news, currency="EUR"), WrongCurrency),
        (replace(news, lines=[Line("P1", "羊绒衫", 1, 1)]), AmountsDiffer),
        (replace(news, placed_at=clock.now() + timedelta(hours=2)), Invalid),
        (replace(news, order_id=ids.new()), NotFound),
        (replace(news, order_id=None), Invalid),
        (replace(news, store_code=world.shop.store.code), Invalid),
        (refund_news(world, member_number="nobody"), NotFound),
    ]

    for wrong, refusal in cases:
        with pytest.raises(refusal):
            async with unit_of_work(ground, till(world)) as work:
                await commands.record_refund(work, wrong)

    assert await count(ground, world.brand.id, Refund) == 0
    assert (await reload(ground, order)).version == 1
    assert await said(ground, feed.of_desk(world.shop.store.id)) == before


async def test_what_is_given_back_of_a_cancelled_order_is_void(ground: Ground) -> None:
    world = await build_world(ground)
    order = await place(ground, world)
    async with unit_of_work(ground, world.shop.manager) as work:
        await commands.cancel_order(work, order.id)

    given_back = await refund(ground, world, order.id)

    assert (await reload(ground, given_back)).is_void


async def test_nothing_is_given_back_of_what_was_not_paid(ground: Ground) -> None:
    world = await build_world(ground)
    order = await place(ground, world, state=OrderState.PENDING)

    with pytest.raises(OrderUnpaid):
        await refund(ground, world, order.id)

    assert await count(ground, world.brand.id, Refund) == 0


async def test_people_take_no_refunds(ground: Ground) -> None:
    world = await build_world(ground)

    for actor in (world.shop.guide, world.shop.manager, world.hq, till(world, "products:write")):
        with pytest.raises(Forbidden):
            async with unit_of_work(ground, actor) as work:
                await commands.record_refund(work, refund_news(world))

    assert await count(ground, world.brand.id, Refund) == 0
