"""Sums over the rows of figures equal what the base rows add up to, whatever rows the range is made of."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete
from sqlmodel import col

from kernel import clock
from kernel.actor import system
from kernel.errors import Invalid
from kernel.work import Ground
from kpi.models import Days, Grain, KpiMark, KpiSales, KpiWork, Span
from kpi.models.measures import DISTINCT, SALES, WORK
from kpi.models.periods import begin_of
from kpi.queries import reading
from kpi.queries.reading import Question
from kpi.queries.scoping import By, Scope
from mall.models import Channel
from tests.factories import World, build_world
from tests.kpi import sold_by_hand
from tests.kpi.test_every_change import count_all
from tests.kpi.test_tiles import NOW, ZONES, set_zones, trade
from tests.mall.trading import place

TODAY = date(2026, 3, 31)
RANGES = {
    "a day": Days(date(2026, 3, 30), date(2026, 3, 30)),
    "a closed week": Days(date(2026, 3, 23), date(2026, 3, 29)),
    "a closed month": Days(date(2026, 2, 1), date(2026, 2, 28)),
    "a month that is not over": Days(date(2026, 3, 1), TODAY),
    "months, weeks and days": Days(date(2026, 1, 30), date(2026, 3, 30)),
    "a month but for its last day": Days(date(2026, 2, 1), date(2026, 2, 27)),
    "weeks but for their outer days": Days(date(2026, 3, 4), date(2026, 3, 28)),
}
ALL = (*SALES, *WORK)
SOLD = ("orders", "gross", "refunds", *DISTINCT)


async def counted(ground: Ground) -> World:
    """Two months of business in three time zones, counted."""
    world = await build_world(ground)
    await set_zones(ground, world, ZONES)
    await trade(ground, world, seed=3)
    await count_all(ground, world.brand.id)
    return world


async def asked(ground: Ground, scope: Scope, days: Days, columns: Any, by: By) -> dict[Any, dict[str, int]]:
    """The sums that aren't nothing."""
    async with ground.db.read() as session:
        found = await reading.sums(session, scope, Question(days, columns, by))
    return {key: sums for key, sums in found.items() if any(sums.values())}


def apart(tally: sold_by_hand.Tally) -> dict[Any, dict[str, int]]:
    return {key: sums for key, sums in tally.items() if any(sums.values())}


async def test_every_range_adds_up_to_the_base_rows_by_store_and_by_guide(ground: Ground) -> None:
    with clock.stopped_at(NOW):
        world = await counted(ground)
        stores, accounts = (Scope(world.brand.id, grain) for grain in (Grain.STORE, Grain.ACCOUNT))

        for name, days in RANGES.items():
            by_store = await asked(ground, stores, days, SOLD, By.STORE)
            by_guide = await asked(ground, accounts, days, SOLD, By.GUIDE)

            assert _filled(by_store) == apart(await sold_by_hand.by_store(ground, world, days)), name
            assert _filled(by_guide) == apart(await sold_by_hand.by_guide(ground, world, days)), name
            whole = await asked(ground, stores, days, SOLD, By.WHOLE)
            assert _filled(whole) == {0: _sum(by_store)}, name


async def test_rows_of_weeks_and_months_say_what_their_days_say(ground: Ground) -> None:
    with clock.stopped_at(NOW):
        world = await counted(ground)
        for grain in Grain:
            scope = Scope(world.brand.id, grain)
            for by in (By.STORE, By.WHOLE):
                days = RANGES["months, weeks and days"]
                each = [await asked(ground, scope, Days(day, day), ALL, by) for day in days]

                together = await asked(ground, scope, days, ALL, by)

                keys = {key for some in each for key in some}
                added = {key: _sum({number: some.get(key, {}) for number, some in enumerate(each)}) for key in keys}
                assert {key: _sum({0: sums}) for key, sums in together.items()} == added


async def test_who_has_figures_only_on_a_day_that_is_taken_off_is_left_out(ground: Ground) -> None:
    """From Monday to Friday is a week less two days."""
    days, saturday = Days(date(2026, 3, 23), date(2026, 3, 27)), datetime(2026, 3, 28, 9, tzinfo=UTC)
    with clock.stopped_at(NOW):
        world = await build_world(ground)
        await place(ground, world, amount=100, placed_at=saturday - timedelta(days=1))
        await place(ground, world, amount=20, placed_at=saturday, store_code=world.shops[1].store.code)
        await count_all(ground, world.brand.id)

        async with ground.db.read() as session:
            found = await reading.sums(session, Scope(world.brand.id, Grain.STORE), Question(days, ["gross"], By.STORE))

    assert found == {world.shop.store.id: {"gross": 100}}


async def test_a_closed_week_and_month_are_read_from_rows_of_their_own(ground: Ground) -> None:
    with clock.stopped_at(NOW):
        world = await counted(ground)
        scope = Scope(world.brand.id, Grain.STORE)
        closed = [RANGES["a closed week"], RANGES["a closed month"]]
        before = [await asked(ground, scope, days, (*ALL, *DISTINCT), By.STORE) for days in closed]
        async with ground.db.write() as session:
            for model in (KpiSales, KpiWork):
                await session.execute(
                    delete(model).where(col(model.brand_id) == world.brand.id, col(model.span) == Span.DAY)
                )

        after = [await asked(ground, scope, days, (*ALL, *DISTINCT), By.STORE) for days in closed]

    assert after == before
    assert all(before)


async def test_a_month_that_is_over_in_one_store_alone_is_read_by_its_days(ground: Ground) -> None:
    """On 31 March in Shanghai it is 1 April in Tokyo."""
    with clock.stopped_at(NOW):
        world = await counted(ground)
        scope = Scope(world.brand.id, Grain.STORE)
        march = RANGES["a month that is not over"]

        async with ground.db.read() as session:
            last = (await reading.calendar(session, scope)).closed
        found = await asked(ground, scope, march, SOLD, By.STORE)

    assert last == TODAY - timedelta(days=1)
    assert _filled(found) == apart(await sold_by_hand.by_store(ground, world, march))


async def test_channels_and_sources_add_up_to_the_whole_and_can_be_asked_for_alone(ground: Ground) -> None:
    with clock.stopped_at(NOW):
        world = await build_world(ground)
        await place(ground, world, amount=100)
        await place(ground, world, amount=20, source="till-2")
        await place(ground, world, amount=3, source="mall", channel=Channel.MINI_MALL)
        await count_all(ground, world.brand.id)
        days = RANGES["a month that is not over"]
        scope = Scope(world.brand.id, Grain.STORE)

        by_channel = await asked(ground, scope, days, ["gross"], By.CHANNEL)
        by_source = await asked(ground, scope, days, ["gross"], By.SOURCE)
        tills = Scope(world.brand.id, Grain.STORE, channel="pos", source="till-2")
        alone = await asked(ground, tills, days, ["gross", *DISTINCT], By.STORE)

    assert by_channel == {"mini_mall": {"gross": 3}, "pos": {"gross": 120}}
    assert by_source == {"mall": {"gross": 3}, "pos": {"gross": 100}, "till-2": {"gross": 20}}
    assert alone == {world.shop.store.id: {"gross": 20}}


@pytest.mark.parametrize("span", list(Span))
async def test_a_series_adds_up_to_the_range_and_cuts_its_ends(ground: Ground, span: Span) -> None:
    with clock.stopped_at(NOW):
        world = await counted(ground)
        scope, days = Scope(world.brand.id, Grain.STORE), RANGES["months, weeks and days"]
        [whole] = (await asked(ground, scope, days, ALL, By.WHOLE)).values()

        async with ground.db.read() as session:
            closed = (await reading.calendar(session, scope)).closed
            found = await reading.series(session, scope, span, days, ALL, closed)

    assert set(found) <= {begin_of(day, span) for day in days}
    assert _sum(dict(found)) == _sum({0: whole})


async def test_what_no_worker_counted_yet_is_nothing_and_no_error(ground: Ground) -> None:
    world = await build_world(ground)
    async with ground.db.write() as session:
        await session.execute(delete(KpiMark).where(col(KpiMark.brand_id) == world.brand.id))

    found = await asked(ground, Scope(system(world.brand.id).brand_id, Grain.STORE), RANGES["a day"], ALL, By.STORE)

    assert found == {}


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2026, 3, 2), date(2026, 3, 1)),
        (date(2026, 1, 1), date(2027, 1, 2)),
        (date(1926, 1, 1), date(2026, 1, 1)),
        (date(9999, 1, 1), date(9999, 1, 1)),
    ],
    ids=["the end before the start", "367 days", "a hundred years", "the year 9999"],
)
def test_a_range_that_is_none_is_refused(first: date, last: date) -> None:
    with pytest.raises(Invalid):
        Days(first, last)


def _filled(found: dict[Any, dict[str, int]]) -> dict[Any, dict[str, int]]:
    return {key: sold_by_hand.NOTHING | sums for key, sums in found.items()}


def _sum(found: dict[Any, dict[str, int]]) -> dict[str, int]:
    names = {name for sums in found.values() for name in sums}
    totals = {name: sum(sums.get(name, 0) for sums in found.values()) for name in names}
    return {name: value for name, value in totals.items() if value}
