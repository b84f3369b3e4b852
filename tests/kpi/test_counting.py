"""Figures are counted once, by one worker at a time, and nothing that is committed meanwhile is lost."""

import asyncio
import random
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, true
from sqlmodel import col

from directory.commands import open_store, unload
from directory.models import Brand
from kernel import clock, ids
from kernel.actor import system
from kernel.work import Ground, Work, unit_of_work
from kpi.commands import recounting
from kpi.models import Grain, KpiMark, KpiSales, KpiStore, Span
from kpi.queries import turns
from kpi.queries.marks import all_of
from mall import commands as mall
from mall.models import OrderState
from server import chores
from tasks import commands as tasks
from tests.factories import World, build_customer, build_world, save
from tests.intake.carrying import carry, write
from tests.kpi.counting import at, count_marked, counted, marks, wrong
from tests.kpi.oracle import Figures, kept
from tests.mall.trading import order_news, place, refund, till

NOON = "2026-03-05T12:00+08:00"
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
on_postgres = pytest.mark.parametrize("engine", ["postgres"], indirect=True)  # SQLite has one writer


async def follow(ground: Ground, world: World) -> bool:
    async with unit_of_work(ground, system(world.brand.id)) as work:
        return await recounting.follow_marks(work)


async def waiting(ground: Ground, world: World) -> list[tuple[date, date]]:
    """The ranges of days that are marked, in order."""
    async with ground.db.read() as session:
        return sorted((row.first, row.last) for row in await all_of(session, world.brand.id))


@on_postgres
@pytest.mark.parametrize("is_broken", [False, True], ids=["as it is", "all marks are taken away"])
async def test_what_is_committed_while_days_are_counted_keeps_its_mark(
    ground: Ground, is_broken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = recounting.count

    async def interrupted(work: Work, days: Any) -> None:
        await count(work, days)
        monkeypatch.undo()
        if is_broken:
            monkeypatch.setattr(recounting, "OneOf", lambda *_: true())
        await place(ground, world, amount=70)

    with clock.stopped_at(at(NOON)):
        world = await build_world(ground)
        await count_marked(ground, world.brand.id)
        await place(ground, world, amount=900)
        monkeypatch.setattr(recounting, "count", interrupted)
        await follow(ground, world)
        left = await marks(ground, world.brand.id)
        await follow(ground, world)

        assert (left, await wrong(ground, world.brand.id) != {}) == ((0, True) if is_broken else (1, False))


@on_postgres
async def test_who_comes_while_another_counts_finds_nothing_to_do(ground: Ground) -> None:
    with clock.stopped_at(at(NOON)):
        world = await build_world(ground)
        await count_marked(ground, world.brand.id)
        await place(ground, world)
        async with unit_of_work(ground, system(world.brand.id)) as work:
            assert await recounting.take_turn(work)
            before = await kept(ground, world.brand.id)
            assert not await follow(ground, world)
            assert (await kept(ground, world.brand.id), await marks(ground, world.brand.id)) == (before, 1)

        assert (await counted(ground, world)).of(world.shop, "2026-03-05")["orders"] == 1
        assert await marks(ground, world.brand.id) == 0


async def test_many_workers_at_once_count_everything_once(ground: Ground) -> None:
    with clock.stopped_at(at(NOON)):
        world = await build_world(ground)
        for number in range(6):
            await place(ground, world, placed_at=at(NOON) - timedelta(days=number))

        async def worker() -> None:
            for _ in range(3):
                await chores.begin_days(ground)
                await chores.count_figures(ground)

        await asyncio.gather(*(worker() for _ in range(4)))
        found = await counted(ground, world)

    orders = [values.get("orders", 0) for key, values in found.rows.items() if key[1:3] == ("day", "store")]
    assert sum(orders) == 6


async def test_a_day_may_turn_while_marks_wait(ground: Ground) -> None:
    with clock.stopped_at(at("2026-03-08T23:50+08:00")):
        world = await build_world(ground)
        await count_marked(ground, world.brand.id)
        await place(ground, world, placed_at=at("2026-03-08T22:00+08:00"))
        await place(ground, world, placed_at=at("2026-03-03T22:00+08:00"))
    with clock.stopped_at(at("2026-03-09T00:10+08:00")):
        await chores.begin_days(ground)
        turned = await marks(ground, world.brand.id)
        await place(ground, world, placed_at=at("2026-03-09T00:05+08:00"))

        found = await counted(ground, world)

    assert turned > 2
    assert found.of(world.shop, "2026-03-02", "week")["orders"] == 2
    assert found.of(world.shop, "2026-03-09")["orders"] == 1
    assert await marks(ground, world.brand.id) == 0


@on_postgres
async def test_a_day_that_turns_while_another_counts_turns_the_next_time(ground: Ground) -> None:
    with clock.stopped_at(at(NOON)):
        world = await build_world(ground)
        await count_marked(ground, world.brand.id)
    with clock.stopped_at(at(NOON) + timedelta(days=1)):
        async with unit_of_work(ground, system(world.brand.id)) as work:
            await recounting.take_turn(work)
            await chores.begin_days(ground)
            async with ground.db.read() as session:
                last = await session.scalars(select(col(KpiStore.last)).where(col(KpiStore.brand_id) == world.brand.id))
            assert set(last) == {date(2026, 3, 5)}

        assert (await counted(ground, world)).of(world.shop, "2026-03-06") == {"at_work": 2}


async def test_what_was_missed_while_no_worker_ran_is_counted(ground: Ground) -> None:
    with clock.stopped_at(at(NOON)):
        world = await build_world(ground)
        await count_marked(ground, world.brand.id)
    with clock.stopped_at(at(NOON) + timedelta(days=40)):
        found = await counted(ground, world)

    assert found.of(world.shop, "2026-03-01", "month") == {"at_work": 60}
    assert found.of(world.shop, "2026-04-13") == {"at_work": 2}
    assert found.of(world.shop, "2026-04-13", "week") == {}


async def test_a_store_that_never_was_after_all_leaves_nothing_behind(ground: Ground) -> None:
    with clock.stopped_at(at(NOON)):
        world = await build_world(ground)
        async with unit_of_work(ground, world.hq) as work:
            store = await open_store(
                work,
                region_id=world.regions["east"].id,
                code="gone",
                name="店",
                time_zone="Asia/Shanghai",
                opening_hours=[("10:00", "22:00")] * 7,
            )
        before = await counted(ground, world)
        # What it had, as far as somebody had sold there, and a mark that nobody has followed yet.
        its: dict[str, Any] = {"brand_id": world.brand.id, "store_id": store.id}
        sold = KpiSales(
            **its, span=Span.DAY, grain=Grain.STORE, starts_on=date(2026, 3, 5), account_id=ids.new(), channel="pos",
            source="pos", orders=1,
        )  # fmt: skip
        await save(ground, sold, KpiMark(**its, id=ids.new(), first=date(2026, 3, 4), last=date(2026, 3, 5)))
        async with unit_of_work(ground, system(world.brand.id)) as work:
            await unload.stores(work, [store.id])
        async with ground.db.read() as session:
            former = await turns.revision(session, world.brand.id)

        found = await counted(ground, world)

    assert found.rows == before.rows
    assert await marks(ground, world.brand.id) == 0
    async with ground.db.read() as session:
        known = await session.scalars(select(col(KpiStore.store_id)).where(col(KpiStore.brand_id) == world.brand.id))
        assert await turns.revision(session, world.brand.id) == former + 1
    assert set(known) == {shop.store.id for shop in world.shops}


async def test_a_range_of_many_days_is_counted_bit_by_bit_the_newest_months_first(ground: Ground) -> None:
    with clock.stopped_at(at(NOON)):
        world = await build_world(ground)
        await place(ground, world, placed_at=at(NOON) - timedelta(days=100))
        await chores.begin_days(ground)

        left: list[list[tuple[date, date]]] = []
        while await follow(ground, world):
            left.append(await waiting(ground, world))

        assert await wrong(ground, world.brand.id) == {}
    assert [first for ((first, _),) in left] == [date(2025, 11, 25)] * 7
    assert [str(last) for (_, last), in left] == [
        "2026-02-28", "2026-02-08", "2026-01-31", "2026-01-11", "2025-12-31", "2025-12-11", "2025-11-30"
    ]  # fmt: skip


async def test_today_does_not_wait_for_last_year_nor_last_year_for_a_quiet_day(ground: Ground) -> None:
    today, long_ago = date(2026, 3, 5), date(2025, 3, 1)
    with clock.stopped_at(at(NOON)):
        world = await build_world(ground)
        await count_marked(ground, world.brand.id)
        busy, other = ({"brand_id": world.brand.id, "store_id": shop.store.id} for shop in world.shops[:2])
        await save(ground, KpiMark(**busy, id=ids.new(), first=long_ago, last=date(2025, 12, 31)))
        left: list[Any] = []
        for _ in range(2):
            await save(ground, KpiMark(**other, id=ids.new(), first=today, last=today))
            async with unit_of_work(ground, system(world.brand.id)) as work:
                assert await recounting.follow_marks(work, 4)
            left += await waiting(ground, world)

    assert left == [(long_ago, date(2025, 12, 29)), (long_ago, date(2025, 12, 27))]


async def test_importing_a_file_twice_changes_nothing(ground: Ground, tmp_path: Path) -> None:
    lines = [
        "536365,71053,LANTERN,6,2011-12-01T08:26:00,3.39,17850,United Kingdom",
        "536366,22633,WARMER,2,2011-12-01T12:28:00,1.85,12583,France",
        "C536379,71053,LANTERN,-1,2011-12-05T09:41:00,3.39,17850,United Kingdom",
        "536380,22961,JAM,24,2011-11-28T09:41:00,1.45,,United Kingdom",
    ]
    with clock.stopped_at(at("2011-12-12T12:00+00:00")):
        seen: list[Figures] = []
        for chosen in (lines[:3], lines, lines):
            await carry(ground, write(tmp_path / f"{len(seen)}.csv", [HEADER, *chosen]))
            async with ground.db.read() as session:
                brand = await session.scalar(select(Brand).where(col(Brand.code) == "online-retail"))
            assert brand
            await count_marked(ground, brand.id)
            assert await wrong(ground, brand.id) == {}
            seen.append(await kept(ground, brand.id))

    gross = [
        sum(row.get("gross", 0) for key, row in rows.items() if key[:3] == ("kpi_sales", "day", "store"))
        for rows in seen
    ]
    assert gross == [2_404, 5_884, 5_884]
    assert seen[1] == seen[2]


async def tell(ground: Ground, world: World, dice: random.Random) -> dict[Any, Any]:
    """The same facts in an order of their own, counted now and then; the rows by the names of who is in them."""
    shop, other = world.shops[0], world.shops[1]
    customer = await build_customer(ground, shop.guide)
    await count_marked(ground, world.brand.id)

    def news(number: int, day: int, state: OrderState, heard: int, amount: int = 900) -> Any:
        moment = at(f"2026-03-{day:02}T23:30+08:00")
        return order_news(
            world, customer, number=f"N{number}", amount=amount, placed_at=moment, paid_at=moment, state=state,
            news_at=at(f"2026-03-{heard:02}T12:00+08:00"),
        )  # fmt: skip

    async def hear(said: Any) -> None:
        async with unit_of_work(ground, till(world)) as work:
            await mall.record_order(work, said)

    async def ask(hour: int) -> None:
        async with unit_of_work(ground, shop.guide) as work:
            await tasks.add(work, title="陈列", due_at=at(f"2026-03-20T{hour}:00+08:00"))

    facts: list[Any] = [
        *(partial(hear, news(number, 3 + number, OrderState.PAID, 4 + number)) for number in range(4)),
        lambda: hear(news(1, 4, OrderState.CANCELLED, 15)),
        lambda: hear(news(2, 5, OrderState.COMPLETED, 16, amount=500)),
        lambda: refund(ground, world, amount=30, placed_at=at("2026-03-06T12:00+08:00")),
        lambda: refund(ground, world, amount=40, store_id=other.store.id, placed_at=at("2026-03-09T12:00+08:00")),
        lambda: ask(14),
        lambda: ask(20),
    ]
    dice.shuffle(facts)
    for fact in facts:
        await fact()
        if dice.random() < 0.4:
            await count_marked(ground, world.brand.id)
    names: dict[UUID, str] = {}
    for number, each in enumerate(world.shops):
        names |= {each.store.id: f"{number}", each.public.id: f"{number} public"}
        names |= {guide.account_ids[0]: f"{number} {place}" for place, guide in enumerate(each.guides)}
    rows = (await counted(ground, world)).rows
    return {(*key[:4], names[key[4]], names[key[5]], *key[6:]): values for key, values in rows.items()}


async def test_the_same_facts_in_any_order_give_the_same_rows(ground: Ground) -> None:
    with clock.stopped_at(at("2026-03-20T12:00+08:00")):
        told = [await tell(ground, await build_world(ground, f"town-{seed}"), random.Random(seed)) for seed in range(4)]

    assert told[0]
    assert all(each == told[0] for each in told[1:])
