"""Whatever happens in whichever order: counted by marks, counted from nothing, and worked out by hand are the same."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from kernel import clock
from kernel.work import Ground
from kpi.models.definitions import DEFINITIONS, Figure
from tests.kpi.counting import at, count_marked, from_nothing, marks, wrong
from tests.kpi.histories import WEEK_OF, build_town
from tests.kpi.oracle import kept

SEEDS = range(3)
STEPS = 50
PARTS = [
    DEFINITIONS[each]
    for each in (
        Figure.SHARE_RATE,
        Figure.TASK_COMPLETION,
        Figure.TASKS_ON_TIME,
        Figure.REACHED_SHARE,
        Figure.BOUGHT_SHARE,
    )
]
"""Figures of which some of a number are counted: never more than all, whatever was done by whom."""


def more_than_whole(row: Mapping[str, int]) -> list[Figure]:
    """What a row would say of more than all, or of some of nothing."""
    parts = ((each.figure, *each.parts(row)) for each in PARTS)
    return [figure for figure, part, whole in parts if part > whole]


@pytest.mark.parametrize("seed", SEEDS)
async def test_rows_counted_by_marks_are_those_counted_from_nothing_and_by_hand(ground: Ground, seed: int) -> None:
    now = at(list(WEEK_OF.values())[seed % len(WEEK_OF)])
    with clock.stopped_at(now):
        town = await build_town(ground, seed)
        await count_marked(ground, town.brand_id)
    for _ in range(STEPS):
        now += timedelta(minutes=town.dice.choice((0, 5, 45, 600)))
        with clock.stopped_at(now):
            await town.one()
            if town.dice.random() < 0.3:
                await town.count_some()

    with clock.stopped_at(now):
        await count_marked(ground, town.brand_id)
        lazily = await kept(ground, town.brand_id)
        assert await wrong(ground, town.brand_id) == {}
        assert {key: parts for key, row in lazily.items() if (parts := more_than_whole(row))} == {}
        assert await marks(ground, town.brand_id) == 0
        anew = await from_nothing(ground, town.brand_id)
        assert {
            key: (anew.get(key), lazily.get(key)) for key in {*anew, *lazily} if anew.get(key) != lazily.get(key)
        } == {}
    assert town.done > STEPS / 2
