"""Filling a database with the demo: the same again for the same seed, all of it or nothing, and only once."""

from datetime import UTC, datetime, timedelta
from math import gcd
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from kernel import clock
from kernel.work import Ground
from mall.models import Order
from server.demo import DemoExists, DemoTooLarge, Size, fill, is_empty
from server.demo.brands import TRADES
from server.demo.dice import Dice, Today
from server.demo.opening import lay_out
from server.demo.people import PHONE_NUMBERS, PHONE_STRIDE
from server.demo.shape import SHAPES
from server.tables import METADATA
from tests.factories import build_world
from tests.server.conftest import AS_OF, VAULT, fill_small, not_a_hash, standing_on_sqlite

# Salted or drawn anew each time, on purpose.
NEVER_THE_SAME = {("customer", "phone_sealed"), ("feed", "epoch")}


async def everything(ground: Ground) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables, as far as they can be the same twice."""
    found = {}
    async with ground.db.read() as session:
        for table in METADATA.sorted_tables:
            columns = [column for column in table.columns if (table.name, column.name) not in NEVER_THE_SAME]
            result = await session.execute(select(*columns).order_by(*table.primary_key))
            found[table.name] = [tuple(row) for row in result]
    return found


async def count(ground: Ground) -> int:
    async with ground.db.read() as session:
        return sum([await session.scalar(select(func.count()).select_from(t)) or 0 for t in METADATA.sorted_tables])


@pytest.fixture(scope="session")
async def once_before(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[Any, ...]]]:
    """What the demo looked like when it was made in an SQLite file, whichever engine it is made on now."""
    async with standing_on_sqlite(tmp_path_factory.mktemp("before") / "daogou.db") as ground:
        await fill_small(ground)
        return await everything(ground)


async def test_the_same_seed_and_instant_give_the_same_rows_on_either_engine(
    ground: Ground, once_before: dict[str, list[tuple[Any, ...]]]
) -> None:
    await fill_small(ground)

    assert await everything(ground) == once_before


async def test_another_seed_gives_other_people_beside_a_brand_that_was_there(
    ground: Ground, once_before: dict[str, list[tuple[Any, ...]]]
) -> None:
    world = await build_world(ground, code="elsewhere")

    report = await fill_small(ground, seed=2)

    now = await everything(ground)
    assert {ident for _, ident, *_ in now["customer"]}.isdisjoint({ident for _, ident, *_ in once_before["customer"]})
    assert world.brand.id in {row[0] for row in now["brand"]}
    assert {known.staff_number for known in report.sign_ins} == {"H0001", "R0001", "M0001", "G0001"}


async def test_soon_after_midnight_there_are_orders_today_and_none_tomorrow(ground: Ground) -> None:
    as_of = datetime(2026, 3, 1, 16, 20, tzinfo=UTC)  # twenty past midnight in Shanghai

    await fill_small(ground, as_of)

    day = clock.store_day(as_of, "Asia/Shanghai")
    async with ground.db.read() as session:
        latest = await session.scalar(select(func.max(col(Order.placed_at))))
        today = await session.scalar(select(func.count()).where(col(Order.day) == day))
    assert latest
    assert as_of - timedelta(minutes=20) < latest <= as_of
    assert today
    assert today > 10


async def test_it_is_made_once_and_counts_every_customer(ground: Ground) -> None:
    assert await is_empty(ground)
    seen: list[tuple[int, int]] = []
    await fill_small(ground, progress=lambda done, total: seen.append((done, total)))
    before = await count(ground)

    with pytest.raises(DemoExists) as refused:
        await fill_small(ground)

    assert seen == [(done, 1_500) for done in (250, 500, 750, 1_000, 1_250, 1_500)]
    assert refused.value.code == "DEMO_EXISTS"
    assert "qinghe, zhenxi" in str(refused.value)
    assert await count(ground) == before
    assert not await is_empty(ground)


async def test_a_brand_of_that_code_is_left_alone(ground: Ground) -> None:
    await build_world(ground, code="zhenxi")
    before = await everything(ground)

    with pytest.raises(DemoExists):
        await fill_small(ground)

    assert await everything(ground) == before


async def test_an_interrupted_demo_leaves_nothing(ground: Ground) -> None:
    seen: list[tuple[int, int]] = []

    def interrupt(done: int, total: int) -> None:
        seen.append((done, total))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await fill_small(ground, progress=interrupt)

    assert seen == [(250, 1_500)]
    assert await count(ground) == 0


async def test_the_largest_size_is_not_for_sqlite(tmp_path: Path) -> None:
    async with standing_on_sqlite(tmp_path / "daogou.db") as ground:
        with pytest.raises(DemoTooLarge) as refused:
            await fill(ground, Size.XL, as_of=AS_OF, seed=1, progress=None, vault=VAULT, hash_password=not_a_hash)

        assert await count(ground) == 0
    assert refused.value.code == "DEMO_TOO_LARGE"


@pytest.mark.parametrize("size", list(Size))
def test_the_numbers_to_sign_in_with_are_the_same_at_every_size(size: Size) -> None:
    shape = SHAPES[size]
    houses = [lay_out(trade, shape, Today.at_moment(AS_OF), Dice("any", 1_000_000), "hash") for trade in TRADES]
    stores = guides = customers = 0
    for house in houses:
        staff = {person["number"]: person for person in house.rows["staff"]}
        first_store = house.rows["stores"][0]["id"]
        known = {number: staff[number]["state"] for number in ("H0001", "R0001", "M0001", "G0001", "G0002")}
        assert known == dict.fromkeys(("H0001", "R0001", "M0001", "G0001"), "active") | {"G0002": "leaving"}
        assert {staff[number]["store_id"] for number in ("M0001", "G0001", "G0002")} == {first_store}
        assert len({row["name"] for row in house.rows["stores"]}) == len(house.rows["stores"])
        stores += len(house.rows["stores"])
        guides += sum(number.startswith("G") for number in staff)
        customers += house.customers
    assert (stores, guides, customers) == (shape.stores, shape.guides, shape.customers)


def test_no_two_customers_share_a_phone_number_at_any_size() -> None:
    assert gcd(PHONE_STRIDE, PHONE_NUMBERS) == 1
    assert max(shape.customers for shape in SHAPES.values()) <= PHONE_NUMBERS
