"""Whatever is changed, by whichever mutation, its figures are those of the base rows a moment later."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

import kpi.reactions
import server.wiring
from kernel import clock
from kernel.actor import system
from kernel.work import Ground, Work, unit_of_work
from kpi.commands import recounting
from kpi.models import Days
from kpi.queries import marks, verifying
from kpi.queries.verifying import Difference
from mall.events import OrderChanged, OrderPlaced, ShareMade
from server import chores
from tests.scenarios import telling
from tests.scenarios.stage import Stage, set_stage
from tests.scenarios.story import Deed

NEAR = timedelta(days=3)


async def count_all(ground: Ground, brand_id: UUID) -> None:
    """What a worker does within two seconds."""
    await chores.begin_days(ground)
    while True:
        async with unit_of_work(ground, system(brand_id)) as work:
            if not await recounting.follow_marks(work):
                return


async def wrong(ground: Ground, brand_id: UUID) -> list[Difference]:
    """All that is wrong on any day."""
    async with ground.db.read() as session:
        return [
            difference
            for stores, days in verifying.batches(await verifying.kept_stores(session, brand_id))
            for difference in await verifying.differences(session, stores, days)
        ]


async def wrong_of_late(ground: Ground, brand_id: UUID) -> list[Difference]:
    """What is wrong on the days about now, on which nearly all of the story happens."""
    today = clock.now().date()
    async with ground.db.read() as session:
        stores = await verifying.kept_stores(session, brand_id)
        return await verifying.differences(session, stores, Days(today - NEAR, today + NEAR))


async def told(stage: Stage, ground: Ground) -> AsyncIterator[str]:
    """The story that asks for every mutation, counted after each step."""
    await count_all(ground, stage.world.brand.id)
    for step in telling.steps():
        if isinstance(step, Deed):
            await step.do(stage)
        else:
            await telling.ask(stage, step)
        await count_all(ground, stage.world.brand.id)
        yield step.name if isinstance(step, Deed) else step.mutation


async def test_after_every_mutation_the_figures_are_those_of_the_base_rows(ground: Ground) -> None:
    stage = await set_stage(ground)
    found = {}
    async for name in told(stage, ground):
        if differences := await wrong_of_late(ground, stage.world.brand.id):
            found[name] = differences

    assert found == {}
    assert await wrong(ground, stage.world.brand.id) == []
    async with ground.db.read() as session:
        assert await marks.newest_days(session, stage.world.brand.id, 1) == []


@pytest.mark.parametrize("event", [OrderPlaced, OrderChanged, ShareMade])
async def test_a_mark_that_is_dropped_is_noticed(ground: Ground, event: type, monkeypatch: pytest.MonkeyPatch) -> None:
    dropped: list[Any] = []

    async def nothing(_work: Work, events: Sequence[Any]) -> None:
        dropped.extend(events)

    kept = tuple(mark for mark in server.wiring.MARKS[event] if mark is not kpi.reactions.MARKED[event])
    monkeypatch.setitem(server.wiring.MARKS, event, (*kept, nothing))
    stage = await set_stage(ground)

    async for _name in told(stage, ground):
        if dropped and await wrong_of_late(ground, stage.world.brand.id):
            return
    pytest.fail("nobody noticed")
