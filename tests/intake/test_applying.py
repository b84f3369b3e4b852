"""What a mall says has its effect once, as a whole, or waits for a person."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

from sqlalchemy import func, select
from sqlmodel import col

from intake.commands import applying
from intake.commands.applying import Applied
from intake.errors import MemberUnknown, OrderNotHere
from intake.models.adapting import adapt
from intake.queries import hook_mappings
from kernel import actor, feed, ids
from kernel.work import Ground, unit_of_work
from mall.errors import OrderDiffers, OrderUnpaid, RefundDiffers, RefundExceedsOrder, SkuUnknown, StoreUnknown
from mall.models import Credit, Order, OrderLine, OrderState, OrderStep, Product, Refund, RefundCharge, Sku
from mall.queries import orders
from tests.factories import World, build_customer, build_world, said, save
from tests.intake.malls import (
    MALLS,
    PLACED,
    Payload,
    Piece,
    Returned,
    Told,
    daogou,
    sent,
    shopify,
    shopify_refund,
    woocommerce,
    youzan,
    youzan_message,
)
from tests.mall.trading import count

HOUR = timedelta(hours=1)
EVERYTHING = (Order, OrderLine, Credit, Refund, OrderStep)


async def hear(ground: Ground, world: World, mall: str, payload: Payload) -> Applied:
    """Adapt and apply one message."""
    notice = adapt(hook_mappings.load(mall), sent(payload), "mall", currency="CNY")
    assert notice is not None
    async with unit_of_work(ground, actor.system(world.brand.id)) as work:
        return await applying.apply(work, notice)


async def order_of(ground: Ground, world: World, number: str = "5001") -> Order:
    async with ground.db.read() as session:
        found = await session.scalar(
            select(Order).where(col(Order.brand_id) == world.brand.id, col(Order.number) == number)
        )
    assert found is not None
    return found


async def counts(ground: Ground, world: World) -> list[int]:
    return [await count(ground, world.brand.id, model) for model in EVERYTHING]


async def told(ground: Ground, world: World) -> list[tuple[str, str, Any]]:
    return await said(ground, feed.of_desk(world.shop.store.id))


async def refused(ground: Ground, world: World, mall: str, payload: Payload) -> Any:
    """Why it is parked; nothing is changed or said."""
    before = await counts(ground, world), await told(ground, world)
    applied = await hear(ground, world, mall, payload)
    assert applied.order_id is None
    assert (await counts(ground, world), await told(ground, world)) == before
    return applied.parked


async def test_an_order_with_its_refunds_is_taken_at_once(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide, member_number="8801")

    applied = await hear(ground, world, "daogou", daogou(Told(refunds=(Returned("71", 5_000, PLACED + HOUR),))))

    order = await order_of(ground, world)
    assert applied == Applied(order.id)
    assert (order.customer_id, order.store_id) == (customer.id, world.shop.store.id)
    assert await counts(ground, world) == [1, 2, 1, 1, 3]
    async with ground.db.read() as session:
        charged = await session.scalars(
            select(col(RefundCharge.amount)).where(col(RefundCharge.brand_id) == world.brand.id)
        )
    assert list(charged) == [5_000]
    assert len(await told(ground, world)) == 3


async def test_the_same_five_times_has_one_effect(ground: Ground) -> None:
    world = await build_world(ground)
    for mall, number in (("daogou", "1"), ("shopify", "2"), ("woocommerce", "3")):
        payload = MALLS[mall](Told(number=number, member=None, refunds=(Returned(f"7{number}", 5_000, PLACED),)))
        first = await hear(ground, world, mall, payload)
        before = await counts(ground, world), await told(ground, world), await order_of(ground, world, number)

        for _ in range(4):
            assert await hear(ground, world, mall, payload) == first

        after = await counts(ground, world), await told(ground, world), await order_of(ground, world, number)
        assert after == before, mall


async def test_older_news_changes_nothing(ground: Ground) -> None:
    world = await build_world(ground)
    await hear(ground, world, "shopify", shopify(Told(state="shipped", news_at=PLACED + HOUR)))
    before = await counts(ground, world), await told(ground, world)

    applied = await hear(ground, world, "shopify", shopify(Told(state="pending", paid_at=None)))

    order = await order_of(ground, world)
    assert applied == Applied(order.id)
    assert order.state is OrderState.SHIPPED
    assert (await counts(ground, world), await told(ground, world)) == before


async def test_an_unknown_store_is_parked_and_taken_once_it_is_there(ground: Ground) -> None:
    world = await build_world(ground)
    payload = daogou(Told(member=None, store="new-1"))

    refusal = await refused(ground, world, "daogou", payload)
    assert isinstance(refusal, StoreUnknown)
    assert refusal.facts == {"field": "store", "store": "new-1"}
    assert isinstance(await refused(ground, world, "daogou", daogou(Told(store=None))), StoreUnknown)

    world.shop.store.code = "new-1"
    async with ground.db.write() as session:
        await session.merge(world.shop.store)
    assert (await hear(ground, world, "daogou", payload)).parked is None


async def test_an_unknown_member_is_parked_or_a_guest_as_the_mapping_says(ground: Ground) -> None:
    world = await build_world(ground)

    refusal = await refused(ground, world, "daogou", daogou(Told(number="1")))
    assert isinstance(refusal, MemberUnknown)

    assert (await hear(ground, world, "shopify", shopify(Told(number="2")))).parked is None
    assert (await order_of(ground, world, "2")).customer_id is None


async def test_a_guests_order_stays_one_when_the_member_becomes_known(ground: Ground) -> None:
    world = await build_world(ground)
    await hear(ground, world, "shopify", shopify(Told()))
    await build_customer(ground, world.shop.guide, member_number="8801")

    applied = await hear(ground, world, "shopify", shopify(Told(state="shipped", news_at=PLACED + HOUR)))

    order = await order_of(ground, world)
    assert (applied.parked, order.state, order.customer_id) == (None, OrderState.SHIPPED, None)


async def test_an_unknown_sku_is_parked_where_the_brand_keeps_skus(ground: Ground) -> None:
    world = await build_world(ground)
    assert (await hear(ground, world, "daogou", daogou(Told(number="1", member=None)))).parked is None
    product = Product(brand_id=world.brand.id, id=ids.new(), code="C", name="羊毛大衣", price=129_900)
    await save(ground, product, sku(world, product, "C-M"))

    refusal = await refused(ground, world, "daogou", daogou(Told(number="2", member=None)))
    assert isinstance(refusal, SkuUnknown)
    assert refusal.facts == {"field": "sku", "codes": "S-1"}

    await save(ground, sku(world, product, "S-1"))
    assert (await hear(ground, world, "daogou", daogou(Told(number="2", member=None)))).parked is None


def sku(world: World, product: Product, code: str) -> Sku:
    return Sku(brand_id=world.brand.id, id=ids.new(), product_id=product.id, code=code)


async def test_a_refund_waits_for_its_order(ground: Ground) -> None:
    world = await build_world(ground)
    alone = shopify_refund("5001", Returned("71", 5_000, PLACED + HOUR))

    waiting = await hear(ground, world, "shopify", alone)
    assert isinstance(waiting.parked, OrderNotHere)
    assert waiting.waits_for_order
    assert await counts(ground, world) == [0] * len(EVERYTHING)

    await hear(ground, world, "shopify", shopify(Told()))
    assert await hear(ground, world, "shopify", alone) == Applied((await order_of(ground, world)).id)
    assert await count(ground, world.brand.id, Refund) == 1


async def test_a_state_alone_waits_for_its_order_and_keeps_its_contents(ground: Ground) -> None:
    world = await build_world(ground)
    done = youzan_message("trade_TradeSuccess", "5001", {"tid": "5001", "update_time": "2026-03-05 15:00:00"}, PLACED)
    assert (await hear(ground, world, "youzan", done)).waits_for_order

    await hear(ground, world, "youzan", youzan(Told(discount=5)))
    before = await counts(ground, world)
    await hear(ground, world, "youzan", done)
    await hear(ground, world, "youzan", done)

    order = await order_of(ground, world)
    assert (order.state, order.completed_at) == (OrderState.COMPLETED, PLACED + HOUR)
    assert (order.amount, order.paid_at, order.city) == (169_795, PLACED + timedelta(minutes=4), "杭州市")
    assert await counts(ground, world) == [*before[:-1], before[-1] + 1]


async def test_that_an_unpaid_order_was_sent_waits_for_word_of_its_payment(ground: Ground) -> None:
    """Otherwise nobody would ever hear when it was paid, and so whose it was then: that word is older by now."""
    world = await build_world(ground)
    sent_off = {"tid": "5001", "update_time": "2026-03-05 15:00:00"}
    shipped = youzan_message("trade_TradeSellerShip", "5001", sent_off, PLACED)
    closed = youzan_message("trade_TradeClose", "5002", sent_off | {"tid": "5002"}, PLACED)
    for number in ("5001", "5002"):
        await hear(ground, world, "youzan", youzan(Told(number=number, state="pending", paid_at=None, news_at=PLACED)))

    early = await hear(ground, world, "youzan", shipped)
    waiting = (await order_of(ground, world)).state
    await hear(ground, world, "youzan", youzan(Told()))
    await hear(ground, world, "youzan", shipped)
    await hear(ground, world, "youzan", closed)

    assert (early.waits_for_order, waiting) == (True, OrderState.PENDING)
    order = await order_of(ground, world)
    assert (order.state, order.paid_at) == (OrderState.SHIPPED, PLACED + timedelta(minutes=4))
    assert (await order_of(ground, world, "5002")).state is OrderState.CANCELLED


async def test_what_contradicts_itself_is_parked_as_a_whole(ground: Ground) -> None:
    world = await build_world(ground)
    first = Told(member=None, refunds=(Returned("71", 5_000, PLACED),))
    await hear(ground, world, "daogou", daogou(first))
    later = replace(first, state="shipped", news_at=PLACED + HOUR)

    async def parked(**values: Any) -> Any:
        return type(await refused(ground, world, "daogou", daogou(replace(later, **values))))

    assert await parked(placed_at=PLACED - HOUR) is OrderDiffers
    assert await parked(refunds=(Returned("71", 5_001, PLACED),)) is RefundDiffers
    assert await parked(refunds=(Returned("72", 164_801, PLACED),)) is RefundExceedsOrder
    assert await parked(state="pending", paid_at=None, refunds=(Returned("73", 1, PLACED),)) is OrderUnpaid
    assert (await order_of(ground, world)).state is OrderState.PAID


async def test_what_comes_after_something_parked_in_the_same_work_is_kept(ground: Ground) -> None:
    world = await build_world(ground)
    mapping = hook_mappings.load("daogou")
    bad = Told(number="1", member=None, refunds=(Returned("71", 999_999, PLACED),))
    notices = [adapt(mapping, sent(daogou(one)), "mall") for one in (bad, Told(number="2", member=None))]

    async with unit_of_work(ground, actor.system(world.brand.id)) as work:
        outcomes = [await applying.apply(work, notice) for notice in notices if notice is not None]

    assert [type(outcome.parked) for outcome in outcomes] == [RefundExceedsOrder, type(None)]
    assert await counts(ground, world) == [1, 2, 1, 0, 2]
    assert len(await told(ground, world)) == 1


async def test_a_refund_without_a_time_is_dated_by_whoever_names_it_first(ground: Ground) -> None:
    world = await build_world(ground)
    later = Told(member=None, news_at=PLACED + 30 * HOUR, refunds=(Returned("71", 5_000, PLACED),))
    await hear(ground, world, "woocommerce", woocommerce(later))

    await hear(ground, world, "woocommerce", woocommerce(replace(later, news_at=PLACED + HOUR)))
    await hear(ground, world, "woocommerce", woocommerce(replace(later, news_at=PLACED + 40 * HOUR)))

    async with ground.db.read() as session:
        refund = await session.scalar(select(Refund).where(col(Refund.brand_id) == world.brand.id))
    assert refund is not None
    assert (refund.placed_at, refund.day) == (PLACED + HOUR, (PLACED + HOUR).date())


async def test_an_order_of_hundreds_of_lines_is_taken(ground: Ground) -> None:
    world = await build_world(ground)
    pieces = tuple(Piece(f"X-{place}", "X", "物", 1) for place in range(300))

    refusal = (await hear(ground, world, "daogou", daogou(Told(member=None, pieces=pieces)))).parked

    assert refusal is None
    async with ground.db.read() as session:
        lines = await session.scalar(
            select(func.count()).select_from(OrderLine).where(col(OrderLine.brand_id) == world.brand.id)
        )
    assert lines == 300


async def test_what_an_order_comes_to_is_followed_by_its_credit_and_its_refunds(ground: Ground) -> None:
    world = await build_world(ground)
    first = Told(member=None, refunds=(Returned("71", 5_000, PLACED),))

    async def money() -> tuple[list[int], list[bool], list[int]]:
        async with ground.db.read() as session:

            async def of(model: Any, column: Any) -> list[Any]:
                return list(await session.scalars(select(column).where(col(model.brand_id) == world.brand.id)))

            return (
                await of(Credit, col(Credit.amount)),
                await of(Refund, col(Refund.is_void)),
                await of(RefundCharge, col(RefundCharge.amount)),
            )

    steps = (
        (first, ([169_800], [False], [5_000])),
        (replace(first, postage=1, news_at=PLACED + HOUR), ([169_801], [False], [5_000])),
        (replace(first, state="cancelled", news_at=PLACED + 2 * HOUR), ([169_800], [True], [5_000])),
        (replace(first, news_at=PLACED + 3 * HOUR), ([169_800], [False], [5_000])),
    )
    for told_now, expected in steps:
        assert (await hear(ground, world, "daogou", daogou(told_now))).parked is None
        assert await money() == expected


async def test_a_refund_that_came_before_the_payment_is_charged_once_there_is_credit(ground: Ground) -> None:
    world = await build_world(ground)
    taken_back = Told(member=None, state="cancelled", paid_at=None, refunds=(Returned("71", 5_000, PLACED),))
    await hear(ground, world, "daogou", daogou(taken_back))
    assert await count(ground, world.brand.id, RefundCharge) == await count(ground, world.brand.id, Credit) == 0

    await hear(ground, world, "daogou", daogou(replace(taken_back, state="paid", news_at=PLACED + HOUR)))

    assert await count(ground, world.brand.id, RefundCharge) == await count(ground, world.brand.id, Credit) == 1


async def test_a_refund_is_void_while_its_order_is_unpaid_again(ground: Ground) -> None:
    world = await build_world(ground)
    paid = Told(member=None, refunds=(Returned("71", 5_000, PLACED),))
    await hear(ground, world, "daogou", daogou(paid))

    await hear(ground, world, "daogou", daogou(replace(paid, state="pending", paid_at=None, news_at=PLACED + HOUR)))

    async with ground.db.read() as session:
        void = await session.scalar(select(col(Refund.is_void)).where(col(Refund.brand_id) == world.brand.id))
    assert void is True


async def test_of_two_that_differ_in_the_same_second_the_same_one_remains(ground: Ground) -> None:
    world = await build_world(ground)
    cheap, dear = Told(member=None, discount=500), Told(member=None)
    other = replace(dear, pieces=dear.pieces[::-1])
    remains = set()
    for number, said_in_turn in enumerate(permutations((cheap, dear, other))):
        for one in (*said_in_turn, *said_in_turn):
            payload = daogou(replace(one, number=str(number)))
            assert (await hear(ground, world, "daogou", payload)).parked is None
        order = await order_of(ground, world, str(number))
        async with ground.db.read() as session:
            lines = await orders.lines_of(session, world.hq, [order.id])
        remains.add((order.amount, tuple(line.product_code for line in lines[order.id])))

    assert remains == {(169_800, ("S", "C"))}
