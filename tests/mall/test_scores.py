"""Scores from 1 to 5 within the brand, once a night: fifths, and equal figures have equal scores."""

import random
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from kernel.actor import system
from kernel.work import Ground, unit_of_work
from mall.commands import profiles
from mall.queries import profiles as reads
from tests.factories import World, build_world
from tests.mall.purchases import History, load, made_up, people, scores
from tests.mall.test_profiles_random import kept

TODAY = date(2026, 11, 22)
FIGURES = {"recency_score": "last_day", "frequency_score": "purchase_days", "monetary_score": "net"}


async def night(ground: Ground, world: World, day: date = TODAY) -> int:
    """A whole night of this step; returns in how many chunks."""
    after, chunks = None, 0
    while True:
        async with unit_of_work(ground, system(world.brand.id)) as work:
            after = await profiles.night_chunk(work, day, after)
        chunks += 1
        if after is None:
            return chunks


def expected(rows: dict[UUID, Any]) -> dict[UUID, tuple[int | None, ...]]:
    buyers = [key for key, row in rows.items() if row.purchase_days]
    columns = [scores([getattr(rows[key], figure) for key in buyers]) for figure in FIGURES.values()]
    found: dict[UUID, tuple[int | None, ...]] = dict(zip(buyers, zip(*columns, strict=True), strict=True))
    return {key: found.get(key, (None, None, None)) for key in rows}


def given(rows: dict[UUID, Any]) -> dict[UUID, tuple[int | None, ...]]:
    return {key: tuple(getattr(row, name) for name in FIGURES) for key, row in rows.items()}


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
    assert given(rows) == expected(rows) == given(before)


async def test_a_brand_without_customers_has_its_night_too(ground: Ground) -> None:
    world = await build_world(ground)

    assert await night(ground, world) == 2
