"""What behaviour says: each word of the rules, its window and its filters, and when it says nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col

from customers import commands as customers
from customers.models import Customer
from kernel import clock, ids
from kernel.work import Ground, unit_of_work
from mall import commands as mall
from mall.commands import Line
from mall.models import Channel, LineKind, OrderLine
from tagging.models.expressions import Compare, Op
from tagging.models.judging import Finding
from tagging.models.measuring import Rule
from tagging.queries import evidence
from tests.factories import NOON, World, build_customer, build_world
from tests.mall.trading import place, refund
from tests.statements import statements
from tests.tagging.ruling import TODAY, bought, finding

FOR, AGAINST, UNKNOWN = Finding.FOR, Finding.AGAINST, Finding.UNKNOWN
DAY = timedelta(days=1)
AT_NIGHT = datetime(2026, 3, 1, 15, 0, tzinfo=UTC)  # 23:00 in Shanghai: shut since 22:00

# One order of 3 dresses for 600 and a coat for 400, with postage, a week ago; one dress for 100 today, at night before.
CASES = [
    ('share(name: "裙") = 63.64%', AGAINST),
    ('share(name: "裙") >= 63.63%', FOR),
    ('share(name: "裙") > 63.64%', AGAINST),
    ('share(name: "裙", days: 7) = 1', FOR),
    ('share(name: "裙", price_to: 150) < 0.1', FOR),
    ('line_share(name: "裙") > 66%', FOR),
    ('line_share(name: "裙") <= 66%', AGAINST),
    ('order_share(name: "大衣") = 50%', FOR),
    ("spend = 1100", FOR),
    ("spend(days: 7) = 100", FOR),
    ("spend(price_from: 200) = 1000", FOR),
    ("spend(price_from: 200.01) = 400", FOR),
    ("spend(price_from: 150, price_to: 300) = 600", FOR),
    ("quantity = 5", FOR),
    ('quantity(variant: "^S/") = 3', FOR),
    ('quantity(variant: "蓝") = 0', FOR),
    ('quantity(code: "^C") = 1', FOR),
    ("orders = 2", FOR),
    ("orders(channel: mini_mall) = 1", FOR),
    ("orders(off_hours: true) = 1", FOR),
    ("orders(off_hours: false, channel: pos) = 1", FOR),
    ("orders(off_hours: true, channel: pos) = 0", FOR),
    ('orders(store: "qinghe-1") = 2', FOR),
    ('orders(store: "qinghe-2") = 0', FOR),
    ('orders(name: "运费") = 0', FOR),
    ('purchase_days(name: "裙") = 2', FOR),
    ("average_order = 555", FOR),
    ("average_order(days: 7) = 100", FOR),
    ('days_since_purchase(name: "大衣") = 7', FOR),
    ("days_since_purchase = 1", FOR),
    ('days_since_purchase(name: "帽") > 1', UNKNOWN),
    ('not days_since_purchase(name: "帽") > 1', UNKNOWN),
    ('days_since_purchase(name: "帽") > 1 or spend > 1', FOR),
    ('days_since_purchase(name: "帽") > 1 and spend > 1', UNKNOWN),
    ('days_since_purchase(name: "帽") > 1 and spend < 1', AGAINST),
    ("visits = 1", FOR),
    ("visits(days: 3) = 0", FOR),
    ("visits(days: 4) = 1", FOR),
    ("days_since_visit = 3", FOR),
    ("refunds = 1 and refunded = 50", FOR),
    ('share(category: "裙装") >= 0.5', AGAINST),
]


async def furnished(ground: Ground) -> tuple[World, Customer]:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    lines = [
        Line("D1", "碎花裙", 3, 60_000),
        Line("C1", "大衣", 1, 40_000),
        Line("YF", "运费", 1, 1_000, LineKind.SERVICE),
    ]
    week = await place(ground, world, customer, lines=lines, amount=101_000, placed_at=NOON - 7 * DAY)
    async with ground.db.write() as session:
        for code, variant in (("D1", "S/红"), ("C1", "M/黑")):
            chosen = (col(OrderLine.order_id) == week.id, col(OrderLine.product_code) == code)
            await session.execute(
                update(OrderLine).where(col(OrderLine.brand_id) == world.brand.id, *chosen).values(variant=variant)
            )
    await place(ground, world, customer, **bought(("短裙", 10_000), at=AT_NIGHT), channel=Channel.MINI_MALL)
    await refund(ground, world, week.id, amount=5_000)
    async with unit_of_work(ground, world.shop.guide) as work:
        await customers.note_visit(work, customer.id, at=NOON - 3 * DAY)
    return world, customer


async def test_each_word_says_what_was_done(ground: Ground) -> None:
    with clock.stopped_at(NOON):
        world, customer = await furnished(ground)

        found = {text: await finding(ground, world, customer, text) for text, _ in CASES}

    assert found == dict(CASES)


@pytest.mark.parametrize(
    ("age", "expected"), [(0, FOR), (29, FOR), (30, UNKNOWN), (-1, UNKNOWN)], ids=["today", "last", "before", "later"]
)
async def test_a_window_of_thirty_days_begins_on_the_evaluation_day(
    ground: Ground, age: int, expected: Finding
) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    await place(ground, world, customer, placed_at=NOON - age * DAY)

    assert await finding(ground, world, customer, "orders(days: 30) >= 1") is expected


async def test_days_are_the_stores_own(ground: Ground) -> None:
    """23:00 UTC on the first is the second in Shanghai."""
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    await place(ground, world, customer, placed_at=NOON.replace(day=1, hour=23))

    assert await finding(ground, world, customer, "days_since_purchase = 0") is FOR
    assert await finding(ground, world, customer, "orders = 1", day=TODAY - DAY) is UNKNOWN


async def test_cancelled_orders_never_happened(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    order = await place(ground, world, customer)
    await place(ground, world, customer)
    async with unit_of_work(ground, world.shop.manager) as work:
        await mall.cancel_order(work, order.id)
    day = clock.store_day(clock.now(), "Asia/Shanghai")

    assert await finding(ground, world, customer, "orders = 1 and spend = 199", day=day) is FOR


async def test_without_behaviour_in_the_window_or_enough_of_it_nothing_is_said(ground: Ground) -> None:
    world = await build_world(ground)
    stranger = await build_customer(ground, world.shop.guide)
    customer = await build_customer(ground, world.shop.guide)
    await place(ground, world, customer, placed_at=NOON - 100 * DAY)

    assert await finding(ground, world, stranger, "orders = 0") is UNKNOWN
    assert await finding(ground, world, customer, "orders(days: 90) = 0") is UNKNOWN
    assert await finding(ground, world, customer, "orders(days: 90) = 0", "orders >= 1") is FOR
    assert await finding(ground, world, customer, "orders >= 1", "orders >= 2") is UNKNOWN
    assert await finding(ground, world, customer, "share >= 50%", "orders >= 1") is FOR


async def test_the_number_of_statements_hangs_neither_on_customers_nor_on_rules(ground: Ground) -> None:
    world = await build_world(ground)
    people = [await build_customer(ground, world.shop.guide) for _ in range(3)]
    for person in people:
        await place(ground, world, person)
    one = Rule(Compare("share", Op.MORE, (100,), (("days", 365), ("name", "裙"))))
    other = Rule(Compare("spend", Op.MORE, (100,), (("days", 30), ("name", "衣"))))
    counts = []
    for some in (people[:1], people):
        for rules in ([one], [one, other]):
            async with ground.db.read() as session:
                with statements(ground) as sent:
                    named = {ids.new(): rule for rule in rules}
                    await evidence.judge(session, world.brand.id, named, [each.id for each in some], TODAY)
            counts.append(len(sent))

    assert counts == [4] * 4  # stores, orders, lines, visits
