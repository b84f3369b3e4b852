"""Reads of what is still to be settled with the partner, and of how far it has come."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from handover.models import (
    HAS_GONE,
    GroupChatMove,
    Handover,
    HandoverAttempt,
    HandoverItem,
    HandoverState,
    LinkedThere,
    Todo,
)

AttemptRow = Row[*tuple[Any, ...]]
OPEN = (Todo.ASK, Todo.LOOK)


async def of_customers_there(
    session: AsyncSession, brand_id: UUID, external_user_ids: Collection[str]
) -> dict[str, list[AttemptRow]]:
    """Every attempt about these customers at the partner, the newest first."""
    found = await session.execute(
        _rows()
        .where(
            col(HandoverAttempt.brand_id) == brand_id,
            col(HandoverAttempt.external_user_id).in_(external_user_ids),
        )
        .order_by(col(HandoverAttempt.id).desc())
    )
    by_customer: dict[str, list[AttemptRow]] = {each: [] for each in external_user_ids}
    for row in found:
        by_customer[row.external_user_id].append(row)
    return by_customer


async def most_urgent(session: AsyncSession, brand_id: UUID, todo: Todo, now: datetime) -> AttemptRow | None:
    """Of what is to be done by now the one whose time is over first."""
    return (
        await session.execute(
            _rows()
            .where(is_due(brand_id, todo, now))
            .order_by(col(HandoverAttempt.deadline), col(HandoverAttempt.id))
            .limit(1)
        )
    ).first()


async def take(session: AsyncSession, *conditions: ColumnElement[bool], most: int) -> Sequence[HandoverAttempt]:
    """Attempts that nobody else is at, kept from other writers until the commit, the most urgent first."""
    found = await session.scalars(
        select(HandoverAttempt)
        .where(*conditions)
        .order_by(col(HandoverAttempt.deadline), col(HandoverAttempt.id))
        .limit(most)
        .with_for_update(key_share=True, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return found.all()


async def take_undone(session: AsyncSession, brand_id: UUID, most: int) -> Sequence[HandoverAttempt]:
    """What would be asked for on behalf of handovers that were undone, taken the same way."""
    undone = select(col(Handover.id)).where(
        col(Handover.brand_id) == brand_id, col(Handover.state) == HandoverState.UNDONE
    )
    return await take(
        session,
        col(HandoverAttempt.brand_id) == brand_id,
        col(HandoverAttempt.todo) == Todo.ASK,
        col(HandoverAttempt.handover_id).in_(undone),
        most=most,
    )


async def lock_along(session: AsyncSession, *conditions: ColumnElement[bool], most: int) -> Sequence[HandoverAttempt]:
    """Attempts by their ids, kept from other writers until the commit: the way through all of them, piece by piece."""
    found = await session.scalars(
        select(HandoverAttempt)
        .where(*conditions)
        .order_by(col(HandoverAttempt.id))
        .limit(most)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return found.all()


async def lock_ids(session: AsyncSession, *conditions: ColumnElement[bool], most: int) -> Sequence[UUID]:
    """Attempts by their ids, kept from other writers the same way, of which no more is asked."""
    found = await session.scalars(
        select(col(HandoverAttempt.id))
        .where(*conditions)
        .order_by(col(HandoverAttempt.id))
        .limit(most)
        .with_for_update(key_share=True)
    )
    return found.all()


async def undone(session: AsyncSession, brand_id: UUID, handover_ids: Collection[UUID]) -> set[UUID]:
    """Those of the handovers that were undone."""
    found = await session.scalars(
        select(col(Handover.id)).where(
            col(Handover.brand_id) == brand_id,
            col(Handover.id).in_(handover_ids),
            col(Handover.state) == HandoverState.UNDONE,
        )
    )
    return set(found)


async def items_of(
    session: AsyncSession, brand_id: UUID, attempt_ids: Collection[UUID], pairs: Collection[tuple[UUID, UUID]]
) -> dict[UUID, HandoverItem]:
    """The relationships of which these are the last attempts, by attempt, kept from other writers until the commit.

    `pairs` are the handovers and relationships of the attempts.
    """
    found = await session.scalars(
        select(HandoverItem)
        .where(
            col(HandoverItem.brand_id) == brand_id,
            col(HandoverItem.handover_id).in_({handover_id for handover_id, _ in pairs}),
            col(HandoverItem.relationship_id).in_({relationship_id for _, relationship_id in pairs}),
            col(HandoverItem.attempt_id).in_(attempt_ids),
        )
        .order_by(col(HandoverItem.handover_id), col(HandoverItem.relationship_id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {item.attempt_id: item for item in found if item.attempt_id is not None}


async def full_there(session: AsyncSession, brand_id: UUID, handover_ids: Collection[UUID]) -> set[tuple[UUID, str]]:
    """Which members the partner said are full, by handover."""
    found = await session.execute(
        select(col(HandoverAttempt.handover_id), col(HandoverAttempt.to_user_id))
        .where(
            col(HandoverAttempt.brand_id) == brand_id,
            col(HandoverAttempt.handover_id).in_(handover_ids),
            col(HandoverAttempt.there) == LinkedThere.SUCCESSOR_FULL,
        )
        .distinct()
    )
    return {(handover_id, user_id) for handover_id, user_id in found}


async def is_anything_due(session: AsyncSession, brand_id: UUID, now: datetime) -> bool:
    """Whether the partner is to be asked something by now, or a list of group chats to be read to its end."""
    attempts = exists().where(
        col(HandoverAttempt.brand_id) == brand_id,
        col(HandoverAttempt.todo).is_not(None),
        col(HandoverAttempt.next_at) <= now,
    )
    chats = exists().where(col(GroupChatMove.brand_id) == brand_id, col(GroupChatMove.next_at) <= now)
    lists = exists().where(
        col(Handover.brand_id) == brand_id,
        col(Handover.state) == HandoverState.SETTLING,
        col(Handover.chats_listed_at).is_(None),
    )
    return bool(await session.scalar(select(or_(attempts, chats, lists))))


async def unfinished(session: AsyncSession, brand_id: UUID, most: int) -> Sequence[UUID]:
    """The handovers that are settling, those first of which the group chats aren't listed, and then the oldest."""
    found = await session.scalars(
        select(col(Handover.id))
        .where(col(Handover.brand_id) == brand_id, col(Handover.state) == HandoverState.SETTLING)
        .order_by(col(Handover.chats_listed_at).is_not(None), col(Handover.started_at), col(Handover.id))
        .limit(most)
    )
    return found.all()


async def is_all_settled(session: AsyncSession, brand_id: UUID, handover_id: UUID) -> bool:
    """Whether nothing of a handover waits for the partner any more."""
    undecided = exists().where(
        col(HandoverItem.brand_id) == brand_id,
        col(HandoverItem.handover_id) == handover_id,
        col(HandoverItem.here).in_(HAS_GONE),
        col(HandoverItem.there) == LinkedThere.NOT_LINKED,
    )
    attempts = exists().where(
        col(HandoverAttempt.brand_id) == brand_id,
        col(HandoverAttempt.handover_id) == handover_id,
        col(HandoverAttempt.todo).is_not(None),
    )
    chats = exists().where(
        col(GroupChatMove.brand_id) == brand_id,
        col(GroupChatMove.handover_id) == handover_id,
        col(GroupChatMove.next_at).is_not(None),
    )
    return not await session.scalar(select(or_(undecided, attempts, chats)))


def is_due(brand_id: UUID, todo: Todo, now: datetime) -> ColumnElement[bool]:
    """Attempts of which that is to be done by now."""
    return and_(
        col(HandoverAttempt.brand_id) == brand_id,
        col(HandoverAttempt.todo) == todo,
        col(HandoverAttempt.next_at) <= now,
    )


def is_last_of_item() -> ColumnElement[bool]:
    """Attempts that a relationship's state at the partner is of."""
    return exists().where(
        col(HandoverItem.brand_id) == col(HandoverAttempt.brand_id),
        col(HandoverItem.handover_id) == col(HandoverAttempt.handover_id),
        col(HandoverItem.relationship_id) == col(HandoverAttempt.relationship_id),
        col(HandoverItem.attempt_id) == col(HandoverAttempt.id),
    )


def _rows() -> Select[*tuple[Any, ...]]:
    return select(*HandoverAttempt.__table__.columns)  # type: ignore[attr-defined]  # set by SQLModel
