"""Reads of who could take over: guides at work in a store, what they hold, and how many they take on."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Relationship
from customers.policy import is_live
from directory.models import Account, AccountKind, Staff, StaffState
from handover.models import TakeoverCapacity
from handover.models.planning.options import MOST_SEATS
from handover.queries.settings import setting_of
from kernel.actor import Role
from tasks.models import Task, TaskState


@dataclass(frozen=True, slots=True)
class Taker:
    """A guide's account in a store where they are at work."""

    account_id: UUID
    staff_id: UUID
    store_id: UUID


async def takers(
    session: AsyncSession, brand_id: UUID, store_ids: Collection[UUID], without: Collection[UUID] = ()
) -> list[Taker]:
    """The guides whom relationships of these stores may come to, the longest there first; at most 200.

    The same as `Staff.can_hold_in`. `without` are staff who are handed over themselves.
    """
    found = await session.execute(
        select(col(Account.id), col(Account.staff_id), col(Account.store_id))
        .join(
            Staff,
            (col(Staff.brand_id) == col(Account.brand_id))
            & (col(Staff.id) == col(Account.staff_id))
            & (col(Staff.store_id) == col(Account.store_id)),
        )
        .where(
            col(Account.brand_id) == brand_id,
            col(Account.store_id).in_(store_ids),
            col(Staff.role) == Role.GUIDE,
            col(Staff.state) == StaffState.ACTIVE,
            col(Staff.access_closed_at).is_(None),
            col(Staff.id).not_in(without),
        )
        .order_by(col(Account.id))
        .limit(MOST_SEATS)
    )
    return [Taker(account_id, staff_id, store_id) for account_id, staff_id, store_id in found if staff_id]


async def public_accounts(session: AsyncSession, brand_id: UUID, store_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The public account of each store."""
    found = await session.execute(
        select(col(Account.store_id), col(Account.id)).where(
            col(Account.brand_id) == brand_id,
            col(Account.store_id).in_(store_ids),
            col(Account.kind) == AccountKind.PUBLIC,
        )
    )
    return dict(found.all())


async def held_by_staff(session: AsyncSession, brand_id: UUID, staff_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many relationships each of them holds, in whatever store; whoever holds none is left out."""
    found = await session.execute(
        select(col(Account.staff_id), func.count())
        .join(
            Relationship,
            (col(Relationship.brand_id) == col(Account.brand_id)) & (col(Relationship.holder_id) == col(Account.id)),
        )
        .where(col(Account.brand_id) == brand_id, col(Account.staff_id).in_(staff_ids))
        .group_by(col(Account.staff_id))
    )
    return {staff_id: count for staff_id, count in found if staff_id}


async def held_by_account(session: AsyncSession, brand_id: UUID, account_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many relationships each account holds; one that holds none is left out."""
    found = await session.execute(
        select(col(Relationship.holder_id), func.count())
        .where(col(Relationship.brand_id) == brand_id, col(Relationship.holder_id).in_(account_ids), is_live())
        .group_by(col(Relationship.holder_id))
    )
    return dict(found.all())


async def open_tasks_of(session: AsyncSession, brand_id: UUID, account_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many open tasks each account keeps; one that keeps none is left out."""
    found = await session.execute(
        select(col(Task.account_id), func.count())
        .where(
            col(Task.brand_id) == brand_id,
            col(Task.account_id).in_(account_ids),
            col(Task.state) == TaskState.PENDING,
        )
        .group_by(col(Task.account_id))
    )
    return dict(found.all())


async def capacities_of(session: AsyncSession, brand_id: UUID, staff_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many relationships each of them holds at most: as is said of them, or as many as everybody."""
    setting = await setting_of(session, brand_id)
    found = await session.execute(
        select(col(TakeoverCapacity.staff_id), col(TakeoverCapacity.capacity)).where(
            col(TakeoverCapacity.brand_id) == brand_id, col(TakeoverCapacity.staff_id).in_(staff_ids)
        )
    )
    return dict.fromkeys(staff_ids, setting.capacity) | dict(found.all())
