"""Keep a plan that was made with nothing locked: bit by bit, and only if nobody has asked for another one since.

While a plan is being kept it has no `planned_at`, and nobody can approve it.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlmodel import col

from handover.models import Handover, HandoverItem, HandoverState, HeldHere, LinkedThere
from handover.models.planning.placed import Placed
from handover.queries import handovers
from kernel import bulk, clock
from kernel.errors import NotFound
from kernel.work import Work

PLAN = "handover.plan"
AT_ONCE = 400
"""Items written in one transaction, and deleted."""


async def begin(work: Work, handover_id: UUID, version: int, token: UUID) -> bool:
    """Let nobody else keep a plan of that version from now on; false if there is another version by now."""
    handover = await _draft(work, handover_id, version)
    if handover is not None:
        handover.lease_token = token
    return handover is not None


async def clear(work: Work, handover_id: UUID, version: int, token: UUID) -> bool:
    """Delete some of the plan of before; false when nothing is left of it, or it isn't ours to keep any more."""
    if await _draft(work, handover_id, version, token) is None:
        return False
    brand_id = work.actor.brand_id
    of_it = (col(HandoverItem.brand_id) == brand_id, col(HandoverItem.handover_id) == handover_id)
    some = select(col(HandoverItem.relationship_id)).where(*of_it).limit(AT_ONCE)
    gone = await work.session.scalars(
        delete(HandoverItem)
        .where(*of_it, col(HandoverItem.relationship_id).in_(some))
        .returning(col(HandoverItem.relationship_id))
        .execution_options(synchronize_session=False)
    )
    return bool(gone.all())


async def write(work: Work, handover_id: UUID, version: int, token: UUID, placed: Sequence[Placed]) -> bool:
    """Write a part of the plan; false if it isn't ours to keep any more."""
    if await _draft(work, handover_id, version, token) is None:
        return False
    rows = [
        {
            "brand_id": work.actor.brand_id,
            "handover_id": handover_id,
            **each._asdict(),
            "here": HeldHere.PENDING,
            "there": LinkedThere.NOT_LINKED,
        }
        for each in placed
    ]
    await bulk.insert_rows(work.session, HandoverItem, rows)
    return True


async def finish(work: Work, handover_id: UUID, version: int, token: UUID, totals: dict[str, Any]) -> bool:
    """Say that the plan is there, all of it; false if it isn't ours to keep any more."""
    handover = await _draft(work, handover_id, version, token)
    if handover is None:
        return False
    handover.plan = totals
    handover.planned_at = clock.now()
    handover.lease_token = None
    handover.version += 1
    return True


async def _draft(work: Work, handover_id: UUID, version: int, token: UUID | None = None) -> Handover | None:
    """The draft, locked, if it is the version that the plan is for and, once begun, nobody else keeps its plan."""
    try:
        handover = await handovers.lock(work.session, work.actor, handover_id)
    except NotFound:
        return None
    is_ours = token is None or handover.lease_token == token
    is_that = handover.state is HandoverState.DRAFT and handover.version == version and handover.planned_at is None
    return handover if is_that and is_ours else None
