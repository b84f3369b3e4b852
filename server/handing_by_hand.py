"""Plan and run a handover from a terminal, beside the workers or without any."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from directory.queries import accounts, staff, stores
from handover import commands
from handover.models import HandoverKind, HandoverState, HeldHere, Strategy
from handover.models.planning.options import Options
from handover.queries import handovers
from kernel.actor import Actor, system
from kernel.errors import NotFound
from kernel.work import Ground, carry_out
from server import handing_over
from server.errors import CannotStart
from server.planning_handovers import plan_handover

_LOOKS_EVERY = 0.2
_UNDER_WAY = (HandoverState.APPROVED, HandoverState.MOVING)

Progress = Callable[[int, int], None]
"""Told how many relationships have had their turn, of how many."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be planned: somebody by staff number, or a store that closes, and who may take over."""

    number: str | None
    store: str | None
    into: Sequence[str]
    to: Sequence[str]
    is_transfer: bool
    strategy: Strategy


@dataclass(frozen=True, slots=True)
class Taking:
    """One takeover account of a plan, by name."""

    name: str
    held: int
    given: int
    capacity: int | None


async def plan(ground: Ground, brand_id: UUID, asked: Asked) -> tuple[Any, list[Taking]]:
    """Begin a handover and make its plan. Raises what `handover.commands.start` raises, and `CannotStart`."""
    actor = system(brand_id)
    handover = await carry_out(ground, actor, await _start(ground, actor, asked))
    await plan_handover(ground, brand_id, str(handover.id), handover.version)
    row = await _planned(ground, actor, handover.id)
    return row, await _takings(ground, actor, row.plan["accounts"])


async def run(ground: Ground, brand_id: UUID, handover_id: UUID, progress: Progress) -> Any:
    """Approve a draft, move it as far as it goes, and return it; a worker that is at it already is let be."""
    actor = system(brand_id)
    row, _ = await _look(ground, actor, handover_id)
    if row.state is HandoverState.DRAFT:
        await carry_out(ground, actor, lambda work: commands.approve(work, handover_id))
    moving: asyncio.Task[None] | None = None
    try:
        while True:
            row, counted = await _look(ground, actor, handover_id)
            progress(sum(counted.values()) - counted.get(HeldHere.PENDING, 0), sum(counted.values()))
            if row.state not in _UNDER_WAY:
                return row
            if moving is None or moving.done():
                if moving is not None:
                    moving.result()
                moving = asyncio.create_task(handing_over.move(ground, brand_id, handover_id=str(handover_id)))
            await asyncio.sleep(_LOOKS_EVERY)
    finally:
        if moving is not None:
            moving.cancel()
            await asyncio.gather(moving, return_exceptions=True)


async def _start(ground: Ground, actor: Actor, asked: Asked) -> Callable[..., Any]:
    """The command that begins what is asked for, with ids for names."""
    async with ground.db.read() as session:
        people = await staff.by_numbers(session, actor, [*([asked.number] if asked.number else []), *asked.to])
        places = await stores.by_codes(session, actor)
        own = await accounts.of_staff(session, actor, [people[each].id for each in asked.to if each in people])
    missing = [each for each in (asked.number, *asked.to) if each is not None and each not in people]
    missing += [each for each in (asked.store, *asked.into) if each is not None and each not in places]
    if missing:
        raise CannotStart(f"There is no {', '.join(missing)} in this brand.")
    options = Options(
        to_account_ids=tuple(row.id for rows in own.values() for row in rows),
        store_ids=tuple(places[each].id for each in asked.into),
    )
    kind = HandoverKind.TRANSFER if asked.is_transfer else HandoverKind.RESIGNATION
    return lambda work: commands.start(
        work,
        kind=HandoverKind.CLOSING if asked.store else kind,
        staff_id=people[asked.number].id if asked.number else None,
        store_id=places[asked.store].id if asked.store else None,
        strategy=asked.strategy,
        options=options,
    )


async def _planned(ground: Ground, actor: Actor, handover_id: UUID) -> Any:
    """The handover once its plan is there: a worker may have been quicker, and still be at it."""
    while True:
        row, _ = await _look(ground, actor, handover_id)
        if row.planned_at is not None:
            return row
        await asyncio.sleep(_LOOKS_EVERY)


async def _look(ground: Ground, actor: Actor, handover_id: UUID) -> tuple[Any, dict[HeldHere, int]]:
    async with ground.db.read() as session:
        row = (await handovers.by_ids(session, actor, [handover_id])).get(handover_id)
        if row is None:
            raise NotFound
        return row, (await handovers.progress(session, actor, [handover_id]))[handover_id]


async def _takings(ground: Ground, actor: Actor, planned: Sequence[dict[str, Any]]) -> list[Taking]:
    ids = [UUID(each["account_id"]) for each in planned]
    async with ground.db.read() as session:
        rows = await accounts.by_ids(session, actor, ids)
        people = await staff.by_ids(session, actor, [row.staff_id for row in rows.values() if row.staff_id])
        places = await stores.by_ids(session, actor, [row.store_id for row in rows.values()])
    return [
        Taking(_named(rows[key], people, places), each["held"], each["given"], each["capacity"])
        for key, each in zip(ids, planned, strict=True)
    ]


def _named(account: Any, people: Any, places: Any) -> str:
    place = places[account.store_id].name
    if account.staff_id is None:
        return f"{place} 公共号"
    person = people[account.staff_id]
    return f"{person.number} {person.name}（{place}）"
