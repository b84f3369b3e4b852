"""Let open questions of audits go on with the successors of their relationships, in another store."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, update
from sqlmodel import col

from customers.models import Relationship
from kernel import bulk
from kernel.db import OneOf
from kernel.work import Work
from tagging.events import TagQuestionClosed
from tagging.models import AuditItem

_IDS = "ids"


async def hand_on(work: Work, heirs: Mapping[UUID, UUID]) -> None:
    """Let open questions about these relationships wait for somebody in the stores of their successors.

    Whoever was asked is not any more: they were asked as a colleague of whoever holds the customer. Part of ending
    the relationships, which the caller has locked and may end.
    """
    rows = await _open(work, col(AuditItem.relationship_id), heirs)
    await _hang(work, rows, {row.id: heirs[row.relationship_id] for row in rows})


async def of_relationships(work: Work, relationship_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """The ids of the open questions about these relationships, by relationship."""
    found: dict[UUID, list[UUID]] = {}
    for row in await _open(work, col(AuditItem.relationship_id), relationship_ids):
        found.setdefault(row.relationship_id, []).append(row.id)
    return found


async def give_back(work: Work, homes: Mapping[UUID, UUID]) -> None:
    """Let those of these questions that are open wait where they came from."""
    rows = await _open(work, col(AuditItem.id), homes)
    await _hang(work, rows, {row.id: homes[row.id] for row in rows})


async def _open(work: Work, column: Any, keys: Collection[UUID]) -> list[Row[*tuple[Any, ...]]]:
    found = await work.session.execute(
        select(col(AuditItem.id), col(AuditItem.relationship_id), col(AuditItem.asked_id))
        .where(col(AuditItem.brand_id) == work.actor.brand_id, OneOf(column, _IDS), col(AuditItem.verdict).is_(None))
        .order_by(col(AuditItem.id))
        .with_for_update(key_share=True),
        {_IDS: list(keys)},
    )
    return list(found)


async def _hang(work: Work, rows: list[Row[*tuple[Any, ...]]], homes: Mapping[UUID, UUID]) -> None:
    if not rows:
        return
    to = bulk.paired(work.session, homes)
    await work.session.execute(
        update(AuditItem)
        .where(
            col(AuditItem.brand_id) == work.actor.brand_id,
            col(AuditItem.id) == to.c.key,
            col(Relationship.brand_id) == work.actor.brand_id,
            col(Relationship.id) == to.c.value,
        )
        .values(
            relationship_id=to.c.value,
            store_id=col(Relationship.store_id),
            asked_id=None,
            asked_at=None,
            version=AuditItem.version + 1,
        )
        .execution_options(synchronize_session=False)
    )
    for row in rows:
        if row.asked_id is not None:
            work.record(TagQuestionClosed(question_id=row.id, staff_id=row.asked_id, is_answered=False))
