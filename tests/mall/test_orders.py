"""Orders are taken once each, and never older news over newer."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from customers.models import Holding, HoldingReason, Relationship
from directory.models import Account
from kernel import clock, feed, ids
from kernel.actor import system
from kernel.errors import Forbidden, Invalid, NotFound, Refusal
from kernel.work import Ground, unit_of_work
from mall import commands
from mall.commands import Line, OrderNews
from mall.errors import AmountsDiffer, OrderDiffers, RefundExceedsOrder, WrongCurrency
from mall.models import Channel, Credit, CreditReason, LineKind, Order, OrderLine, OrderState, Product
from tests.factories import World, build_customer, build_world, relationship_of, reload, said, save
from tests.mall.trading import count, order_news, place, refund, till


async def credit_of(ground: Ground, order: Order) -> Credit:
    async with ground.db.read() as session:
        found = await session.scalar(
            select(Credit).where(col(Credit.brand_id) == order.brand_id, col(Credit.order_id) == order.id)
        )
    assert found
    return found


async def lines_of(ground: Ground, order: Order) -> list[OrderLine]:
    async with ground.db.read() as session:
        found = await session.scalars(
            select(OrderLine)
            .where(col(OrderLine.brand_id) == order.brand_id, col(OrderLine.order_id) == order.id)
            .order_by(col(OrderLine.line))
        )
        return list(found)


async def test_an_order_is_served_by_and_credited_to_whoever_holds_the_relationship(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    relationship = await relationship_of(ground, customer)

    order = await place(ground, world, customer)

    kept = await reload(ground, order)
    assert (kept.relationship_id, kept.serving_account_id) == (relationship.id, world.shop.guide.account_ids[0])
    assert (kept.state, kept.amount, kept.version) == (OrderState.PAID, 19_900, 1)
    credit = await credit_of(ground, order)
    assert (credit.account_id, credit.reason) == (world.shop.guide.account_ids[0], CreditReason.HOLDER)
    news = [("put", "order", order.id)]
    assert await said(ground, feed.of_staff(world.shop.guide.id)) == news
    assert await said(ground, feed.of_desk(world.shop.store.id)) == news
    assert await said(ground, feed.of_staff(world.shop.other_guide.id)) == []


async def test_a_guests_order_counts_for_the_store_and_is_news_to_its_managers_only(ground: Ground) -> None:
    world = await build_world(ground)

    order = await place(ground, world)

    credit = await credit_of(ground, order)
    assert (order.serving_account_id, credit.account_id, credit.reason) == (None, None, CreditReason.STORE)
    assert await said(ground, feed.of_desk(world.shop.store.id)) == [("put", "order", order.id)]
    assert await said(ground, feed.of_staff(world.shop.guide.id)) == []


async def test_the_credit_goes_to_whoever_held_the_relationship_when_the_order_was_placed(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    moved_at = clock.now() - timedelta(days=2)
    await _hand_over(ground, await relationship_of(ground, customer), world.shop.other_guide.account_ids[0], moved_at)

    before = await place(ground, world, customer, placed_at=moved_at - timedelta(seconds=1))
    after = await place(ground, world, customer, placed_at=moved_at)

    assert (await credit_of(ground, before)).account_id == world.shop.guide.account_ids[0]
    assert (await credit_of(ground, after)).account_id == world.shop.other_guide.account_ids[0]
    assert before.serving_account_id == after.serving_account_id == world.shop.other_guide.account_ids[0]


async def test_an_order_counts_for_the_store_while_its_public_account_holds_the_relationship(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.manager)

    order = await place(ground, world, customer)

    credit = await credit_of(ground, order)
    assert (order.serving_account_id, credit.account_id) == (world.shop.public.id, None)
    assert credit.reason is CreditReason.STORE


async def test_an_order_from_before_anybody_held_the_relationship_counts_for_the_store(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)

    order = await place(ground, world, customer, placed_at=datetime.fromisoformat("2020-01-01T00:00:00+00:00"))

    assert (await credit_of(ground, order)).reason is CreditReason.STORE


async def test_an_order_in_another_store_goes_through_the_relationship_there_or_else_the_primary_one(
    ground: Ground,
) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    primary = await relationship_of(ground, customer)
    second = await _relate(ground, world.shops[1].public, primary)

    there = await place(ground, world, customer, store_id=world.shops[1].store.id)
    elsewhere = await place(ground, world, customer, store_id=world.shops[2].store.id)

    assert there.relationship_id == second.id
    assert elsewhere.relationship_id == primary.id
    assert await said(ground, feed.of_desk(world.shops[2].store.id)) == [("put", "order", elsewhere.id)]
    assert ("put", "order", elsewhere.id) in await said(ground, feed.of_staff(world.shop.guide.id))


async def test_the_day_is_the_stores(ground: Ground) -> None:
    world = await build_world(ground)

    order = await place(ground, world, placed_at=datetime.fromisoformat("2026-02-28T16:30:00+00:00"))

    assert order.day == date(2026, 3, 1)


async def test_store_and_customer_are_found_by_code_and_member_number_and_lines_by_product_code(
    ground: Ground,
) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    product = Product(brand_id=world.brand.id, id=ids.new(), code="P1", name="羊绒衫", price=19_900)
    await save(ground, product)
    lines = [Line(" P1 ", "羊绒衫", 2, 30_000), Line("X", "会员折扣", 1, -100, LineKind.SERVICE)]

    order = await place(
        ground,
        world,
        store_code=world.shop.store.code,
        member_number=customer.member_number,
        amount=29_900,
        lines=lines,
    )

    assert (order.store_id, order.customer_id) == (world.shop.store.id, customer.id)
    kept = await lines_of(ground, order)
    assert [(line.product_id, line.product_code, line.amount) for line in kept] == [
        (product.id, "P1", 30_000),
        (None, "X", -100),
    ]


async def test_the_same_order_twice_is_one_order_and_said_once(ground: Ground) -> None:
    world = await build_world(ground)
    news = order_news(world)

    taken = []
    for _ in range(2):
        async with unit_of_work(ground, till(world)) as work:
            taken.append(await commands.record_order(work, news))

    assert taken[0].id == taken[1].id
    assert await count(ground, world.brand.id, Order) == 1
    assert await said(ground, feed.of_desk(world.shop.store.id)) == [("put", "order", taken[0].id)]


@pytest.mark.parametrize("known", [True, False], ids=["customer", "guest"])
async def test_the_same_order_at_the_same_time_is_one_order(ground: Ground, known: bool) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide) if known else None
    news = order_news(world, customer)

    async def take() -> Order:
        async with unit_of_work(ground, till(world)) as work:
            return await commands.record_order(work, news)

    taken = await asyncio.gather(*(take() for _ in range(4)))

    assert len({order.id for order in taken}) == 1
    assert len(await lines_of(ground, taken[0])) == 1
    assert await said(ground, feed.of_desk(world.shop.store.id)) == [("put", "order", taken[0].id)]


async def test_newer_news_moves_the_order_on_and_older_news_changes_nothing(ground: Ground) -> None:
    world = await build_world(ground)
    paid = order_news(world)
    shipped = replace(paid, state=OrderState.SHIPPED, news_at=paid.placed_at + timedelta(minutes=20))
    corrected = replace(
        paid,
        state=OrderState.SHIPPED,
        amount=15_000,
        lines=[Line("P2", "围巾", 1, 15_000)],
        news_at=paid.placed_at + timedelta(minutes=30),
    )
    late = replace(paid, amount=1, lines=[Line("P3", "迟到", 1, 1)], news_at=paid.placed_at + timedelta(minutes=10))

    for news in (paid, shipped, corrected, late):
        async with unit_of_work(ground, till(world)) as work:
            order = await commands.record_order(work, news)

    kept = await reload(ground, order)
    assert (kept.state, kept.amount, kept.version, kept.news_at) == (OrderState.SHIPPED, 15_000, 3, corrected.news_at)
    assert [line.product_code for line in await lines_of(ground, order)] == ["P2"]
    assert await said(ground, feed.of_desk(world.shop.store.id)) == [("put", "order", order.id)] * 3


async def test_newer_news_takes_an_order_back_if_its_source_says_so(ground: Ground) -> None:
    world = await build_world(ground)
    done = order_news(world, state=OrderState.COMPLETED)
    back = replace(done, state=OrderState.SHIPPED, news_at=done.placed_at + timedelta(minutes=1))
    async with unit_of_work(ground, till(world)) as work:
        order = await commands.record_order(work, done)

    async with unit_of_work(ground, till(world)) as work:
        await commands.record_order(work, back)

    kept = await reload(ground, order)
    assert (kept.state, kept.completed_at, kept.version) == (OrderState.SHIPPED, None, 2)
    assert await said(ground, feed.of_desk(world.shop.store.id)) == [("put", "order", order.id)] * 2


async def test_of_two_news_of_one_second_the_one_that_is_further_on_counts(ground: Ground) -> None:
    world = await build_world(ground)
    placed = order_news(world, state=OrderState.PENDING)
    for news in (placed, replace(placed, state=OrderState.PAID), placed):
        async with unit_of_work(ground, till(world)) as work:
            order = await commands.record_order(work, news)

    assert (await reload(ground, order)).state is OrderState.PAID


async def test_a_pending_order_counts_for_nobody_until_it_is_paid(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    waiting = order_news(world, customer, state=OrderState.PENDING)
    paid_at = waiting.placed_at + timedelta(minutes=5)
    async with unit_of_work(ground, till(world)) as work:
        order = await commands.record_order(work, waiting)
    assert await count(ground, world.brand.id, Credit) == 0

    for _ in range(2):
        async with unit_of_work(ground, till(world)) as work:
            await commands.record_order(work, replace(waiting, state=OrderState.PAID, paid_at=paid_at, news_at=paid_at))

    kept = await reload(ground, order)
    assert (kept.state, kept.paid_at, kept.version) == (OrderState.PAID, paid_at, 2)
    credit = await credit_of(ground, order)
    assert (credit.account_id, credit.amount) == (world.shop.guide.account_ids[0], order.amount)


async def test_a_newer_amount_below_what_was_refunded_is_refused(ground: Ground) -> None:
    world = await build_world(ground)
    news = order_news(world, amount=10_000)
    async with unit_of_work(ground, till(world)) as work:
        order = await commands.record_order(work, news)
    await refund(ground, world, order.id, amount=6_000)

    with pytest.raises(RefundExceedsOrder):
        async with unit_of_work(ground, till(world)) as work:
            await commands.record_order(
                work, replace(news, amount=5_999, lines=[Line("P1", "羊绒衫", 1, 5_999)], news_at=clock.now())
            )

    assert (await reload(ground, order)).amount == 10_000


async def test_an_order_that_is_cancelled_may_come_to_nothing_whatever_was_refunded(ground: Ground) -> None:
    world = await build_world(ground)
    news = order_news(world, await build_customer(ground, world.shop.guide), amount=10_000)
    async with unit_of_work(ground, till(world)) as work:
        order = await commands.record_order(work, news)
    given_back = await refund(ground, world, order.id, amount=6_000)
    gone = replace(
        news,
        state=OrderState.CANCELLED,
        amount=0,
        lines=[Line("P1", "羊绒衫", 1, 0)],
        paid_at=news.placed_at,
        news_at=clock.now(),
    )
    async with unit_of_work(ground, till(world)) as work:
        await commands.record_order(work, gone)

    with pytest.raises(RefundExceedsOrder):
        async with unit_of_work(ground, till(world)) as work:
            await commands.record_order(work, replace(gone, state=OrderState.PAID, news_at=clock.now()))

    kept = await reload(ground, order)
    assert (kept.state, kept.amount) == (OrderState.CANCELLED, 0)
    assert (await reload(ground, given_back)).is_void


async def test_what_was_given_back_of_an_order_is_void_while_the_order_is_cancelled(ground: Ground) -> None:
    world = await build_world(ground)
    news = order_news(world)
    async with unit_of_work(ground, till(world)) as work:
        order = await commands.record_order(work, news)
    given_back = await refund(ground, world, order.id)
    later = clock.now() - timedelta(minutes=5)

    for minute, state in enumerate((OrderState.CANCELLED, OrderState.PAID)):
        async with unit_of_work(ground, till(world)) as work:
            await commands.record_order(
                work, replace(news, state=state, paid_at=news.placed_at, news_at=later + timedelta(minutes=minute))
            )

        kept = await reload(ground, given_back)
        assert (kept.is_void, kept.version) == (state is OrderState.CANCELLED, minute + 2)


@pytest.mark.parametrize("what", ["store", "customer", "time"])
async def test_a_number_used_for_another_order_is_refused(ground: Ground, what: str) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    first = order_news(world)
    others: dict[str, dict[str, Any]] = {
        "store": {"store_id": world.shops[1].store.id},
        "customer": {"customer_id": customer.id},
        "time": {"placed_at": first.placed_at + timedelta(minutes=1)},
    }
    async with unit_of_work(ground, till(world)) as work:
        order = await commands.record_order(work, first)

    with pytest.raises(OrderDiffers) as refusal:
        async with unit_of_work(ground, till(world)) as work:
            await commands.record_order(work, replace(first, **others[what]))

    assert refusal.value.facts["what"] == what
    assert (await reload(ground, order)).version == 1


def _wrong(world: World) -> dict[str, tuple[OrderNews, type[Refusal]]]:
    news = order_news(world)
    goods = Line("P1", "羊绒衫", 1, 19_900)
    return {
        "lines that do not add up": (replace(news, amount=19_899), AmountsDiffer),
        "no lines": (replace(news, lines=[]), Invalid),
        "goods below zero": (replace(news, lines=[goods, Line("P2", "减", 1, -1), Line("P3", "加", 1, 1)]), Invalid),
        "a negative amount": (
            replace(news, amount=-1, lines=[Line("D", "折扣", 1, -1, LineKind.SERVICE)]),
            Invalid,
        ),
        "no pieces": (replace(news, lines=[replace(goods, quantity=0)]), Invalid),
        "an amount beyond JSON": (replace(news, amount=2**53, lines=[replace(goods, amount=2**53)]), Invalid),
        "another currency": (replace(news, currency="USD"), WrongCurrency),
        "no number": (replace(news, number="  "), Invalid),
        "no store": (replace(news, store_id=None), Invalid),
        "two stores": (replace(news, store_code="x"), Invalid),
        "an unknown store": (replace(news, store_id=None, store_code="nowhere"), NotFound),
        "an unknown customer": (replace(news, customer_id=ids.new()), NotFound),
        "a customer named twice": (replace(news, customer_id=ids.new(), member_number="x"), Invalid),
        "an unknown member": (replace(news, member_number="nobody"), NotFound),
        "a time before there were tills": (replace(news, placed_at=datetime.min.replace(tzinfo=UTC)), Invalid),
        "a time to come": (replace(news, placed_at=clock.now() + timedelta(hours=2)), Invalid),
    }


@pytest.mark.parametrize(
    "case",
    [
        "lines that do not add up",
        "no lines",
        "goods below zero",
        "a negative amount",
        "no pieces",
        "an amount beyond JSON",
        "another currency",
        "no number",
        "no store",
        "two stores",
        "an unknown store",
        "an unknown customer",
        "a customer named twice",
        "an unknown member",
        "a time before there were tills",
        "a time to come",
    ],
)
async def test_a_wrong_order_is_refused_and_leaves_nothing(ground: Ground, case: str) -> None:
    world = await build_world(ground)
    news, refusal = _wrong(world)[case]

    with pytest.raises(refusal):
        async with unit_of_work(ground, till(world)) as work:
            await commands.record_order(work, news)

    assert await count(ground, world.brand.id, Order) == 0
    assert await said(ground, feed.of_desk(world.shop.store.id)) == []


async def test_people_and_machines_without_the_scope_take_no_orders(ground: Ground) -> None:
    world = await build_world(ground)

    for actor in (world.shop.guide, world.shop.manager, world.hq, till(world, "products:write")):
        with pytest.raises(Forbidden):
            async with unit_of_work(ground, actor) as work:
                await commands.record_order(work, order_news(world))

    assert await count(ground, world.brand.id, Order) == 0


async def test_a_till_of_one_brand_finds_no_store_or_customer_of_another(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    stranger = await build_customer(ground, other.shop.guide)

    for news in (order_news(other), order_news(world, stranger)):
        with pytest.raises(NotFound):
            async with unit_of_work(ground, till(world)) as work:
                await commands.record_order(work, news)

    assert await count(ground, world.brand.id, Order) == 0


async def test_two_brands_may_use_one_number(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")

    mine, theirs = await place(ground, world, number="1"), await place(ground, other, number="1")

    assert mine.id != theirs.id


async def test_the_product_itself_may_take_orders(ground: Ground) -> None:
    world = await build_world(ground)

    async with unit_of_work(ground, system(world.brand.id)) as work:
        order = await commands.record_order(work, order_news(world, channel=Channel.FILE))

    assert (await reload(ground, order)).channel is Channel.FILE


async def _hand_over(ground: Ground, relationship: Relationship, to_account_id: Any, at: datetime) -> None:
    async with ground.db.write() as session:
        holding = await session.scalar(
            select(Holding).where(
                col(Holding.brand_id) == relationship.brand_id, col(Holding.relationship_id) == relationship.id
            )
        )
        assert holding
        holding.until_at = at
        holding.from_at = at - timedelta(days=30)
        moving = await session.get(Relationship, (relationship.brand_id, relationship.id))
        assert moving
        moving.holder_id = to_account_id
        await session.flush()
        session.add(
            Holding(
                brand_id=relationship.brand_id,
                id=ids.new(),
                relationship_id=relationship.id,
                account_id=to_account_id,
                reason=HoldingReason.REASSIGNED,
                by_actor_id=to_account_id,
                from_at=at,
            )
        )


async def _relate(ground: Ground, account: Account, primary: Relationship) -> Relationship:
    second = Relationship(
        brand_id=primary.brand_id,
        id=ids.new(),
        customer_id=primary.customer_id,
        store_id=account.store_id,
        holder_id=account.id,
        created_at=clock.now(),
    )
    await save(ground, second)
    return second
