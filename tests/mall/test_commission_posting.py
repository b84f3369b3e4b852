"""What the ledger says once orders are paid and refunded."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Date, and_, bindparam, or_, update
from sqlmodel import col

from directory.commands import staff
from kernel import clock, ids
from kernel.actor import Role, system
from kernel.work import Ground, unit_of_work
from mall.commands import Line, OrderNews, commission
from mall.commands.commission import posting
from mall.models import (
    CommissionEntry,
    CommissionPlan,
    CommissionPlanState,
    Order,
    OrderState,
    Sku,
)
from mall.models.commissioning import Rate
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
    WHOLE,
    buy,
    earned,
    hear,
    plain,
    product,
    running,
    said,
)
from tests.mall.earning import correct
from tests.mall.trading import count, order_news, place, refund
from tests.statements import statements


@pytest.fixture
async def world(ground: Ground) -> World:
    world = await build_world(ground)
    await product(ground, world, "S1", "鞋履")
    return world


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
                assert await commission.post(work, [order.id]) == []

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
    assert again == []
    assert set((await earned(ground, world)).values()) == {0}


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
        paid = {**plain(news), "state": OrderState.PAID, "news_at": clock.now(), "paid_at": clock.now()}
        await hear(ground, world, OrderNews(**paid))

    assert before == []
    assert {entry[4] for entry in await said(ground, world)} == {"accrual"}


async def test_nothing_is_posted_for_orders_outside_the_plans_days(ground: Ground, world: World) -> None:
    with clock.stopped_at(NOON):
        await running(ground, world, from_day=JUNE)
        await buy(ground, world)

    assert await count(ground, world.brand.id, CommissionEntry) == 0
