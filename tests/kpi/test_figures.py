"""Figures of a brand, on a few orders whose sums fit in a head."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import text

from intake.queries import ledger
from kernel.work import Ground
from kpi.queries.figures import figures
from tests.factories import build_world
from tests.intake.carrying import carry, write

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"


async def told(ground: Ground, tmp_path: Path, lines: Sequence[str], **how: Any) -> dict[str, Any]:
    await carry(ground, write(tmp_path / "orders.csv", [HEADER, *lines]))
    return await now(ground, **how)


async def now(ground: Ground, **how: Any) -> dict[str, Any]:
    async with ground.db.read() as session:
        brand = await ledger.brand_of(session, "online-retail")
        assert brand
        return await figures(session, brand, **how)


def order(
    number: int, day: str, customer: str, price: str = "10", clock: str = "12:00", country: str = "France"
) -> str:
    return f"{number},71053,LANTERN,1,{day}T{clock}:00,{price},{customer},{country}"


async def test_a_brand_without_orders_has_nothing_to_add_up(ground: Ground) -> None:
    world = await build_world(ground)

    async with ground.db.read() as session:
        found = await figures(session, world.brand)

    assert found == {"scope": {"from": None, "to": None}, "orders": 0, "customers": 0}


async def test_more_than_ninety_days_is_not_ninety_days(ground: Ground, tmp_path: Path) -> None:
    lines = [order(1, "2011-01-01", "12"), order(2, "2011-01-02", "24"), order(3, "2011-04-02", "36")]

    found = await told(ground, tmp_path, lines, as_of=date(2011, 4, 2))

    assert (found["lapsed"]["gt_90"], found["lapsed"]["ge_90"]) == (1, 2)


async def test_only_what_is_dated_up_to_the_day_is_seen(ground: Ground, tmp_path: Path) -> None:
    lines = [order(1, "2011-01-31", "12"), order(2, "2011-02-01", "12"), order(3, "2011-02-02", "24")]

    found = await told(ground, tmp_path, lines, as_of=date(2011, 2, 1))

    assert (found["orders"], found["customers"], found["gross"]) == (2, 1, 20.0)
    assert found["monthly"][-1]["retained"] == 1
    assert found["scope"] == {"from": "2011-01-31", "to": "2011-02-01"}


async def test_nine_is_in_hours_and_six_is_not(ground: Ground, tmp_path: Path) -> None:
    clocks = ["08:59", "09:00", "17:59", "18:00"]
    lines = [order(at, "2011-07-01", "12" if at else "", clock=clock) for at, clock in enumerate(clocks)]

    found = await told(ground, tmp_path, lines)

    assert found["off_hours"] == {"share_all": 0.5, "share_identified": 0.333333}


async def test_who_comes_back_after_a_month_away_has_returned(ground: Ground, tmp_path: Path) -> None:
    days = ["2010-12-31", "2011-01-01", "2011-03-31"]

    found = await told(ground, tmp_path, [order(at, day, "12") for at, day in enumerate(days)])

    kinds = ("month", "active", "new", "retained", "returned", "lapsed_from_prev")
    assert [tuple(row[kind] for kind in kinds) for row in found["monthly"]] == [
        ("2010-12", 1, 1, 0, 0, 0),
        ("2011-01", 1, 0, 1, 0, 0),
        ("2011-02", 0, 0, 0, 0, 1),
        ("2011-03", 1, 0, 0, 1, 0),
    ]
    assert found["cohorts"] == {"2010-12": [1, 1, 0, 1]}
    assert found["gaps_days"]["pooled"]["median"] == 45.0


async def test_the_pyramid_rounds_its_groups_up_and_breaks_ties_by_number(ground: Ground, tmp_path: Path) -> None:
    lines = [order(at, "2011-01-01", customer) for at, customer in enumerate(["100", "20", "3"])]

    found = await told(ground, tmp_path, lines, members=["3", "20", "100"])

    assert [found["pyramid_gross"][letter]["customers"] for letter in "ABC"] == [1, 1, 1]
    assert {member: spot["abc"] for member, spot in found["spot_customers"].items()} == {
        "3": "A",
        "20": "B",
        "100": "C",
    }


async def test_a_customer_of_two_countries_counts_in_both(ground: Ground, tmp_path: Path) -> None:
    lines = [
        order(1, "2011-01-01", "12"),
        order(2, "2011-01-02", "12", country="Spain"),
        order(3, "2011-01-02", "", "50"),
    ]

    found = await told(ground, tmp_path, lines)

    assert found["country_rank_by_gross"] == [
        {"country": "France", "gross": 60.0, "orders": 2, "customers": 1},
        {"country": "Spain", "gross": 10.0, "orders": 1, "customers": 1},
    ]
    assert found["store_rank_suggested"] == [
        {"store": "France", "customers": 1, "orders": 2, "gross": 20.0, "refunds": 0.0, "net": 20.0}
    ]


async def test_sums_are_exact_where_each_line_is_less_than_a_penny(ground: Ground, tmp_path: Path) -> None:
    lines = [order(at, "2011-01-01", "12", price="0.004") for at in range(5)]

    found = await told(ground, tmp_path, lines)

    assert found["gross"] == 0.02
    assert found["top15_goods_by_gross"] == [["71053", 0.02, 1]]


async def test_a_cancelled_order_does_not_count(ground: Ground, tmp_path: Path) -> None:
    await told(ground, tmp_path, [order(1, "2011-01-01", "12"), order(2, "2011-01-02", "24")])
    async with ground.db.write() as session:
        await session.execute(text("update mall_order set state = 'cancelled' where number = '2'"))

    found = await now(ground)

    assert (found["orders"], found["customers"], found["goods_gross"]) == (1, 1, 10.0)


async def test_another_brands_orders_are_not_seen(ground: Ground, tmp_path: Path) -> None:
    path = write(tmp_path / "more.csv", [HEADER, order(9, "2012-01-01", "99", "1000")])
    await carry(ground, path, brand_code="other")

    found = await told(ground, tmp_path, [order(1, "2011-01-01", "12")])

    assert (found["orders"], found["gross"], found["scope"]["to"]) == (1, 10.0, "2011-01-01")


async def test_a_refund_stays_with_the_guide_who_bears_it(ground: Ground, tmp_path: Path) -> None:
    refund = "C2,71053,LANTERN,-1,2011-01-05T12:00:00,4,12,France"
    await told(ground, tmp_path, [order(1, "2011-01-01", "12"), refund])
    async with ground.db.write() as session:
        public = await session.scalar(text("select id from account where kind = 'public'"))
        await session.execute(text("update holding set until_at = from_at"))
        await session.execute(text("update relationship set holder_id = :public"), {"public": public})

    found = await now(ground)

    assert found["guide_rank_suggested_top20"] == [
        {"guide": "France-G1", "customers": 1, "orders": 1, "gross": 10.0, "refunds": 4.0, "net": 6.0}
    ]
