"""Whatever is changed, by whichever mutation, its figures are those of the base rows a moment later."""

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import pytest

import kpi.reactions
import server.wiring
from customers.events import RelationshipAdded
from kernel.actor import system
from kernel.work import Ground, Work, unit_of_work
from kpi.commands import recounting
from kpi.queries import verifying
from kpi.queries.verifying import Difference
from mall.events import OrderChanged, OrderPlaced, ShareMade
from server import chores
from tasks.events import TaskAdded, TaskSnoozed
from tests.scenarios import telling
from tests.scenarios.stage import set_stage
from tests.scenarios.story import Deed


async def count_all(ground: Ground, brand_id: UUID) -> None:
    """What a worker does within two seconds."""
    await chores.begin_days(ground)
    while True:
        async with unit_of_work(ground, system(brand_id)) as work:
            if not await recounting.follow_marks(work):
                return


async def wrong(ground: Ground, brand_id: UUID) -> list[Difference]:
    """All that `daogou kpi verify` would find."""
    async with ground.db.read() as session:
        return [
            difference
            for store in await verifying.kept_stores(session, brand_id)
            for days in verifying.chunks(store)
            for difference in await verifying.differences(session, store, days)
        ]


async def told(ground: Ground, *, each_step: bool) -> AsyncIterator[tuple[str, list[Difference]]]:
    """The story that asks for every mutation; what is wrong after each step, or by the end."""
    stage = await set_stage(ground)
    steps = telling.steps()
    for number, step in enumerate(steps, 1):
        if isinstance(step, Deed):
            await step.do(stage)
        else:
            await telling.ask(stage, step)
        await count_all(ground, stage.world.brand.id)
        if each_step or number == len(steps):
            name = step.name if isinstance(step, Deed) else step.mutation
            yield name, await wrong(ground, stage.world.brand.id)


async def test_after_every_mutation_the_figures_are_those_of_the_base_rows(ground: Ground) -> None:
    found = {name: differences async for name, differences in told(ground, each_step=True) if differences}

    assert found == {}


@pytest.mark.parametrize("event", [OrderPlaced, OrderChanged, TaskAdded, TaskSnoozed, ShareMade, RelationshipAdded])
async def test_a_mark_that_is_dropped_is_noticed(ground: Ground, event: type, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(_work: Work, _events: Sequence[Any]) -> None:
        pass

    kept = tuple(mark for mark in server.wiring.MARKS[event] if mark is not kpi.reactions.MARKED[event])
    monkeypatch.setitem(server.wiring.MARKS, event, (*kept, nothing))

    assert [name async for name, differences in told(ground, each_step=True) if differences] != []
