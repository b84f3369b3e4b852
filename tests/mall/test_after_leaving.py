"""What is given back once somebody has left and been paid for the last time is the store's loss, and nobody else's."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from customers import commands as customers
from customers.models import HoldingReason
from directory import commands as directory
from handover import commands as handover
from kernel import clock
from kernel.actor import Actor
from kernel.work import Ground, unit_of_work
from mall.commands import replace
from mall.commands.commission import posting
from mall.commands.commission.catching_up import CATCH_UP
from mall.models import Order, OrderState, Refund
from mall.models.commissioning import Sum, borne_apart
from mall.models.periods import Span
from mall.queries.commission import paying_up, reconciling, statements, verifying
from tests.factories import World, build_customer, build_world, relationship_of
from tests.mall.commissions import (
    APRIL,
    DISCOUNT,
    JUNE,
    MAY,
    NEXT_MONTH,
    NOON,
    POSTAGE,
    SHOES,
    WHOLE,
    close,
    hear,
    ledger,
    product,
    running,
    work_off,
)
from tests.mall.earning import correct
from tests.mall.trading import charges, order_news, refund

LATER = datetime(2026, 6, 2, 4, 0, tzinfo=NOON.tzinfo)
NOTHING = Sum(0, 0)


class Left:
    """A guide who sold something, handed over their customer and has gone."""

    def __init__(self, world: World, order: Order, news: dict[str, Any]) -> None:
        self.world, self.order, self.news = world, order, news
        self.leaver, self.taker = world.shop.guides
        self.account = self.leaver.account_ids[0]


async def sell_and_leave(ground: Ground) -> Left:
    """In April; the guide has earned 2,610 and the manager 360."""
    world = await build_world(ground)
    await product(ground, world, "S1", "鞋履")
    with clock.stopped_at(NOON):
        await running(ground, world)
        customer = await build_customer(ground, world.shop.guide)
        news = order_news(world, customer, **WHOLE)
        order = await hear(ground, world, news)
    with clock.stopped_at(NOON + timedelta(days=1)):
        await leave(ground, world, world.shop.guide)
        async with unit_of_work(ground, world.shop.manager) as work:
            relationship = await relationship_of(ground, customer)
            await handover.reassign(work, relationship.id, to_account_id=world.shop.other_guide.account_ids[0])
    same = {"number": news.number, "placed_at": news.placed_at, "paid_at": news.placed_at, "customer_id": customer.id}
    return Left(world, order, WHOLE | same)


async def leave(ground: Ground, world: World, person: Actor) -> None:
    async with unit_of_work(ground, world.hq) as work:
        await customers.close_access(work, person.id)


async def posted(ground: Ground, world: World) -> dict[tuple[UUID, bool], int]:
    """What the entries come to, by person and by whether the store bears it."""
    sums: dict[tuple[UUID, bool], int] = {}
    for entry in await ledger(ground, world.brand.id):
        key = entry.staff_id, entry.is_borne_by_store
        sums[key] = sums.get(key, 0) + entry.amount
    return sums


async def differences(ground: Ground, world: World) -> list[str]:
    return [line async for line in verifying.differences(ground.db.read, world.brand.id)]


async def ties(ground: Ground, world: World, span: Span) -> reconciling.Ties:
    async with ground.db.read() as session:
        return await reconciling.in_all(session, world.hq, span)


async def give_back(ground: Ground, left: Left, **values: Any) -> Refund:
    return await refund(ground, left.world, left.order.id, **{"amount": 37_000, "placed_at": clock.now()} | values)


async def test_a_refund_before_the_final_close_is_the_leavers(ground: Ground) -> None:
    left = await sell_and_leave(ground)
    with clock.stopped_at(NEXT_MONTH):
        given_back = await give_back(ground, left)

    assert await charges(ground, given_back) == [(left.account, 37_000)]
    assert await posted(ground, left.world) == {(left.leaver.id, False): 0, (left.world.shop.manager.id, False): 0}


async def test_a_refund_after_the_final_close_is_the_stores_and_the_ledger_says_so(ground: Ground) -> None:
    left = await sell_and_leave(ground)
    world = left.world
    with clock.stopped_at(NEXT_MONTH):
        await close(ground, world, APRIL)
        given_back = await give_back(ground, left)
    may = await ties(ground, world, Span(MAY, JUNE - timedelta(days=1)))
    with clock.stopped_at(LATER):
        await close(ground, world, MAY)

    assert await charges(ground, given_back) == [(None, 37_000)]
    assert await posted(ground, world) == {
        (left.leaver.id, False): 2_610,
        (left.leaver.id, True): -2_610,
        (world.shop.manager.id, False): 0,
    }
    assert (may.guides, may.managers, may.commission, may.borne) == (0, -360, -360, 2_610)
    assert may.is_tied
    assert await ties(ground, world, Span(MAY, JUNE - timedelta(days=1))) == may
    async with ground.db.read() as session:
        written = await statements.worked_out(session, world.brand.id, MAY)
    assert [(each["staff_id"], each["amount"]) for each in written] == [(world.shop.manager.id, -360)]
    assert await differences(ground, world) == []


async def test_who_left_in_a_period_that_is_open_is_still_charged_whatever_else_is_closed(ground: Ground) -> None:
    left = await sell_and_leave(ground)
    with clock.stopped_at(NEXT_MONTH):
        async with unit_of_work(ground, left.world.hq) as work:
            await directory.reopen_access(work, left.leaver.id)
        await leave(ground, left.world, left.leaver)  # in May
        await close(ground, left.world, APRIL)
        given_back = await give_back(ground, left)

    assert await charges(ground, given_back) == [(left.account, 37_000)]
    assert (await posted(ground, left.world))[left.leaver.id, False] == 0


async def test_who_still_holds_something_has_not_been_paid_for_the_last_time(ground: Ground) -> None:
    left = await sell_and_leave(ground)
    world = left.world
    with clock.stopped_at(NOON):
        await build_customer(ground, left.taker)
        order = await hear(ground, world, order_news(world, await build_customer(ground, left.taker), **WHOLE))
        await leave(ground, world, left.taker)
    with clock.stopped_at(NEXT_MONTH):
        await close(ground, world, APRIL)
        given_back = await refund(ground, world, order.id, amount=1_000)

    assert await charges(ground, given_back) == [(left.taker.account_ids[0], 1_000)]


async def test_who_is_hired_again_is_charged_again_for_what_comes_then(ground: Ground) -> None:
    left = await sell_and_leave(ground)
    with clock.stopped_at(NEXT_MONTH):
        await close(ground, left.world, APRIL)
        first = await give_back(ground, left, amount=10_000)
        async with unit_of_work(ground, left.world.hq) as work:
            await directory.reopen_access(work, left.leaver.id)
        second = await give_back(ground, left, amount=27_000)
        lasting = await charges(ground, first), await charges(ground, second)
        again = await posted(ground, left.world)

    assert lasting == ([(None, 10_000)], [(left.account, 27_000)])
    assert again[left.leaver.id, True] < 0 < again[left.leaver.id, False]
    assert again[left.leaver.id, True] + again[left.leaver.id, False] == 0
    assert await differences(ground, left.world) == []


async def test_what_was_charged_before_the_final_close_stays_charged_when_it_is_shared_out_anew(
    ground: Ground,
) -> None:
    left = await sell_and_leave(ground)
    with clock.stopped_at(NEXT_MONTH):
        given_back = await give_back(ground, left, amount=10_000)
        await close(ground, left.world, APRIL)
        await correct(ground, left.world.shop.manager, left.order, (left.leaver, 6_000), (left.taker, 4_000))

    assert await charges(ground, given_back) == [(left.account, 6_000), (left.taker.account_ids[0], 4_000)]
    assert await differences(ground, left.world) == []


async def test_an_order_cancelled_after_the_final_close_is_the_stores_loss_and_comes_back_to_the_store(
    ground: Ground,
) -> None:
    left = await sell_and_leave(ground)
    world = left.world
    with clock.stopped_at(NEXT_MONTH):
        await close(ground, world, APRIL)
        before = await posted(ground, world)
        news = order_news(world, **left.news, state=OrderState.CANCELLED, news_at=clock.now())
        await hear(ground, world, news)
        cancelled = await posted(ground, world)
        back = order_news(world, **left.news, news_at=clock.now() + timedelta(minutes=1))
        await hear(ground, world, back)

    assert cancelled[left.leaver.id, False] == 2_610
    assert cancelled[left.leaver.id, True] == -2_610
    assert {key: amount for key, amount in (await posted(ground, world)).items() if amount} == before
    assert await differences(ground, world) == []


async def test_an_order_that_never_was_is_taken_back_once_and_by_the_store(ground: Ground) -> None:
    left = await sell_and_leave(ground)
    world = left.world
    with clock.stopped_at(NEXT_MONTH):
        await close(ground, world, APRIL)
        less = left.news | {"amount": 27_000, "lines": [SHOES, DISCOUNT, POSTAGE]}
        await hear(ground, world, order_news(world, **less, news_at=clock.now()))
        amended = await posted(ground, world)
        async with unit_of_work(ground, world.hq) as work:
            await replace.remove(work, orders=[left.order.id])
            work.later(CATCH_UP, after=None)
        await work_off(ground)

    sums = await posted(ground, world)
    assert -2_610 < amended[left.leaver.id, True] < 0
    assert sums[left.leaver.id, False] == 2_610
    assert sums[left.leaver.id, True] == -2_610
    assert await differences(ground, world) == []


async def test_what_was_bought_before_and_heard_of_after_the_final_close_is_still_paid(ground: Ground) -> None:
    left = await sell_and_leave(ground)
    world = left.world
    with clock.stopped_at(NEXT_MONTH):
        await close(ground, world, APRIL)
        late = order_news(world, customer_id=left.news["customer_id"], placed_at=NOON + timedelta(hours=3), **WHOLE)
        await hear(ground, world, late)

    assert (await posted(ground, world))[left.leaver.id, False] == 2 * 2_610


async def test_a_refund_that_names_no_order_is_the_stores_too(ground: Ground) -> None:
    """Given back while the leaver held the customer, heard of after the final close, or before it."""
    left = await sell_and_leave(ground)
    found = []
    for is_closed in (False, True):
        with clock.stopped_at(NEXT_MONTH):
            if is_closed:
                await close(ground, left.world, APRIL)
            back = await refund(ground, left.world, amount=500, placed_at=NOON, customer_id=left.news["customer_id"])
        found.append(await charges(ground, back))

    assert found == [[(left.account, 500)], [(None, 500)]]


async def test_without_commission_nobody_is_ever_paid_for_the_last_time(ground: Ground) -> None:
    world = await build_world(ground)
    order = await hear(ground, world, order_news(world, await build_customer(ground, world.shop.guide)))
    relationship_id = order.relationship_id
    assert relationship_id
    await leave(ground, world, world.shop.guide)
    async with unit_of_work(ground, world.shop.manager) as work:
        await customers.reassign(
            work,
            relationship_id,
            to_account_id=world.shop.other_guide.account_ids[0],
            reason=HoldingReason.HANDOVER,
        )

    given_back = await refund(ground, world, order.id)

    assert await charges(ground, given_back) == [(world.shop.guide.account_ids[0], 5_000)]


@pytest.mark.parametrize("forgotten", ["the charge", "the posting"])
async def test_a_final_close_that_is_forgotten_would_be_noticed(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, forgotten: str
) -> None:
    """The mutants: a leaver is charged, or loses commission, for ever."""

    async def nobody(*_: Any) -> set[UUID]:
        return set()

    if forgotten == "the charge":
        monkeypatch.setattr(paying_up, "paid_up_accounts", nobody)
    else:
        monkeypatch.setattr(posting, "_losers", lambda _missing: set())

    with pytest.raises(AssertionError):
        await test_a_refund_after_the_final_close_is_the_stores_and_the_ledger_says_so(ground)


def test_what_is_given_again_goes_to_the_store_first_as_far_as_it_bore_a_loss() -> None:
    loss, gain = Sum(-100, -5), Sum(100, 5)

    assert borne_apart(loss, NOTHING, is_paid_up=False) == (loss, NOTHING)
    assert borne_apart(loss, NOTHING, is_paid_up=True) == (NOTHING, loss)
    assert borne_apart(gain, NOTHING, is_paid_up=True) == (gain, NOTHING)
    assert borne_apart(gain, loss, is_paid_up=False) == (NOTHING, gain)
    assert borne_apart(Sum(40, 2), loss, is_paid_up=True) == (NOTHING, Sum(40, 2))
    assert borne_apart(Sum(300, 15), loss, is_paid_up=True) == (Sum(200, 10), gain)
    assert borne_apart(Sum(-10, 0), NOTHING, is_paid_up=True) == (NOTHING, Sum(-10, 0))
