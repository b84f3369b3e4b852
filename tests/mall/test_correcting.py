"""A manager says otherwise who earned an order, and why; refunds follow, and those who gained or lost hear of it."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from kernel import clock, feed
from kernel.errors import Forbidden, Invalid, NotFound, StaleVersion
from kernel.work import Ground, unit_of_work
from mall import commands
from mall.commands import Wanted, charging
from mall.errors import CreditUndecided
from mall.models import CreditDecision, Order, OrderState, OrderStep, OrderStepKind
from tests.factories import World, build_customer, build_world, reload, said
from tests.mall.earning import correct, credits, decisions, leave, parts
from tests.mall.trading import charges, count, place, refund

WHOLE = 10_000


async def ordered(ground: Ground, world: World, **values: Any) -> Order:
    """An order of a customer whom the first guide holds."""
    return await place(ground, world, await build_customer(ground, world.shop.guide), **values)


async def test_a_correction_moves_the_credit_for_good_and_says_who_why_and_from_what(ground: Ground) -> None:
    world = await build_world(ground)
    order = await ordered(ground, world, amount=101)
    other = world.shop.other_guide

    await correct(ground, world.shop.manager, order, (other, 5_000), (None, 5_000), reason=" 同事接待的 ")

    assert await parts(ground, order) == [
        (other.account_ids[0], "corrected", 5_000, 51),
        (None, "corrected", 5_000, 50),
    ]
    assert (await reload(ground, order)).version == 2
    first, second = await decisions(ground, order)
    assert (first.turn, first.staff_id, first.words, len(first.steps)) == (1, None, None, 4)
    assert (second.turn, second.staff_id, second.words, second.steps) == (2, world.shop.manager.id, "同事接待的", [])
    assert [(part["account_id"], part["points"]) for part in first.parts] == [
        (str(world.shop.guide.account_ids[0]), WHOLE)
    ]
    assert [(part["account_id"], part["points"]) for part in second.parts] == [
        (str(other.account_ids[0]), 5_000),
        (None, 5_000),
    ]
    assert await steps(ground, order) == [(OrderStepKind.CREDITED, world.shop.manager.id)]


async def test_refunds_of_the_order_are_borne_by_those_who_have_the_credit_now(ground: Ground) -> None:
    world = await build_world(ground)
    order = await ordered(ground, world)
    given_back = await refund(ground, world, order.id, amount=101)

    await correct(ground, world.hq, order, (world.shop.other_guide, 7_000), (None, 3_000))

    assert await charges(ground, given_back) == [(world.shop.other_guide.account_ids[0], 71), (None, 30)]
    assert (await reload(ground, given_back)).version == 2
    assert ("put", "refund", given_back.id) in (await said(ground, feed.of_desk(world.shop.store.id)))[-2:]


async def test_who_gained_and_who_lost_hear_of_it(ground: Ground) -> None:
    world = await build_world(ground)
    order = await ordered(ground, world, guide_code=f"{world.brand.code}-1-G2")
    [lost] = await credits(ground, order)

    await correct(ground, world.east_manager, order, (world.shops[1].guide, 4_000), (world.shop.guide, 6_000))

    gained, own = await credits(ground, order)
    assert (gained.is_elsewhere, own.is_elsewhere) == (True, False)
    assert await said(ground, feed.of_staff(world.shop.other_guide.id)) == [
        ("put", "credit", lost.id),
        ("del", "credit", lost.id),
    ]
    assert await said(ground, feed.of_staff(world.shops[1].guide.id)) == [("put", "credit", gained.id)]
    assert await said(ground, feed.of_staff(world.shop.guide.id)) == [("put", "order", order.id)] * 2


async def test_a_correction_outlives_newer_news_of_the_amount(ground: Ground) -> None:
    world = await build_world(ground)
    order = await ordered(ground, world)
    await correct(ground, world.hq, order, (None, WHOLE))

    given_back = await refund(ground, world, order.id, amount=500)

    assert await parts(ground, order) == [(None, "corrected", WHOLE, 19_900)]
    assert await charges(ground, given_back) == [(None, 500)]


REFUSED: dict[str, tuple[dict[str, Any], type[Exception]]] = {
    "no parts": ({"parts": []}, Invalid),
    "less than the whole": ({"parts": [(0, 9_999)]}, Invalid),
    "more than the whole": ({"parts": [(0, 6_000), (None, 6_000)]}, Invalid),
    "nothing for somebody": ({"parts": [(0, WHOLE), (1, 0)]}, Invalid),
    "one twice": ({"parts": [(0, 5_000), (0, 5_000)]}, Invalid),
    "the store twice": ({"parts": [(None, 5_000), (None, 5_000)]}, Invalid),
    "no reason": ({"reason": "  "}, Invalid),
    "a short reason": ({"reason": "错"}, Invalid),
    "a long reason": ({"reason": "长" * 201}, Invalid),
    "an older version": ({"expected_version": 7}, StaleVersion),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_refused_changes_nothing_and_says_nothing(ground: Ground, name: str) -> None:
    world = await build_world(ground)
    order = await ordered(ground, world)
    given, refusal = REFUSED[name]
    shares = [
        (world.shop.guides[place] if place is not None else None, points)
        for place, points in given.get("parts", [(1, WHOLE)])
    ]
    before = await said(ground, feed.of_desk(world.shop.store.id))

    with pytest.raises(refusal):
        await correct(
            ground, world.shop.manager, order, *shares, **{key: each for key, each in given.items() if key != "parts"}
        )

    assert await parts(ground, order) == [(world.shop.guide.account_ids[0], "holder", WHOLE, 19_900)]
    assert await count(ground, world.brand.id, CreditDecision) == 1
    assert await said(ground, feed.of_desk(world.shop.store.id)) == before


async def test_guides_correct_nothing_and_managers_what_they_see(ground: Ground) -> None:
    world = await build_world(ground)
    order = await ordered(ground, world)
    foreign = await build_world(ground, "foreign")

    for who, refusal in (
        (world.shop.guide, Forbidden),
        (world.shop.other_guide, NotFound),
        (world.shops[1].manager, NotFound),
        (foreign.hq, NotFound),
    ):
        with pytest.raises(refusal):
            await correct(ground, who, order, (None, WHOLE))
    for account in (world.shops[1].guide, foreign.shop.guide):
        with pytest.raises(NotFound):
            await correct(ground, world.shop.manager, order, (account, WHOLE))
    with pytest.raises(NotFound):
        async with unit_of_work(ground, world.shop.manager) as work:
            await commands.correct_credit(work, order.id, [Wanted(world.shop.public.id, WHOLE)], reason="给公共号")

    assert await count(ground, world.brand.id, CreditDecision) == 1


async def test_an_order_that_isnt_paid_has_nothing_to_correct(ground: Ground) -> None:
    world = await build_world(ground)
    order = await ordered(ground, world, state=OrderState.PENDING)

    with pytest.raises(CreditUndecided):
        await correct(ground, world.hq, order, (None, WHOLE))

    assert await count(ground, world.brand.id, CreditDecision) == 0


async def test_two_managers_at_once_leave_one_whole_and_two_decisions(ground: Ground) -> None:
    world = await build_world(ground)
    order = await ordered(ground, world)

    await asyncio.gather(
        correct(ground, world.shop.manager, order, (world.shop.other_guide, WHOLE)),
        correct(ground, world.hq, order, (None, WHOLE)),
    )

    assert sum(part[2] for part in await parts(ground, order)) == WHOLE
    assert [each.turn for each in await decisions(ground, order)] == [1, 2, 3]
    assert (await reload(ground, order)).version == 3


async def test_a_guide_who_has_left_may_still_be_given_what_they_earned(ground: Ground) -> None:
    world = await build_world(ground)
    order = await ordered(ground, world)
    await leave(ground, world.shop.other_guide, clock.now())

    await correct(ground, world.shop.manager, order, (world.shop.other_guide, WHOLE))

    assert (await parts(ground, order))[0][0] == world.shop.other_guide.account_ids[0]


async def test_a_correction_that_forgets_the_refunds_is_noticed(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutant: refunds stay with whoever bore them."""
    world = await build_world(ground)
    order = await ordered(ground, world)
    given_back = await refund(ground, world, order.id, amount=100)

    async def nothing(*_given: Any) -> None:
        return None

    monkeypatch.setattr(charging, "charge", nothing)

    await correct(ground, world.hq, order, (None, WHOLE))

    assert await charges(ground, given_back) == [(world.shop.guide.account_ids[0], 100)]


async def steps(ground: Ground, order: Order) -> list[tuple[OrderStepKind, Any]]:
    async with ground.db.read() as session:
        found = await session.scalars(
            select(OrderStep)
            .where(col(OrderStep.brand_id) == order.brand_id, col(OrderStep.order_id) == order.id)
            .order_by(col(OrderStep.noted_at))
        )
        return [(each.kind, each.staff_id) for each in found if each.kind is OrderStepKind.CREDITED]
