"""What the ledger says once orders are paid, refunded, put right and taken back."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Date, and_, bindparam, delete, or_, select, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import col

from directory.commands import staff
from kernel import clock, ids
from kernel.actor import Role, system
from kernel.work import Ground, Work, settle, unit_of_work
from mall import commands
from mall.commands import Line, OrderNews, commission, replace
from mall.commands.commission import posting
from mall.models import (
    CommissionEntry,
    CommissionPeriod,
    CommissionPlan,
    CommissionPlanState,
    CommissionReason,
    LineKind,
    Order,
    OrderState,
    Product,
    Sku,
)
from mall.models.commissioning import Rate
from mall.models.periods import period_of
from mall.queries.commission import reading
from tests.factories import World, build_customer, build_world, save
from tests.mall.commissions import (
    APRIL,
    GUIDE,
    JUNE,
    MANAGER,
    MAY,
    NEXT_MONTH,
    NOON,
    close,
    earned,
    ledger,
    product,
    running,
    said,
    work_off,
)
from tests.mall.earning import correct
from tests.mall.trading import count, order_news, place, refund, till
from tests.statements import statements

SHOES, SHIRT = Line("S1", "短靴", 1, 30_000), Line("P1", "衬衫", 1, 10_000)
DISCOUNT = Line("DC", "满减", 1, -4_000, LineKind.SERVICE)
POSTAGE = Line("YF", "运费", 1, 1_000, LineKind.SERVICE)
LINES = [SHOES, SHIRT, DISCOUNT, POSTAGE]
WHOLE: dict[str, Any] = {"amount": 37_000, "lines": LINES}


@pytest.fixture
async def world(ground: Ground) -> World:
    world = await build_world(ground)
    await product(ground, world, "S1", "鞋履")
    return world


async def buy(ground: Ground, world: World, **values: Any) -> Order:
    """An order of the first guide's customer: boots and a shirt, less a discount, with postage."""
    return await place(ground, world, await build_customer(ground, world.shop.guide), **(WHOLE | values))


async def hear(ground: Ground, world: World, news: OrderNews) -> Order:
    async with unit_of_work(ground, till(world)) as work:
        return await commands.record_order(work, news)


async def test_a_paid_order_is_posted_by_role_and_category_less_its_discount(ground: Ground, world: World) -> None:
    with clock.stopped_at(NOON):
        await running(ground, world)

        await buy(ground, world)

    assert await said(ground, world) == [
        ("guide", None, 9_000, 450, "accrual", APRIL),
        ("guide", "鞋履", 27_000, 2_160, "accrual", APRIL),
        ("store_manager", None, 9_000, 90, "accrual", APRIL),
        ("store_manager", "鞋履", 27_000, 270, "accrual", APRIL),
    ]
    assert set(await earned(ground, world)) == {world.shop.guide.id, world.shop.manager.id}


async def test_posting_again_posts_nothing(ground: Ground, world: World) -> None:
    with clock.stopped_at(NOON):
        await running(ground, world)
        order = await buy(ground, world)
        await refund(ground, world, order.id, amount=10_000)
        before = await said(ground, world)

        for _ in range(2):
            async with unit_of_work(ground, system(world.brand.id)) as work:
                assert await commission.post(work, [order.id]) == 0

    assert await said(ground, world) == before
    assert len(before) == 8


async def test_posting_without_looking_at_what_is_there_would_be_noticed(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "due", lambda wanted, posted: wanted)

    with pytest.raises(AssertionError):
        await test_posting_again_posts_nothing(ground, world)


async def test_a_brand_without_a_plan_is_asked_one_thing_and_one_with_a_plan_five(ground: Ground, world: World) -> None:
    async def taken() -> int:
        customer = await build_customer(ground, world.shop.guide)
        with statements(ground) as sent:
            await place(ground, world, customer, **WHOLE)
        return len(sent)

    with clock.stopped_at(NOON):
        without = await taken()
        with statements(ground) as alone:
            async with unit_of_work(ground, system(world.brand.id)) as work:
                await commission.post(work, [UUID(int=1)])
        await running(ground, world)
        once = await taken()

    assert len(alone) == 1
    # Where the orders stand, what was sold, who has a part; the terms that are kept, and the entries.
    assert once - without + 1 == 5


async def test_many_orders_take_as_many_statements_as_one(ground: Ground, world: World) -> None:
    with clock.stopped_at(NOON):
        await running(ground, world)
        orders = [await buy(ground, world) for _ in range(3)]
        async with unit_of_work(ground, system(world.brand.id)) as work:
            await work.session.execute(update(Order).where(col(Order.brand_id) == world.brand.id).values(amount=37_000))
            counts = []
            for some in (orders[:1], orders):
                with statements(ground) as sent:
                    await commission.post(work, [order.id for order in some])
                counts.append(len(sent))

    assert counts == [3, 3]


async def test_a_refund_takes_of_what_was_given_back_and_all_of_it_takes_everything(
    ground: Ground, world: World
) -> None:
    with clock.stopped_at(NOON):
        await running(ground, world)
        order = await buy(ground, world)
        await refund(ground, world, order.id, amount=9_000, lines=[Line("P1", "衬衫", 1, 9_000)])
        shirt = (await said(ground, world))[4:]
        await refund(ground, world, order.id, amount=28_000)

    assert shirt == [
        ("guide", None, -9_000, -450, "reversal", APRIL),
        ("store_manager", None, -9_000, -90, "reversal", APRIL),
    ]
    assert set((await earned(ground, world)).values()) == {0}


async def test_a_refund_that_names_the_sku_alone_takes_of_the_line_that_it_was_sold_in(
    ground: Ground, world: World
) -> None:
    sold = [Line("S1", "短靴", 1, 30_000, sku_code="S1-38"), Line("P1", "衬衫", 1, 10_000, sku_code="P1-M")]
    with clock.stopped_at(NOON):
        await running(ground, world)
        order = await buy(ground, world, amount=40_000, lines=sold)
        given_back = [Line("P1-M", "衬衫", 1, 10_000, sku_code="P1-M")]
        await refund(ground, world, order.id, amount=10_000, lines=given_back)

    assert [entry[:4] for entry in (await said(ground, world))[4:]] == [
        ("guide", None, -10_000, -500),
        ("store_manager", None, -10_000, -100),
    ]


async def test_a_refund_goes_by_the_plan_of_the_payment_and_not_by_todays(ground: Ground, world: World) -> None:
    with clock.stopped_at(NOON):
        await running(ground, world, until_day=NOON.date())
        await running(ground, world, [Rate(GUIDE, None, 5_000)], from_day=NOON.date() + timedelta(days=1))
        order = await buy(ground, world)
    with clock.stopped_at(NEXT_MONTH):
        await refund(ground, world, order.id, amount=37_000)

    entries = await said(ground, world)
    assert set((await earned(ground, world)).values()) == {0}
    assert entries[4:] == [
        (role, category, -basis, -amount, "reversal", MAY) for role, category, basis, amount, _, _ in entries[:4]
    ]


async def test_reversing_by_todays_plan_would_be_noticed(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "plan_of_day", _by_today)
    monkeypatch.setattr(reading, "_KEPT_OPEN", reading.heads(keep_open=True))

    with pytest.raises(AssertionError):
        await test_a_refund_goes_by_the_plan_of_the_payment_and_not_by_todays(ground, world)


def _by_today() -> Any:
    today = bindparam("today", callable_=lambda: clock.now().date(), type_=Date())
    return and_(
        col(CommissionPlan.brand_id) == col(Order.brand_id),
        col(CommissionPlan.state) == CommissionPlanState.LIVE,
        col(CommissionPlan.from_day) <= today,
        or_(col(CommissionPlan.until_day).is_(None), col(CommissionPlan.until_day) >= today),
    )


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
            OrderNews(**{**_plain(news), "amount": 47_000, "lines": lines, "news_at": clock.now()}),
        )

    assert (await said(ground, world))[4:] == [
        ("guide", None, 9_400, 470, "correction", APRIL),
        ("guide", "鞋履", 600, 48, "correction", APRIL),
        ("store_manager", None, 9_400, 94, "correction", APRIL),
        ("store_manager", "鞋履", 600, 6, "correction", APRIL),
    ] or sorted(entry[3] for entry in (await said(ground, world))[4:]) == [6, 48, 94, 470]


def _plain(news: OrderNews) -> dict[str, Any]:
    return {name: getattr(news, name) for name in news.__slots__}


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

    assert nothing == 0
    assert set((await earned(ground, world)).values()) == {0}


async def test_a_line_earns_by_the_product_of_its_sku_whatever_code_the_mall_has_for_it(
    ground: Ground, world: World
) -> None:
    """Malls have product numbers of their own; the SKU says what was sold."""
    boots = await product(ground, world, "S2", "鞋履")
    await save(ground, Sku(brand_id=world.brand.id, id=ids.new(), product_id=boots.id, code="S2-38"))
    lines = [Line("632910392", "短靴", 1, 20_000, sku_code="S2-38"), Line("632910392", "鞋油", 1, 10_000)]
    with clock.stopped_at(NOON):
        await running(ground, world)
        order = await buy(ground, world, amount=30_000, lines=lines)
        posted = await said(ground, world)
        async with unit_of_work(ground, system(world.brand.id)) as work:
            again = await commission.post(work, [order.id])
        await refund(ground, world, order.id, amount=30_000)

    assert {entry[:4] for entry in posted} == {
        ("guide", "鞋履", 20_000, 1_600),
        ("guide", None, 10_000, 500),
        ("store_manager", "鞋履", 20_000, 200),
        ("store_manager", None, 10_000, 100),
    }
    assert again == 0
    assert set((await earned(ground, world)).values()) == {0}


async def test_a_correction_of_the_credit_moves_what_was_earned(ground: Ground, world: World) -> None:
    other = world.shop.other_guide
    with clock.stopped_at(NOON):
        await running(ground, world)
        order = await buy(ground, world)
        await correct(ground, world.shop.manager, order, (other, 10_000))

    assert await earned(ground, world) == {world.shop.guide.id: 0, other.id: 2_610, world.shop.manager.id: 360}
    assert {entry[4] for entry in (await said(ground, world))[4:]} == {"correction"}


async def test_a_split_order_adds_up_and_the_stores_part_goes_to_nobody(ground: Ground, world: World) -> None:
    first, second = world.shop.guides
    with clock.stopped_at(NOON):
        await running(ground, world, [Rate(GUIDE, None, 333)])
        order = await buy(ground, world)
        await correct(ground, world.shop.manager, order, (first, 5_000), (second, 2_500), (None, 2_500))

    # 3.33 % of 27,000 and of 9,000 fen is 899 and 300; of 899 the quarters lose more by rounding down than the half.
    assert await earned(ground, world) == {first.id: 449 + 150, second.id: 225 + 75}


async def test_whoever_managed_the_store_when_it_was_paid_earns_and_several_share(ground: Ground, world: World) -> None:
    with clock.stopped_at(NOON):
        await running(ground, world, [Rate(MANAGER, None, 101)])
    with clock.stopped_at(NOON + timedelta(hours=1)):
        async with unit_of_work(ground, world.hq) as work:
            second = await staff.hire(
                work, number="M2", name="副店长", role=Role.STORE_MANAGER, store_id=world.shop.store.id
            )
    with clock.stopped_at(NOON + timedelta(hours=3)):
        await buy(ground, world, placed_at=NOON + timedelta(minutes=30))
        alone = await earned(ground, world)
        await buy(ground, world)
        both = await earned(ground, world)

    first = world.shop.manager.id
    assert alone == {first: 273 + 91}
    assert both[first] + both[second.id] - alone[first] == 273 + 91
    assert both[second.id] in (181, 182, 183)


async def test_a_guests_order_earns_the_guide_nothing(ground: Ground, world: World) -> None:
    with clock.stopped_at(NOON):
        await running(ground, world)
        await place(ground, world, None, **WHOLE)

    assert await earned(ground, world) == {world.shop.manager.id: 360}


async def test_an_unpaid_order_earns_once_it_is_paid(ground: Ground, world: World) -> None:
    with clock.stopped_at(NOON):
        await running(ground, world)
        customer = await build_customer(ground, world.shop.guide)
        news = order_news(world, customer, **WHOLE, state=OrderState.PENDING)
        await hear(ground, world, news)
        before = await said(ground, world)
        paid = {**_plain(news), "state": OrderState.PAID, "news_at": clock.now(), "paid_at": clock.now()}
        await hear(ground, world, OrderNews(**paid))

    assert before == []
    assert {entry[4] for entry in await said(ground, world)} == {"accrual"}


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


async def test_nothing_is_posted_for_orders_outside_the_plans_days(ground: Ground, world: World) -> None:
    with clock.stopped_at(NOON):
        await running(ground, world, from_day=JUNE)
        await buy(ground, world)

    assert await count(ground, world.brand.id, CommissionEntry) == 0
