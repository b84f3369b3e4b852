"""Reads of who could still take something over: of those whom a plan names, and of the store's public account."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Relationship
from customers.policy import is_live
from directory.models import Account, AccountKind, Staff, Store, StoreState
from handover.models import HandoverItem, HandoverSetting, TakeoverCapacity


@dataclass
class Room:
    """An account that could take over, its member at the partner, and for how many it has room; `None` for any."""

    account_id: UUID
    store_id: UUID
    user_id: str
    left: int | None

    @property
    def is_public(self) -> bool:
        return self.left is None

    def takes(self, from_user_id: str, full_there: Collection[str]) -> bool:
        """Whether one more may come to it from that member."""
        return self.left != 0 and self.user_id != from_user_id and self.user_id not in full_there

    def fill(self) -> None:
        """One more has come."""
        if self.left is not None:
            self.left -= 1


async def of_plan(
    session: AsyncSession, brand_id: UUID, handover_id: UUID, store_ids: Collection[UUID]
) -> dict[UUID, list[Room]]:
    """By store: whom the plan gives something and who is at work there, most room first, and last the public account.

    Only those whom the partner knows.
    """
    named = select(col(HandoverItem.to_account_id)).where(
        col(HandoverItem.brand_id) == brand_id, col(HandoverItem.handover_id) == handover_id
    )
    held = (
        select(func.count())
        .select_from(Relationship)
        .where(col(Relationship.brand_id) == brand_id, col(Relationship.holder_id) == col(Account.id), is_live())
        .scalar_subquery()
    )
    is_public = col(Account.kind) == AccountKind.PUBLIC
    found: Any = await session.execute(
        select(
            Account,
            Staff,
            func.coalesce(col(TakeoverCapacity.capacity), col(HandoverSetting.capacity)).label("capacity"),
            case((is_public, 0), else_=held).label("held"),
        )
        .join(Store, and_(col(Store.brand_id) == brand_id, col(Store.id) == col(Account.store_id)))
        .outerjoin(Staff, and_(col(Staff.brand_id) == brand_id, col(Staff.id) == col(Account.staff_id)))
        .outerjoin(
            TakeoverCapacity,
            and_(col(TakeoverCapacity.brand_id) == brand_id, col(TakeoverCapacity.staff_id) == col(Account.staff_id)),
        )
        .outerjoin(HandoverSetting, col(HandoverSetting.brand_id) == brand_id)
        .where(
            col(Account.brand_id) == brand_id,
            col(Account.store_id).in_(store_ids),
            col(Account.partner_user_id).is_not(None),
            col(Store.state) == StoreState.OPEN,
            or_(is_public, col(Account.id).in_(named)),
        )
    )
    rooms: dict[UUID, list[Room]] = {store_id: [] for store_id in store_ids}
    for account, owner, capacity, count in found:
        usual = HandoverSetting.model_fields["capacity"].default
        room = (usual if capacity is None else capacity) - count
        left = None if owner is None else room
        if owner is None or (owner.can_hold_in(account.store_id) and room > 0):
            rooms[account.store_id].append(Room(account.id, account.store_id, account.partner_user_id, left))
    for each in rooms.values():
        each.sort(key=lambda room: (room.is_public, -(room.left or 0), room.account_id))
    return rooms
