"""Scores from 1 to 5 within the brand, once a night: fifths, and equal figures have equal scores."""

import random
from datetime import date, timedelta
from math import exp
from typing import Any
from uuid import UUID

import pytest

from kernel import clock
from kernel.actor import system
from kernel.work import Ground, unit_of_work
from mall import commands
from mall.commands import profiles
from mall.queries import churn
from mall.queries import profiles as reads
from tests.factories import World, build_customer, build_world
from tests.mall.purchases import History, load, made_up, people, scores
from tests.mall.test_profiles_random import kept
from tests.mall.trading import place, till

TODAY = date(2026, 11, 22)
FIGURES = {"recency_score": "last_day", "frequency_score": "purchase_days", "monetary_score": "net"}
GIVEN = (*FIGURES, "value_at_risk_score", "churn_risk")


async def night(ground: Ground, world: World, day: date = TODAY) -> int:
    """A whole night of this step; returns in how many chunks."""
    after, chunks = None, 0
    while True:
        async with unit_of_work(ground, system(world.brand.id)) as work:
            after = await profiles.night_chunk(work, day, after)
        chunks += 1
        if after is None:
            return chunks


def expected(rows: dict[UUID, Any], day: date = TODAY) -> dict[UUID, tuple[Any, ...]]:
    buyers = [key for key, row in rows.items() if row.purchase_days]
    columns: list[Any] = [scores([getattr(rows[key], figure) for key in buyers]) for figure in FIGURES.values()]
    chances = probabilities({key: rows[key] for key in buyers}, day)
    if chances is None:
        columns += [[None] * len(buyers)] * 2
    else:
        columns.append(scores([round(chances[key] * max(rows[key].net_12_months, 0)) for key in buyers]))
        columns.append(["low" if chances[key] < 0.4 else "medium" if chances[key] < 0.65 else "high" for key in buyers])
    found: dict[UUID, tuple[Any, ...]] = dict(zip(buyers, zip(*columns, strict=True), strict=True))
    return {key: found.get(key, (None,) * len(GIVEN)) for key in rows}


def probabilities(rows: dict[UUID, Any], day: date) -> dict[UUID, float] | None:
    """P0 as the issue writes it; nothing where nobody bought on two days."""
    since_2000 = (day - date(2000, 1, 1)).days
    s = {key: row.rhythm / exp(since_2000 / 365) for key, row in rows.items()}
    e = {key: 365 * (1 - exp(-(day - row.first_day).days / 365)) for key, row in rows.items()}
    if not sum(s.values()):
        return None
    a = sum(e.values()) / sum(s.values())
    return {key: ((a + e[key]) / (a + e[key] + 91)) ** (1 + s[key]) for key in rows}


def given(rows: dict[UUID, Any]) -> dict[UUID, tuple[Any, ...]]:
    return {key: tuple(getattr(row, name) for name in GIVEN) for key, row in rows.items()}


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7, 120])
async def test_scores_are_what_plain_counting_says(ground: Ground, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles, "AT_ONCE", 40)
    monkeypatch.setattr(profiles, "SCORES_AT_ONCE", 50)
    world, dice = await build_world(ground), random.Random(count)
    keys = await people(ground, world, count)
    await load(ground, world, {key: made_up(dice, TODAY) for key in keys})

    await night(ground, world)

    rows = await kept(ground, world)
    assert given(rows) == expected(rows)


async def test_without_ties_each_score_goes_to_a_fifth(ground: Ground) -> None:
    world = await build_world(ground)
    keys = await people(ground, world, 10)
    one_each = {key: History([(TODAY - timedelta(days=n), 100 * n, 0, True)]) for n, key in enumerate(keys)}
    await load(ground, world, one_each)

    await night(ground, world)

    rows = await kept(ground, world)
    assert [rows[key].recency_score for key in keys] == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]
    assert [rows[key].monetary_score for key in keys] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert [rows[key].frequency_score for key in keys] == [1] * 10


async def test_only_rows_whose_scores_differ_are_written(ground: Ground) -> None:
    world, dice = await build_world(ground), random.Random(5)
    await load(ground, world, {key: made_up(dice, TODAY) for key in await people(ground, world, 40)})
    await night(ground, world)
    before = await kept(ground, world)

    async with unit_of_work(ground, system(world.brand.id)) as work:
        scale = await reads.scale(work.session, world.brand.id)
        assert scale
        found = await reads.misjudged(work.session, world.brand.id, scale, UUID(int=0), 1_000)

    assert found == (None, [])
    assert await night(ground, world, TODAY + timedelta(days=1)) == 2
    rows = await kept(ground, world)
    assert given(rows) == expected(rows, TODAY + timedelta(days=1))
    scored = [name for name in GIVEN if name in FIGURES]
    assert [[getattr(rows[key], name) for name in scored] for key in rows] == [
        [getattr(before[key], name) for name in scored] for key in rows
    ]


async def test_a_brand_without_customers_has_its_night_too(ground: Ground) -> None:
    world = await build_world(ground)

    assert await night(ground, world) == 2


async def test_the_risk_grows_with_the_silence_and_falls_with_a_purchase(ground: Ground) -> None:
    world = await build_world(ground)
    [regular, once, returned] = await people(ground, world, 3)
    monthly = [(TODAY - timedelta(days=30 * number), 1_000, 0, True) for number in range(12)]
    long_ago = [(TODAY - timedelta(days=300 + 30 * number), 1_000, 0, True) for number in range(3)]
    await load(ground, world, {regular: History(monthly), once: History(long_ago[:1]), returned: History(long_ago)})

    await night(ground, world)

    rows = await kept(ground, world)
    assert [rows[key].churn_risk for key in (regular, once, returned)] == ["low", "high", "medium"]
    assert [rows[key].value_at_risk_score for key in (regular, once, returned)] == [2, 1, 4]
    await load(ground, world, {once: History([(TODAY + timedelta(days=1), 1_000, 0, True)])})
    await night(ground, world, TODAY + timedelta(days=1))
    assert (await kept(ground, world))[once].churn_risk == "medium"


async def test_nobody_is_judged_where_nobody_came_twice_and_whose_orders_all_fell_away(ground: Ground) -> None:
    world = await build_world(ground)
    [once, back] = await people(ground, world, 2)
    await load(ground, world, {once: History([(TODAY, 1_000, 0, True)]), back: History([], [(TODAY, 500, 0)])})

    await night(ground, world)

    rows = await kept(ground, world)
    assert given(rows) == {once: (1, 1, 1, None, None), back: (None,) * 5}
    async with ground.db.read() as session:
        scale = await reads.scale(session, world.brand.id)
        assert scale
        assert (scale.patience_days, await churn.patience_days(session, world.brand.id, TODAY)) == (None, None)


async def test_planners_may_ask_for_the_patience_that_a_night_will_find(ground: Ground) -> None:
    world, dice = await build_world(ground), random.Random(7)
    await load(ground, world, {key: made_up(dice, TODAY) for key in await people(ground, world, 30)})
    async with unit_of_work(ground, system(world.brand.id)) as work:
        await profiles.refresh_due(work, TODAY)
    async with ground.db.read() as session:
        asked = await churn.patience_days(session, world.brand.id, TODAY)

    await night(ground, world)

    async with ground.db.read() as session:
        scale = await reads.scale(session, world.brand.id)
    assert scale
    assert asked
    assert scale.patience_days == pytest.approx(asked, rel=1e-12)


async def test_whose_orders_are_all_cancelled_has_neither_scores_nor_a_risk_from_then_on(ground: Ground) -> None:
    world = await build_world(ground)
    regular, gone = [await build_customer(ground, world.shop.guide) for _ in range(2)]
    for days in (10, 40):
        await place(ground, world, regular, placed_at=clock.now() - timedelta(days=days))
    order = await place(ground, world, gone)
    await night(ground, world, clock.store_day(clock.now(), world.shop.store.time_zone))
    before = await kept(ground, world)

    async with unit_of_work(ground, till(world)) as work:
        await commands.cancel_order(work, order.id)

    rows = await kept(ground, world)
    assert None not in given(before)[gone.id]
    assert given(rows) == {regular.id: given(before)[regular.id], gone.id: (None,) * len(GIVEN)}
