"""Reads of how handovers stand at the partner, for people to see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from handover.models import (
    HAS_GONE,
    ChatState,
    GroupChatMove,
    Handover,
    HandoverAttempt,
    HandoverItem,
    LinkedThere,
)
from handover.policy import handovers_visible_to, items_visible_to, part_visible_to
from kernel.actor import Actor

AttemptRow = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Settlement:
    """How many relationships of a handover stand how, what is still open, and when the first of it is too late."""

    counts: Mapping[LinkedThere, int]
    chats: Mapping[ChatState, int]
    open: int = 0
    next_at: datetime | None = None
    deadline: datetime | None = None


async def settlements(session: AsyncSession, actor: Actor, handover_ids: Sequence[UUID]) -> dict[UUID, Settlement]:
    """How these handovers, which are in sight, stand at the partner, as to the stores in sight; in three statements."""
    found = await _counts(session, actor, handover_ids)
    open_ones = await _waits(session, actor, handover_ids)
    chats = await _chats(session, actor, handover_ids)
    return {
        each: Settlement(
            found[each],
            chats[each],
            *((row.open, row.next_at, row.deadline) if (row := open_ones.get(each)) is not None else ()),
        )
        for each in handover_ids
    }


async def of_items(
    session: AsyncSession, actor: Actor, items: Sequence[tuple[UUID, UUID]], most: int
) -> dict[tuple[UUID, UUID], list[AttemptRow]]:
    """The attempts about each relationship of a handover in sight, the newest first, at most `most` of each."""
    place = func.row_number().over(
        partition_by=(col(HandoverAttempt.handover_id), col(HandoverAttempt.relationship_id)),
        order_by=col(HandoverAttempt.id).desc(),
    )
    numbered = (
        select(*HandoverAttempt.__table__.columns, place.label("place"))  # type: ignore[attr-defined]  # set by SQLModel
        .where(
            part_visible_to(
                actor,
                col(HandoverAttempt.brand_id),
                col(HandoverAttempt.from_account_id),
                col(HandoverAttempt.to_account_id),
            ),
            col(HandoverAttempt.handover_id).in_(select(col(Handover.id)).where(handovers_visible_to(actor))),
            col(HandoverAttempt.handover_id).in_({handover_id for handover_id, _ in items}),
            col(HandoverAttempt.relationship_id).in_({relationship_id for _, relationship_id in items}),
        )
        .subquery()
    )
    found = await session.execute(select(numbered).where(numbered.c.place <= most).order_by(numbered.c.place))
    by_item: dict[tuple[UUID, UUID], list[AttemptRow]] = {item: [] for item in items}
    for row in found:
        if (row.handover_id, row.relationship_id) in by_item:
            by_item[row.handover_id, row.relationship_id].append(row)
    return by_item


async def _counts(
    session: AsyncSession, actor: Actor, handover_ids: Sequence[UUID]
) -> dict[UUID, dict[LinkedThere, int]]:
    found = await session.execute(
        select(col(HandoverItem.handover_id), col(HandoverItem.there), func.count())
        .where(
            items_visible_to(actor),
            col(HandoverItem.handover_id).in_(handover_ids),
            col(HandoverItem.here).in_(HAS_GONE),
        )
        .group_by(col(HandoverItem.handover_id), col(HandoverItem.there))
    )
    counted: dict[UUID, dict[LinkedThere, int]] = {handover_id: {} for handover_id in handover_ids}
    for handover_id, there, count in found:
        counted[handover_id][there] = count
    return counted


async def _waits(
    session: AsyncSession, actor: Actor, handover_ids: Sequence[UUID]
) -> dict[UUID, Row[*tuple[Any, ...]]]:
    tried = HandoverAttempt
    found: Any = await session.execute(
        select(
            col(HandoverAttempt.handover_id),
            func.count().label("open"),
            func.min(col(HandoverAttempt.next_at)).label("next_at"),
            func.min(col(HandoverAttempt.deadline)).label("deadline"),
        )
        .where(
            part_visible_to(actor, col(tried.brand_id), col(tried.from_account_id), col(tried.to_account_id)),
            col(tried.handover_id).in_(handover_ids),
            col(tried.todo).is_not(None),
        )
        .group_by(col(HandoverAttempt.handover_id))
    )
    return {row.handover_id: row for row in found}


async def _chats(
    session: AsyncSession, actor: Actor, handover_ids: Sequence[UUID]
) -> Mapping[UUID, dict[ChatState, int]]:
    found = await session.execute(
        select(col(GroupChatMove.handover_id), col(GroupChatMove.state), func.count())
        .where(
            part_visible_to(actor, col(GroupChatMove.brand_id), col(GroupChatMove.to_account_id)),
            col(GroupChatMove.handover_id).in_(handover_ids),
        )
        .group_by(col(GroupChatMove.handover_id), col(GroupChatMove.state))
    )
    counted: dict[UUID, dict[ChatState, int]] = {each: dict.fromkeys(ChatState, 0) for each in handover_ids}
    for handover_id, state, count in found:
        counted[handover_id][state] = count
    return counted
