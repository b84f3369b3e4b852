"""Each rule of what is sold and given back, on a few rows whose figures fit in a head; the oracle agrees."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from directory.commands import edit_store, open_store
from directory.models import Store
from kernel import clock
from kernel.work import Ground, unit_of_work
from mall import commands
from mall.commands import Line
from mall.models import Channel, LineKind, OrderState
from tasks.commands import add
from tests.factories import World, build_customer, build_world
from tests.kpi.counting import at, change, counted
from tests.mall.earning import build_share, correct
from tests.mall.trading import order_news, place, refund, till

SHUT = None
DAILY = ("10:00", "22:00")


async def furnish(ground: Ground, world: World, **values: Any) -> None:
    """Let the first shop be another kind of place."""
    await change(ground, Store, world.brand.id, world.shop.store.id, **values)


async def test_an_order_counts_on_the_day_of_its_payment_and_by_the_hour_of_its_placing(ground: Ground) -> None:
    with clock.stopped_at(at("2026-03-04T12:00+08:00")):
        world = await build_world(ground)
        customer = await build_customer(ground, world.shop.guide)
        placed = {"placed_at": at("2026-03-02T21:50+08:00"), "paid_at": at("2026-03-03T00:10+08:00")}
        await place(ground, world, customer, amount=700, **placed)

        found = await counted(ground, world)

    assert "orders" not in found.of(world.shop, "2026-03-02")
    of_day = found.of(world.shop, "2026-03-03")
    assert (of_day["orders"], of_day["gross"], of_day["hours_known"]) == (1, 700, 1)
    assert "off_hours" not in of_day
    assert of_day["customers_active"] == 1


async def opened(ground: Ground, world: World, zone: str, hours: list[Any]) -> UUID:
    """One more store, in which nobody works."""
    async with unit_of_work(ground, world.hq) as work:
        store = await open_store(
            work,
            region_id=world.regions["east"].id,
            code=uuid4().hex[:8],
            name="店",
            time_zone=zone,
            opening_hours=hours,
        )
    return store.id


SHANGHAI, NEW_YORK, LONDON, LORD_HOWE = "Asia/Shanghai", "America/New_York", "Europe/London", "Australia/Lord_Howe"
HOURS: dict[str, list[tuple[str, list[Any], str, bool | None]]] = {
    "on any day": [
        (SHANGHAI, [DAILY] * 7, "2026-03-03T09:59:59+08:00", True),
        (SHANGHAI, [DAILY] * 7, "2026-03-03T10:00+08:00", False),
        (SHANGHAI, [DAILY] * 7, "2026-03-03T21:59:59+08:00", False),
        (SHANGHAI, [DAILY] * 7, "2026-03-03T22:00+08:00", True),
        (SHANGHAI, [DAILY, SHUT, *[DAILY] * 5], "2026-03-03T12:00+08:00", True),
        (SHANGHAI, [SHUT] * 7, "2026-03-03T12:00+08:00", None),
        (SHANGHAI, [("10:00", "24:00")] * 7, "2026-03-03T23:59:59+08:00", False),
        (SHANGHAI, [("10:00", "24:00")] * 7, "2026-03-04T00:00+08:00", True),
        (SHANGHAI, [("00:00", "24:00")] * 7, "2026-03-04T00:00+08:00", False),
    ],
    # Half past two never comes.
    "where clocks go forward": [
        (NEW_YORK, [("02:30", "20:00")] * 7, "2026-03-08T03:05-04:00", False),
        (NEW_YORK, [("01:30", "20:00")] * 7, "2026-03-08T01:10-05:00", True),
    ],
    # Half past one comes twice, and by half an hour in Lord Howe.
    "where clocks go back": [
        (LONDON, [("00:30", "01:30")] * 7, "2026-10-25T01:10+01:00", False),
        (LONDON, [("00:30", "01:30")] * 7, "2026-10-25T01:40+01:00", True),
        (LONDON, [("00:30", "01:30")] * 7, "2026-10-25T01:10+00:00", False),
        (NEW_YORK, [("01:30", "20:00")] * 7, "2026-11-01T01:40-04:00", False),
        (NEW_YORK, [("01:30", "20:00")] * 7, "2026-11-01T01:10-05:00", True),
        (NEW_YORK, [("01:30", "20:00")] * 7, "2026-11-01T01:40-05:00", False),
    ],
    "where they go back by half an hour": [
        (LORD_HOWE, [("01:45", "20:00")] * 7, "2026-04-05T01:50+11:00", False),
        (LORD_HOWE, [("01:45", "20:00")] * 7, "2026-04-05T01:35+10:30", True),
        (LORD_HOWE, [("01:45", "20:00")] * 7, "2026-04-05T01:50+10:30", False),
    ],
}


@pytest.mark.parametrize("when", HOURS)
async def test_a_store_is_shut_by_its_own_clock(ground: Ground, when: str) -> None:
    cases = HOURS[when]
    with clock.stopped_at(at("2026-03-01T12:00+08:00")):
        world = await build_world(ground)
        stores = [await opened(ground, world, zone, hours) for zone, hours, _, _ in cases]
    with clock.stopped_at(max(at(placed_at) for _, _, placed_at, _ in cases) + timedelta(days=1)):
        for store_id, (_, _, placed_at, _) in zip(stores, cases, strict=True):
            await place(ground, world, store_id=store_id, placed_at=at(placed_at))

        found = await counted(ground, world)

    rows = {key[4]: values for key, values in found.rows.items() if key[:3] == ("kpi_sales", "day", "store")}
    said = [(rows[store].get("hours_known", 0), rows[store].get("off_hours", 0)) for store in stores]
    assert said == [(is_off is not None, bool(is_off)) for _, _, _, is_off in cases]


MIDNIGHTS = [
    (SHANGHAI, "2026-03-03T15:59:59Z", "2026-03-03T16:00Z", "2026-03-03", "2026-03-04"),
    (NEW_YORK, "2026-03-09T03:59:59Z", "2026-03-09T04:00Z", "2026-03-08", "2026-03-09"),
    (LONDON, "2026-03-29T22:59:59Z", "2026-03-29T23:00Z", "2026-03-29", "2026-03-30"),
    (LORD_HOWE, "2026-04-05T13:29:59Z", "2026-04-05T13:30Z", "2026-04-05", "2026-04-06"),
    # Where the day line went round the islands, one day never was.
    ("Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-30T10:00Z", "2011-12-29", "2011-12-31"),
]


@pytest.mark.parametrize(("zone", "last", "first", "day", "next_day"), MIDNIGHTS)
async def test_a_day_ends_at_the_stores_midnight(
    ground: Ground, zone: str, last: str, first: str, day: str, next_day: str
) -> None:
    with clock.stopped_at(at(first) + timedelta(days=1)):
        world = await build_world(ground)
        await furnish(ground, world, time_zone=zone)
        for moment in (last, first):
            await build_share(ground, world.shop.guide, at(moment))
            await place(ground, world, placed_at=at(moment))
            await refund(ground, world, placed_at=at(moment))

        found = await counted(ground, world)

    for each in (day, next_day):
        of_day = found.of(world.shop, each)
        assert [of_day[name] for name in ("links", "orders", "refund_count")] == [1, 1, 1]


async def test_goods_are_counted_without_services_and_guests_apart(ground: Ground) -> None:
    with clock.stopped_at(at("2026-03-03T12:00+08:00")):
        world = await build_world(ground)
        customer = await build_customer(ground, world.shop.guide)
        lines = [Line("P1", "羊绒衫", 3, 900), Line("YF", "运费", 1, 100, LineKind.SERVICE)]
        await place(ground, world, customer, amount=1_000, lines=lines)
        await place(ground, world, amount=50, channel=Channel.MINI_MALL)

        found = await counted(ground, world)

    of_store, of_guide = found.of(world.shop, "2026-03-03"), found.of(world.shop.guide, "2026-03-03")
    assert [of_store[name] for name in ("orders", "guest_orders", "gross", "units")] == [2, 1, 1_050, 4]
    assert [of_guide[name] for name in ("orders", "gross", "units")] == [1, 1_000, 3]
    assert "guest_orders" not in of_guide
    assert {key[6] for key in found.rows if key[0] == "kpi_sales"} == {"pos", "mini_mall"}


async def test_another_city_counts_where_both_are_known(ground: Ground) -> None:
    with clock.stopped_at(at("2026-03-03T12:00+08:00")):
        world = await build_world(ground)
        await furnish(ground, world, city="上海")
        await change(ground, Store, world.brand.id, world.shops[1].store.id, city="New York")
        for city in ("上海市", " 上海", "杭州", "市", None):
            await place(ground, world, city=city)
        for city in (" new  york City", "ＮＥＷ ＹＯＲＫ", "York"):
            await place(ground, world, city=city, store_id=world.shops[1].store.id)
        await place(ground, world, city="上海", store_id=world.shops[2].store.id)

        found = await counted(ground, world)

    of_day = [found.of(shop, "2026-03-03") for shop in world.shops]
    assert [(row.get("city_known", 0), row.get("cross_city", 0)) for row in of_day] == [(3, 1), (3, 1), (0, 0)]


async def test_what_is_given_back_counts_on_its_own_day_by_the_channel_of_its_order(ground: Ground) -> None:
    with clock.stopped_at(at("2026-03-20T12:00+08:00")):
        world = await build_world(ground)
        customer = await build_customer(ground, world.shop.guide)
        order = await place(ground, world, customer, placed_at=at("2026-03-03T12:00+08:00"), amount=900)
        await counted(ground, world)
        # Heard of weeks after it happened.
        await refund(ground, world, order.id, amount=200, placed_at=at("2026-03-10T12:00+08:00"))
        await refund(ground, world, amount=30, placed_at=at("2026-03-10T13:00+08:00"))

        found = await counted(ground, world)

    assert "refunds" not in found.of(world.shop, "2026-03-03") | found.of(world.shop, "2026-03-20")
    assert found.of(world.shop, "2026-03-10")["refunds"] == 230
    assert found.of(world.shop.guide, "2026-03-10") == {"refund_count": 1, "refunds": 200, "at_work": 1}
    assert found.of(world.shop, "2026-03-09", "week")["refunds"] == 230
    channels = {key[6]: values["refunds"] for key, values in found.rows.items() if "refunds" in values}
    assert channels == {"pos": 200, "": 30}


async def test_an_order_that_is_taken_back_counts_no_more_nor_do_its_refunds(ground: Ground) -> None:
    with clock.stopped_at(at("2026-03-20T12:00+08:00")):
        world = await build_world(ground)
        news = order_news(world, amount=900, placed_at=at("2026-03-03T12:00+08:00"))
        async with unit_of_work(ground, till(world)) as work:
            order = await commands.record_order(work, news)
        await refund(ground, world, order.id, amount=200, placed_at=at("2026-03-10T12:00+08:00"))
        before = await counted(ground, world)
        gone = order_news(
            world, amount=900, number=news.number, placed_at=news.placed_at, state=OrderState.CANCELLED,
            news_at=clock.now(),
        )  # fmt: skip
        async with unit_of_work(ground, till(world)) as work:
            await commands.record_order(work, gone)

        found = await counted(ground, world)

    assert (before.of(world.shop, "2026-03-03")["orders"], before.of(world.shop, "2026-03-10")["refunds"]) == (1, 200)
    assert [key for key in found.rows if key[0] == "kpi_sales"] == []


async def test_an_order_counts_for_each_guide_who_has_a_part_of_it_and_for_nobody_who_serves_it(
    ground: Ground,
) -> None:
    with clock.stopped_at(at("2026-03-20T12:00+08:00")):
        world = await build_world(ground)
        shop = world.shop
        customer = await build_customer(ground, shop.guide)
        order = await place(ground, world, customer, placed_at=at("2026-03-03T12:00+08:00"), amount=1_001)
        await refund(ground, world, order.id, amount=101, placed_at=at("2026-03-04T12:00+08:00"))
        await counted(ground, world)
        await correct(ground, shop.manager, order, (shop.other_guide, 6_000), (None, 4_000))

        found = await counted(ground, world)

    assert "orders" not in found.of(shop.guide, "2026-03-03")
    of_guide = found.of(shop.other_guide, "2026-03-03")
    assert (of_guide["orders"], of_guide["gross"], of_guide["customers_active"]) == (1, 601, 1)
    assert found.of(shop, "2026-03-03")["gross"] == 1_001
    assert (found.of(shop.other_guide, "2026-03-04")["refunds"], found.of(shop, "2026-03-04")["refunds"]) == (61, 101)


async def test_who_buys_on_two_days_is_one_customer_of_the_week_and_of_the_month(ground: Ground) -> None:
    with clock.stopped_at(at("2026-04-01T12:00+08:00")):
        world = await build_world(ground)
        shop = world.shop
        customer = await build_customer(ground, shop.guide)
        for day in ("03", "04", "10"):
            await place(ground, world, customer, placed_at=at(f"2026-03-{day}T12:00+08:00"), amount=10)

        found = await counted(ground, world)

    active = {begin: found.of(shop, begin, span).get("customers_active") for begin, span in (
        ("2026-03-03", "day"), ("2026-03-04", "day"), ("2026-03-02", "week"), ("2026-03-09", "week"),
        ("2026-03-01", "month"), ("2026-03-30", "week"), ("2026-04-01", "month"))}  # fmt: skip
    assert list(active.values()) == [1, 1, 1, 1, 1, None, None]
    assert found.of(shop.guide, "2026-03-01", "month")["customers_active"] == 1
    assert found.of(shop, "2026-03-01", "month")["orders"] == 3


async def test_what_an_import_brings_of_old_days_is_counted_again_when_the_hours_change(ground: Ground) -> None:
    with clock.stopped_at(at("2026-03-05T12:00+08:00")):
        world = await build_world(ground)
        await counted(ground, world)
        await place(ground, world, placed_at=at("2025-11-03T12:00+08:00"))
        before = await counted(ground, world)
        async with unit_of_work(ground, world.hq) as work:
            await edit_store(work, world.shop.store.id, opening_hours=[("18:00", "22:00")] * 7)

        found = await counted(ground, world)

    assert "off_hours" not in before.of(world.shop, "2025-11-03")
    assert found.of(world.shop, "2025-11-03")["off_hours"] == 1


async def test_a_day_that_is_to_come_has_no_row_until_it_has_come(ground: Ground) -> None:
    with clock.stopped_at(at("2026-03-05T23:00+08:00")):
        world = await build_world(ground)
        await counted(ground, world)
        async with unit_of_work(ground, world.shop.guide) as work:
            await add(work, title="整理陈列", due_at=at("2026-03-06T12:00+08:00"))
        before = await counted(ground, world)
    with clock.stopped_at(at("2026-03-06T00:10+08:00")):
        found = await counted(ground, world)

    assert before.of(world.shop, "2026-03-06") == {}
    assert found.of(world.shop, "2026-03-06") == {"at_work": 2, "tasks_due": 1}
