"""Write beside each relationship of a handover what became of it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, exists, select, update
from sqlmodel import col

from customers.commands.moving import Moved
from customers.models import Relationship
from handover.models import Handover, HandoverItem, HeldHere, ItemReason
from kernel import clock
from kernel.db import OneOf
from kernel.work import Work

GONE, HELD_BY_ANOTHER, ACTED = "GONE", "HELD_BY_ANOTHER", "ACTED"
"""Why one wasn't moved: it isn't there any more, another account holds it, somebody has acted since."""


async def note_moved(work: Work, handover: Handover, moved: Sequence[Moved]) -> None:
    """Write beside each relationship of the chunk that it has moved, and which version it had then."""
    at = clock.now()
    version = (
        select(col(Relationship.version))
        .where(
            col(Relationship.brand_id) == col(HandoverItem.brand_id),
            col(Relationship.id) == col(HandoverItem.relationship_id),
        )
        .scalar_subquery()
    )
    values: dict[str, Any] = {"here": HeldHere.MOVED, "moved_at": at, "version_after": version}
    await write(work, handover, [each.relationship_id for each in moved if not each.is_fallback], values)
    fallen: dict[UUID, list[UUID]] = {}
    for each in moved:
        if each.is_fallback:
            fallen.setdefault(each.to_account_id, []).append(each.relationship_id)
    for account_id, relationship_ids in fallen.items():
        public = {"to_account_id": account_id, "reason": ItemReason.FALLBACK}
        await write(work, handover, relationship_ids, values | public)


async def note_elsewhere(work: Work, handover: Handover, relationship_ids: Sequence[UUID]) -> None:
    is_there: ColumnElement[bool] = exists().where(
        col(Relationship.brand_id) == col(HandoverItem.brand_id),
        col(Relationship.id) == col(HandoverItem.relationship_id),
    )
    why = case((is_there, HELD_BY_ANOTHER), else_=GONE)
    await write(work, handover, relationship_ids, {"here": HeldHere.ELSEWHERE, "why": why})


async def write(
    work: Work,
    handover: Handover,
    relationship_ids: Sequence[UUID],
    values: Mapping[str, Any],
    *,
    of: UUID | None = None,
    here: HeldHere = HeldHere.PENDING,
) -> None:
    """Only beside those that stand like that: whose turn hasn't been; of another handover, if one is named."""
    if not relationship_ids:
        return
    await work.session.execute(
        update(HandoverItem)
        .where(
            col(HandoverItem.brand_id) == handover.brand_id,
            col(HandoverItem.handover_id) == (of or handover.id),
            OneOf(col(HandoverItem.relationship_id), "relationship_ids"),
            col(HandoverItem.here) == here,
        )
        .values(values)
        .execution_options(synchronize_session=False),
        {"relationship_ids": relationship_ids},
    )
