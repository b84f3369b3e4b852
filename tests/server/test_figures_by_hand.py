"""Rows of figures by hand: what is wrong is found, and counting anew mends it, while others go on."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select, update
from sqlmodel import col

from kernel import clock
from kernel.actor import system
from kernel.work import Ground, unit_of_work
from kpi.commands import recounting
from kpi.commands.marking import mark_ranges
from kpi.models import Grain, KpiMark, KpiSales, KpiStore, KpiWork, Span
from server import figures_by_hand
from server.errors import CannotStart
from server.figures_by_hand import Rebuilt, Verdict
from tests.factories import World, build_customer, build_world
from tests.kpi.test_every_change import count_all
from tests.mall.trading import place

NOW = datetime(2026, 4, 5, 4, tzinfo=UTC)


@pytest.fixture
async def world(ground: Ground) -> World:
    """Orders of several days, weeks and months in two stores, all counted."""
    world = await build_world(ground)
    mine = await build_customer(ground, world.shop.guide)
    for ago in (0, 5, 9, 30):
        with clock.stopped_at(NOW - timedelta(days=ago)):
            await place(ground, world, mine, amount=1_000 + ago)
            await place(ground, world, amount=700, store_id=world.shops[2].store.id)
    with clock.stopped_at(NOW):
        await count_all(ground, world.brand.id)
    return world


async def verify(ground: Ground, world: World) -> Verdict:
    with clock.stopped_at(NOW):
        return await figures_by_hand.verify(ground, world.brand.id, lambda _done, _total: None)


async def rebuild(
    ground: Ground, world: World, *codes: str, first: date | None = None, last: date | None = None
) -> Rebuilt:
    with clock.stopped_at(NOW):
        return await figures_by_hand.rebuild(ground, world.brand.id, codes, first, last, lambda _done, _total: None)


async def change(ground: Ground, statement: Any) -> None:
    async with ground.db.write() as session:
        found: Any = await session.execute(statement.execution_options(synchronize_session=False))
        assert found.rowcount > 0


def of(world: World, model: Any, span: Span = Span.DAY, grain: Grain = Grain.STORE) -> Sequence[Any]:
    return [col(model.brand_id) == world.brand.id, col(model.span) == span, col(model.grain) == grain]


async def test_what_is_counted_is_right(ground: Ground, world: World) -> None:
    verdict = await verify(ground, world)

    assert (verdict.stores, verdict.count, verdict.waiting, verdict.behind) == (3, 0, 0, 0)
    assert verdict.days == 3 * 35  # from the day before the first order, on which everybody began, to today


async def test_whatever_is_wrong_is_found_and_counted_anew(ground: Ground, world: World) -> None:
    await change(ground, update(KpiSales).where(*of(world, KpiSales, Span.MONTH)).values(gross=KpiSales.gross + 1))
    await change(
        ground,
        delete(KpiWork).where(*of(world, KpiWork, grain=Grain.ACCOUNT), col(KpiWork.starts_on) == date(2026, 4, 5)),
    )
    stray = update(KpiSales).where(*of(world, KpiSales), col(KpiSales.starts_on) == date(2026, 4, 5))
    await change(ground, stray.values(starts_on=date(2027, 1, 1)))

    wrong = await verify(ground, world)
    rebuilt = await rebuild(ground, world)
    right = await verify(ground, world)

    found = {(each.table, each.key[1], each.kept is None, each.counted is None) for each in wrong.shown}
    assert wrong.count == len(wrong.shown)
    assert {
        ("kpi_sales", Span.MONTH, False, False),
        ("kpi_work", Span.DAY, True, False),
        ("kpi_sales", Span.DAY, False, True),
        ("kpi_sales", Span.DAY, True, False),
    } <= found
    assert (rebuilt.stores, rebuilt.days) == (3, 3 * 35)
    assert (right.count, right.shown) == (0, [])


async def test_rows_of_a_range_of_a_store_are_counted_anew_and_no_others(ground: Ground, world: World) -> None:
    await change(ground, update(KpiSales).where(*of(world, KpiSales)).values(gross=KpiSales.gross + 1))

    rebuilt = await rebuild(ground, world, world.shop.store.code, first=date(2026, 3, 20), last=date(2026, 4, 2))
    left = {(each.key[4], each.key[3]) for each in (await verify(ground, world)).shown if each.key[1] is Span.DAY}

    here, there = world.shop.store.id, world.shops[2].store.id
    days = [date(2026, 3, 6), date(2026, 3, 27), date(2026, 3, 31), date(2026, 4, 5)]
    assert (rebuilt.stores, rebuilt.days) == (1, 14)
    assert left == {(there, day) for day in days} | {(here, days[0]), (here, days[3])}


async def test_days_that_are_marked_are_about_to_be_counted_and_a_rebuild_takes_their_marks_along(
    ground: Ground, world: World
) -> None:
    store_id = world.shop.store.id
    await change(ground, update(KpiSales).where(*of(world, KpiSales)).values(gross=KpiSales.gross + 1))
    async with unit_of_work(ground, system(world.brand.id)) as work:
        ranges = [(shop.store.id, date(2020, 1, 1), date(2026, 4, 5)) for shop in world.shops]
        await mark_ranges(work, [*ranges, (store_id, date(2026, 4, 1), date(2026, 4, 3))])

    marked = await verify(ground, world)
    await rebuild(ground, world, world.shop.store.code, first=date(2026, 4, 1), last=date(2026, 4, 4))
    async with ground.db.read() as session:
        left = await session.scalar(
            select(func.count()).select_from(KpiMark).where(col(KpiMark.brand_id) == world.brand.id)
        )

    assert (marked.count, marked.waiting, marked.days) == (0, 3 * 35, 0)
    assert left == 3


async def test_a_day_that_came_late_is_kept_from_then_on(ground: Ground, world: World) -> None:
    with clock.stopped_at(NOW):
        await place(ground, world, placed_at=datetime(2025, 12, 24, 4, tzinfo=UTC))
        await count_all(ground, world.brand.id)
    async with ground.db.read() as session:
        kept = await session.get(KpiStore, (world.brand.id, world.shop.store.id))
    await change(ground, update(KpiSales).where(*of(world, KpiSales)).values(orders=7))

    assert kept is not None
    assert kept.first == date(2025, 12, 24)
    assert date(2025, 12, 24) in {each.key[3] for each in (await verify(ground, world)).shown}


async def test_a_store_that_there_is_not_is_named(ground: Ground, world: World) -> None:
    with pytest.raises(CannotStart, match="There is no store NONE"):
        await rebuild(ground, world, "NONE")


async def test_while_a_worker_counts_a_rebuild_waits(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    if ground.db.is_sqlite:
        pytest.skip("its writers wait in line")
    monkeypatch.setattr(figures_by_hand, "_PATIENCE", 0.3)
    async with unit_of_work(ground, system(world.brand.id)) as work:
        assert await recounting.take_turn(work)
        with pytest.raises(CannotStart, match="Somebody else"):
            await rebuild(ground, world, first=date(2026, 4, 1))


async def test_two_who_rebuild_share_their_turn_and_keep_the_worker_away(ground: Ground, world: World) -> None:
    if ground.db.is_sqlite:
        pytest.skip("its writers wait in line")

    async def takes(shared: bool) -> bool:
        async with unit_of_work(ground, system(world.brand.id)) as work:
            return await recounting.take_turn(work, shared=shared)

    async with unit_of_work(ground, system(world.brand.id)) as work:
        assert await recounting.take_turn(work, shared=True)
        assert (await takes(True), await takes(False)) == (True, False)


def test_no_two_pieces_of_a_round_are_of_the_same_store() -> None:
    ranges = [(UUID(int=number), date(2026, 1, 1), date(2026, 1, 1 + number)) for number in range(13)]

    rounds = [list(each) for each in figures_by_hand._rounds(ranges, 2)]

    for pieces in rounds:
        stores = [{store_id for store_id, _ in piece} for piece in pieces]
        assert sum(map(len, stores)) == len(set().union(*stores))
    counted = [day for pieces in rounds for piece in pieces for day in piece]
    assert len(counted) == len(set(counted)) == sum(number + 1 for number in range(13))
