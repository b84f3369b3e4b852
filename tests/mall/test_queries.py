"""What of the mall is seen by whom, in which order, and in how many statements."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from kernel import clock, ids
from kernel.actor import Actor
from kernel.pages import Page
from kernel.work import Ground, unit_of_work
from mall import commands
from mall.commands import Line
from mall.models import Channel, OrderState, Share, ShareKind
from mall.queries import orders, refunds
from tests.factories import World, build_customer, build_world, save
from tests.mall.trading import place, refund
from tests.statements import statements


async def test_orders_are_seen_by_the_holder_their_stores_managers_and_hq(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    mine = await place(ground, world, await build_customer(ground, world.shop.guide))
    colleagues = await place(ground, world, await build_customer(ground, world.shop.other_guide))
    guest = await place(ground, world)
    north = await place(
        ground, world, await build_customer(ground, world.shops[2].guide), store_id=world.shops[2].store.id
    )

    async def seen(actor: Actor) -> set[object]:
        async with ground.db.read() as session:
            return {row.id for row in await orders.page(session, actor, Page())}

    assert await seen(world.shop.guide) == {mine.id}
    assert await seen(world.shop.manager) == {mine.id, colleagues.id, guest.id}
    assert await seen(world.east_manager) == {mine.id, colleagues.id, guest.id}
    assert await seen(world.shops[2].manager) == {north.id}
    assert await seen(world.hq) == {mine.id, colleagues.id, guest.id, north.id}
    assert await seen(other.hq) == set()


async def test_the_latest_orders_are_those_that_a_guide_serves_newest_first(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    placed = [
        await place(ground, world, customer, placed_at=clock.now() - timedelta(hours=hours)) for hours in (3, 1, 2)
    ]
    await place(ground, world, await build_customer(ground, world.shop.other_guide))

    async with ground.db.read() as session:
        latest = await orders.latest(session, world.shop.guide, 2)
        store = await orders.latest(session, world.shop.manager, 20)

    assert [row.id for row in latest] == [placed[1].id, placed[2].id]
    assert len(store) == 4


async def test_a_list_of_orders_is_narrowed_down_and_paged(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    days = [datetime(2026, 3, day, 4, tzinfo=UTC) for day in (2, 3, 4)]
    first, second, third = [await place(ground, world, customer, placed_at=at) for at in days]
    cancelled = await place(ground, world, placed_at=days[0], state=OrderState.CANCELLED, channel=Channel.MINI_MALL)

    async def found(narrowed: orders.Filter) -> list[object]:
        async with ground.db.read() as session:
            return [row.id for row in await orders.page(session, world.shop.manager, Page(), narrowed)]

    assert await found(orders.Filter(customer_id=customer.id)) == [third.id, second.id, first.id]
    assert await found(orders.Filter(from_day=date(2026, 3, 3), until_day=date(2026, 3, 3))) == [second.id]
    assert await found(orders.Filter(states=[OrderState.CANCELLED])) == [cancelled.id]
    assert await found(orders.Filter(channel=Channel.MINI_MALL)) == [cancelled.id]
    assert await found(orders.Filter(store_id=world.shops[1].store.id)) == []
    async with ground.db.read() as session:
        page = await orders.page(session, world.shop.manager, Page(1), orders.Filter(customer_id=customer.id))
        rest = await orders.page(
            session,
            world.shop.manager,
            Page(2, [page[0].placed_at.isoformat(), str(page[0].id)]),
            orders.Filter(customer_id=customer.id),
        )
    assert [row.id for row in page] == [third.id, second.id]
    assert [row.id for row in rest] == [second.id, first.id]


async def test_a_list_of_orders_is_narrowed_down_by_what_people_look_for(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    at = datetime(2026, 3, 3, 15, tzinfo=UTC)  # eleven at night in Shanghai
    share = await build_share(ground, world)
    waiting = await place(ground, world, placed_at=at, state=OrderState.PENDING, number="E100%_1")
    late = await place(ground, world, placed_at=at, paid_at=at + timedelta(hours=2), city="杭州市", number="E1001x")
    mine = await place(
        ground, world, customer, placed_at=at, channel=Channel.MINI_MALL, number="e1001", share_code=share.code
    )

    async def found(**wanted: Any) -> set[object]:
        async with ground.db.read() as session:
            rows = await orders.page(session, world.shop.manager, Page(), orders.Filter(**wanted))
            return {row.id for row in rows}

    assert await found(paid_from_day=date(2026, 3, 4)) == {late.id}
    assert await found(paid_until_day=date(2026, 3, 3)) == {mine.id}
    assert await found(paid_until_day=date(2026, 3, 4)) == {late.id, mine.id}
    assert await found(number="E100") == {waiting.id, late.id}
    assert await found(number="E100%") == {waiting.id}
    assert await found(number="e1001") == {mine.id}
    assert await found(number="\x00") == await found(city="\x00") == set()
    assert await found(city="杭州市") == {late.id}
    assert await found(share_id=share.id) == {mine.id}
    guide = world.shop.guide.account_ids[0]
    assert await found(served_by=guide) == await found(credited_to=guide) == {mine.id}
    assert await found(is_unanswered=True) == {mine.id}
    assert await found(is_unanswered=False) == {waiting.id, late.id}
    assert await found(states=[OrderState.PENDING, OrderState.PAID], credited_to=guide, is_unanswered=False) == set()


async def build_share(ground: Ground, world: World) -> Share:
    """A guide's link to a page."""
    share = Share(
        brand_id=world.brand.id,
        id=ids.new(),
        code="aB3x",
        store_id=world.shop.store.id,
        account_id=world.shop.guide.account_ids[0],
        kind=ShareKind.PAGE,
        title="新品",
        page="/new",
        created_at=clock.now(),
        expires_at=clock.now() + timedelta(days=30),
    )
    await save(ground, share)
    return share


async def test_batches_take_one_statement_however_many_are_asked_for(ground: Ground) -> None:
    world = await build_world(ground)
    customers = [await build_customer(ground, world.shop.guide) for _ in range(3)]
    lines = [Line("A", "甲", 1, 60), Line("B", "乙", 1, 40)]
    placed = [
        await place(
            ground, world, customer, amount=100, lines=lines, placed_at=clock.now() - timedelta(minutes=10 - number)
        )
        for customer in customers
        for number in range(3)
    ]
    for order in placed[:2]:
        await refund(ground, world, order.id, amount=1)
    ids = [order.id for order in placed]
    people = [customer.id for customer in customers]
    async with unit_of_work(ground, world.shop.manager) as work:
        await commands.cancel_order(work, placed[8].id)

    async with ground.db.read() as session:
        for keys in (ids[:1], ids):
            with statements(ground) as sent:
                found = await orders.by_ids(session, world.shop.guide, keys)
                order_lines = await orders.lines_of(session, world.shop.guide, keys)
                given_back = await refunds.of_orders(session, world.shop.guide, keys)
            assert len(sent) == 3
            assert set(found) == set(order_lines) == set(keys)
        for keys in (people[:1], people):
            with statements(ground) as sent:
                last = await orders.last_of_customers(session, world.shop.guide, keys)
                latest = await orders.of_customers(session, world.shop.guide, keys, 2)
            assert len(sent) == 2
        hidden = await orders.last_of_customers(session, world.shop.other_guide, people)
        unseen = await orders.lines_of(session, world.shop.other_guide, ids)

    assert [line.name for line in order_lines[placed[0].id]] == ["甲", "乙"]
    assert set(given_back) == {placed[0].id, placed[1].id}
    assert {customer_id: row.id for customer_id, row in last.items()} == {
        people[0]: ids[2],
        people[1]: ids[5],
        people[2]: ids[7],
    }
    assert {customer_id: [row.id for row in rows] for customer_id, rows in latest.items()} == {
        people[0]: [ids[2], ids[1]],
        people[1]: [ids[5], ids[4]],
        people[2]: [ids[7], ids[6]],
    }
    assert hidden == {}
    assert unseen == {}
