"""Reads for giving back what a handover moved: which, and where somebody has acted since."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Note, Relationship
from handover.models import IN_FLIGHT, Handover, HandoverItem, HeldHere
from mall.models import Order
from tasks.models import Task, TaskKind

ItemRow = Row[*tuple[Any, ...]]

_FOR_MANY = (TaskKind.WELCOME, TaskKind.CAMPAIGN)
"""Tasks that somebody is behind who thought of no customer of these in particular."""


async def to_give_back(session: AsyncSession, undoing: Handover, most: int) -> Sequence[ItemRow]:
    """The next lines of the handover that is undone that have moved, and have none yet in the one that undoes it."""
    mine = (
        select(col(HandoverItem.relationship_id))
        .where(col(HandoverItem.brand_id) == undoing.brand_id, col(HandoverItem.handover_id) == undoing.id)
        .scalar_subquery()
    )
    found = await session.execute(
        select(
            col(HandoverItem.relationship_id),
            col(HandoverItem.from_account_id),
            col(HandoverItem.to_account_id),
            col(HandoverItem.version_after),
        )
        .where(
            col(HandoverItem.brand_id) == undoing.brand_id,
            col(HandoverItem.handover_id) == undoing.undoes_id,
            col(HandoverItem.here) == HeldHere.MOVED,
            col(HandoverItem.relationship_id).not_in(mine),
        )
        .order_by(col(HandoverItem.relationship_id))
        .limit(most)
    )
    return found.all()


async def acted_since(session: AsyncSession, undoing: Handover, relationship_ids: Collection[UUID]) -> set[UUID]:
    """Those of the relationships where the customer or a guide has done something since they were moved.

    Whoever changed the relationship itself gave it another version; a visit does, too. The relationships are locked.
    """
    key, moved_at = col(HandoverItem.relationship_id), col(HandoverItem.moved_at)
    changed = exists().where(
        col(Relationship.brand_id) == undoing.brand_id,
        col(Relationship.id) == key,
        col(Relationship.version) != col(HandoverItem.version_after),
    )
    ordered = exists().where(
        col(Order.brand_id) == undoing.brand_id,
        col(Order.relationship_id) == key,
        or_(col(Order.placed_at) > moved_at, col(Order.paid_at) > moved_at),
    )
    noted = exists().where(
        col(Note.brand_id) == undoing.brand_id, col(Note.relationship_id) == key, col(Note.at) > moved_at
    )
    by_somebody = and_(col(Task.created_by_id).is_not(None), col(Task.created_at) > moved_at)
    closed = and_(col(Task.closed_by_id).is_not(None), col(Task.closed_at) > moved_at)
    worked = exists().where(
        col(Task.brand_id) == undoing.brand_id,
        col(Task.relationship_id) == key,
        or_(closed, and_(by_somebody, col(Task.kind).not_in(_FOR_MANY))),
    )
    found = await session.scalars(
        select(key).where(
            col(HandoverItem.brand_id) == undoing.brand_id,
            col(HandoverItem.handover_id) == undoing.undoes_id,
            key.in_(relationship_ids),
            or_(changed, ordered, noted, worked),
        )
    )
    return set(found)


async def is_in_flight(session: AsyncSession, handover: Handover) -> bool:
    """Whether another handover of the same person or store is under way."""
    same: Any = (
        col(Handover.staff_id) == handover.staff_id
        if handover.staff_id is not None
        else and_(col(Handover.store_id) == handover.store_id, col(Handover.kind) == handover.kind)
    )
    return bool(
        await session.scalar(
            select(
                exists().where(
                    col(Handover.brand_id) == handover.brand_id,
                    col(Handover.state).in_(IN_FLIGHT),
                    col(Handover.id) != handover.id,
                    same,
                )
            )
        )
    )
