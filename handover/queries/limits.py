"""Reads of what the partner takes no more soon: a year after somebody left it hands nothing of theirs over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, or_, select, union
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Account, Staff, StaffState
from handover.models import (
    UNSETTLED,
    GroupChat,
    GroupChatMove,
    Handover,
    HandoverAccount,
    HandoverAttempt,
    HandoverItem,
    HandoverKind,
    HeldHere,
    LinkedThere,
)
from handover.models.settlement import INHERITABLE_FOR, WARNED_BEFORE

_OPEN = (LinkedThere.NOT_LINKED, LinkedThere.REQUESTED, LinkedThere.WAITING)


@dataclass(frozen=True, slots=True)
class Unsettled:
    """How many customers and group chats the partner has not given the last word on."""

    customers: int = 0
    chats: int = 0


async def near(session: AsyncSession, brand_id: UUID, now: datetime, most: int) -> Sequence[UUID]:
    """Handovers that aren't settled, whose limit is less than 30 days off, and of which nobody was warned yet."""
    found = await session.scalars(
        _left(brand_id, now, col(Handover.id))
        .where(col(Handover.state).in_(UNSETTLED), col(Handover.undoes_id).is_(None), col(Handover.warned_at).is_(None))
        .order_by(col(Handover.id))
        .distinct()
        .limit(most)
    )
    return found.all()


async def over(session: AsyncSession, brand_id: UUID, most: int) -> Sequence[UUID]:
    """Handovers that managers were warned of, and that have ended since."""
    found = await session.scalars(
        select(col(Handover.id))
        .where(
            col(Handover.brand_id) == brand_id,
            col(Handover.warned_at).is_not(None),
            col(Handover.state).not_in(UNSETTLED),
        )
        .order_by(col(Handover.id))
        .limit(most)
    )
    return found.all()


async def leavers(session: AsyncSession, handover: Handover, now: datetime) -> dict[UUID, datetime]:
    """The accounts of a handover whose limit is less than 30 days off, and when their owners left."""
    found = await session.execute(
        _left(handover.brand_id, now, col(Account.id), _left_at).where(col(Handover.id) == handover.id)
    )
    return dict(found.all())


async def unsettled(
    session: AsyncSession, handover: Handover, leavers: Mapping[UUID, datetime]
) -> dict[UUID, Unsettled]:
    """What of these accounts is not settled, by the store whose it is by now; stores without any are left out."""
    customers = await _by_store(session, _customers(handover, list(leavers)))
    chats = await _by_store(session, _chats(handover, list(leavers)))
    return {
        store_id: Unsettled(customers.get(store_id, 0), chats.get(store_id, 0)) for store_id in {*customers, *chats}
    }


# As `deadline_of` has it for each attempt.
_left_at: Any = func.coalesce(col(Staff.access_closed_at), col(Handover.started_at))


def _left(brand_id: UUID, now: datetime, *columns: Any) -> Select[*tuple[Any, ...]]:
    is_gone = or_(
        col(Handover.kind) == HandoverKind.RESIGNATION,
        col(Staff.access_closed_at).is_not(None),
        col(Staff.state) == StaffState.DEPARTED,
    )
    return (
        select(*columns)
        .select_from(Handover)
        .join(
            HandoverAccount,
            and_(col(HandoverAccount.brand_id) == brand_id, col(HandoverAccount.handover_id) == col(Handover.id)),
        )
        .join(Account, and_(col(Account.brand_id) == brand_id, col(Account.id) == col(HandoverAccount.account_id)))
        .join(Staff, and_(col(Staff.brand_id) == brand_id, col(Staff.id) == col(Account.staff_id)))
        .where(
            col(Handover.brand_id) == brand_id,
            is_gone,
            _left_at > now - INHERITABLE_FOR,
            _left_at <= now - INHERITABLE_FOR + WARNED_BEFORE,
        )
    )


def _customers(handover: Handover, account_ids: Sequence[UUID]) -> Any:
    """Those whose relationships go to others, and those whom others hold and the leaver was linked with."""
    brand_id = handover.brand_id
    goes_to = func.coalesce(col(HandoverItem.to_account_id), col(HandoverItem.from_account_id))
    held: Any = (
        select(col(Account.store_id), col(HandoverItem.relationship_id).label("id"))
        .join(Account, and_(col(Account.brand_id) == brand_id, col(Account.id) == goes_to))
        .where(
            col(HandoverItem.brand_id) == brand_id,
            col(HandoverItem.handover_id) == handover.id,
            col(HandoverItem.from_account_id).in_(account_ids),
            col(HandoverItem.here).in_((HeldHere.PENDING, HeldHere.MOVED)),
            col(HandoverItem.there).in_(_OPEN),
        )
    )
    tried = (
        select(col(Account.store_id), col(HandoverAttempt.relationship_id))
        .join(Account, and_(col(Account.brand_id) == brand_id, col(Account.id) == col(HandoverAttempt.to_account_id)))
        .where(
            col(HandoverAttempt.brand_id) == brand_id,
            col(HandoverAttempt.handover_id) == handover.id,
            col(HandoverAttempt.from_account_id).in_(account_ids),
            col(HandoverAttempt.todo).is_not(None),
        )
    )
    return union(held, tried).subquery()


def _chats(handover: Handover, account_ids: Sequence[UUID]) -> Any:
    """Those that are to be asked for, and those that nobody has looked at yet."""
    brand_id = handover.brand_id
    of_it = and_(col(GroupChatMove.brand_id) == brand_id, col(GroupChatMove.handover_id) == handover.id)
    begun: Any = (
        select(col(Account.store_id), col(GroupChatMove.group_chat_id).label("id"))
        .join(Account, and_(col(Account.brand_id) == brand_id, col(Account.id) == col(GroupChatMove.to_account_id)))
        .where(of_it, col(GroupChatMove.next_at).is_not(None))
    )
    if handover.chats_listed_at is not None:
        return begun.subquery()
    owned = (
        select(col(Account.store_id), col(GroupChat.id))
        .join(Account, and_(col(Account.brand_id) == brand_id, col(Account.id) == col(GroupChat.account_id)))
        .where(
            col(GroupChat.brand_id) == brand_id,
            col(GroupChat.account_id).in_(account_ids),
            col(GroupChat.gone_at).is_(None),
            col(GroupChat.id).not_in(select(col(GroupChatMove.group_chat_id)).where(of_it)),
        )
    )
    return union(begun, owned).subquery()


async def _by_store(session: AsyncSession, found: Any) -> dict[UUID, int]:
    counted = await session.execute(select(found.c.store_id, func.count()).group_by(found.c.store_id))
    return dict(counted.all())
