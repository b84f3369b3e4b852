"""Phones that stop, come back and start over hold what the server holds, whatever happens in which order."""

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import feed
from kernel.actor import Actor, system
from kernel.feed import Entry, Op
from kernel.work import Ground
from schema import positions
from schema.live import reading
from schema.live.reading import Batch
from schema.positions import Position
from tests.scenarios.wandering import run

SEEDS = os.environ.get("DAOGOU_SEEDS", "1")
STEPS = int(os.environ.get("DAOGOU_STEPS", "300"))
WALKS = 12


@pytest.mark.parametrize("seed", [int(seed) for seed in SEEDS.split(",")])
async def test_every_copy_that_is_up_to_date_is_what_the_server_holds(ground: Ground, seed: int) -> None:
    wandered = await run(ground, seed, STEPS)

    assert wandered.differences == []
    assert wandered.compared > STEPS / 10
    assert wandered.changes > STEPS / 10


Break = Callable[[pytest.MonkeyPatch], None]


def unsighted(broken: pytest.MonkeyPatch) -> None:
    """What has left the reader's sight is still found, and so never to be forgotten."""
    rows = reading.rows_of
    broken.setattr(reading, "rows_of", lambda session, actor, keys: rows(session, system(actor.brand_id), keys))


def halved(broken: pytest.MonkeyPatch) -> None:
    """A relationship comes without what hangs on it."""
    row = feed._row

    def put(brand_id: UUID, entry: Entry, *rest: Any) -> dict[str, Any]:
        return row(brand_id, replace(entry, op=Op.PUT if entry.op is Op.WHOLE else entry.op), *rest)

    broken.setattr(feed, "_row", put)


def overstepped(broken: pytest.MonkeyPatch) -> None:
    """The cursor behind a batch stands at the end of the feeds, though there was more."""
    behind = reading.behind

    async def to_the_end(session: AsyncSession, actor: Actor, position: Position | None, most: int) -> Batch:
        batch = await behind(session, actor, position, most)
        ends = Position(positions.ends(await positions.heads(session, actor)))
        return batch if batch.is_lost else replace(batch, position=ends, is_last=True)

    broken.setattr(reading, "behind", to_the_end)


@pytest.mark.parametrize("mutant", [unsighted, halved, overstepped])
async def test_what_is_broken_is_noticed_within_a_few_walks(
    ground: Ground, mutant: Break, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant(monkeypatch)

    assert await _first_noticed(ground)


async def _first_noticed(ground: Ground) -> list[str]:
    """What the first walk finds that finds anything: ids are new each time, so that one may pass by what is broken."""
    for seed in range(1, WALKS + 1):
        wandered = await run(ground, seed, STEPS)
        if wandered.differences:
            return wandered.differences
    return []
