"""Reads of group chats: whose they are, and how far a handover has come with them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Account
from handover.models import (
    ChatState,
    GroupChat,
    GroupChatMove,
    Handover,
    HandoverAccount,
    HandoverItem,
    HandoverState,
)
from handover.models.chats import ListPlace
from handover.partner import MOST_AT_ONCE
from kernel.pages import along

COUNTABLE = (HandoverState.DRAFT, HandoverState.APPROVED)

Chats = Sequence[Row[*tuple[Any, ...]]]


async def unlisted(session: AsyncSession, brand_id: UUID, handover_ids: Collection[UUID]) -> dict[UUID, list[str]]:
    """Of handovers that are settling and whose chats aren't all listed yet: the leaver's members at the partner."""
    found = await session.execute(
        select(col(Handover.id), col(Account.partner_user_id))
        .outerjoin(
            HandoverAccount,
            and_(col(HandoverAccount.brand_id) == brand_id, col(HandoverAccount.handover_id) == col(Handover.id)),
        )
        .outerjoin(Account, and_(col(Account.brand_id) == brand_id, col(Account.id) == col(HandoverAccount.account_id)))
        .where(
            col(Handover.brand_id) == brand_id,
            col(Handover.id).in_(handover_ids),
            col(Handover.state) == HandoverState.SETTLING,
            col(Handover.chats_listed_at).is_(None),
        )
        .distinct()
    )
    members: dict[UUID, list[str]] = {}
    for handover_id, user_id in found:
        members.setdefault(handover_id, [])
        if user_id is not None:
            members[handover_id].append(user_id)
    return {handover_id: sorted(user_ids) for handover_id, user_ids in members.items()}


async def place_of(session: AsyncSession, brand_id: UUID, handover_id: UUID) -> ListPlace:
    """How far the list of a handover's chats was read."""
    said = await session.scalar(
        select(col(Handover.chats_place)).where(col(Handover.brand_id) == brand_id, col(Handover.id) == handover_id)
    )
    return ListPlace(**(said or {}))


async def uncounted(session: AsyncSession, brand_id: UUID, handover_id: UUID) -> list[str]:
    """The leaver's members at the partner, at most 100, as long as nothing of the handover has begun to move."""
    found = await session.scalars(
        select(col(Account.partner_user_id))
        .join(
            HandoverAccount,
            and_(col(HandoverAccount.brand_id) == brand_id, col(HandoverAccount.account_id) == col(Account.id)),
        )
        .join(Handover, and_(col(Handover.brand_id) == brand_id, col(Handover.id) == handover_id))
        .where(
            col(Account.brand_id) == brand_id,
            col(HandoverAccount.handover_id) == handover_id,
            col(Account.partner_user_id).is_not(None),
            col(Handover.state).in_(COUNTABLE),
        )
        .order_by(col(Account.partner_user_id))
        .distinct()
        .limit(MOST_AT_ONCE)
    )
    return [user_id for user_id in found if user_id is not None]


async def accounts_of(session: AsyncSession, brand_id: UUID, user_ids: Collection[str]) -> dict[str, UUID]:
    """An account of each of these members: the newest, where they have several."""
    found = await session.execute(
        select(col(Account.partner_user_id), col(Account.id))
        .where(col(Account.brand_id) == brand_id, col(Account.partner_user_id).in_(user_ids))
        .order_by(col(Account.id))
    )
    return {user_id: account_id for user_id, account_id in found if user_id is not None}


async def left_behind(
    session: AsyncSession, brand_id: UUID, handover: Handover, after: UUID | None, most: int
) -> Chats:
    """The chats of the members that a handover is about, of which it has said nothing yet, and each one's owner."""
    members = (
        select(col(Account.partner_user_id))
        .join(
            HandoverAccount,
            and_(col(HandoverAccount.brand_id) == brand_id, col(HandoverAccount.account_id) == col(Account.id)),
        )
        .where(col(Account.brand_id) == brand_id, col(HandoverAccount.handover_id) == handover.id)
    )
    seen = select(col(GroupChatMove.group_chat_id)).where(
        col(GroupChatMove.brand_id) == brand_id, col(GroupChatMove.handover_id) == handover.id
    )
    chats = select(col(GroupChat.id), col(GroupChat.account_id), col(GroupChat.owner_user_id)).where(
        col(GroupChat.brand_id) == brand_id,
        col(GroupChat.owner_user_id).in_(members),
        col(GroupChat.gone_at).is_(None),
        col(GroupChat.id).not_in(seen),
    )
    return (await session.execute(along(chats, col(GroupChat.id), after, most))).all()


async def moved_by(session: AsyncSession, brand_id: UUID, handover_id: UUID, after: UUID | None, most: int) -> Chats:
    """What a handover has moved, by the chats' ids."""
    columns = (col(GroupChatMove.group_chat_id), col(GroupChatMove.from_user_id), col(GroupChatMove.to_user_id))
    moved = select(*columns).where(
        col(GroupChatMove.brand_id) == brand_id,
        col(GroupChatMove.handover_id) == handover_id,
        col(GroupChatMove.state) == ChatState.MOVED,
    )
    return (await session.execute(along(moved, col(GroupChatMove.group_chat_id), after, most))).all()


async def takers(session: AsyncSession, brand_id: UUID, handover_id: UUID) -> dict[UUID, Row[*tuple[Any, ...]]]:
    """Of each account that is handed over: who takes most of its relationships, of those whom the partner knows."""
    count = func.count().label("count")
    found: Any = await session.execute(
        select(
            col(HandoverItem.from_account_id),
            col(HandoverItem.to_account_id),
            col(Account.partner_user_id).label("user_id"),
            count,
        )
        .join(Account, and_(col(Account.brand_id) == brand_id, col(Account.id) == col(HandoverItem.to_account_id)))
        .where(
            col(HandoverItem.brand_id) == brand_id,
            col(HandoverItem.handover_id) == handover_id,
            col(Account.partner_user_id).is_not(None),
        )
        .group_by(
            col(HandoverItem.from_account_id),
            col(HandoverItem.to_account_id),
            col(Account.partner_user_id),
            col(Account.kind),
        )
        # A guide before the public account, which can't chat; then whoever takes most.
        .order_by(col(Account.kind), count.desc(), col(HandoverItem.to_account_id))
    )
    most: dict[UUID, Row[*tuple[Any, ...]]] = {}
    for row in found:
        most.setdefault(row.from_account_id, row)
    return most


async def asked_since(session: AsyncSession, brand_id: UUID, from_user_id: str, since: datetime) -> int:
    """How many chats of a member's the partner was asked to move since then."""
    count: int | None = await session.scalar(
        select(func.count())
        .select_from(GroupChatMove)
        .where(
            col(GroupChatMove.brand_id) == brand_id,
            col(GroupChatMove.from_user_id) == from_user_id,
            col(GroupChatMove.asked_at) >= since,
        )
    )
    return count or 0
