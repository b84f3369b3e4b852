"""Reads of what a handover has still to move."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Relationship
from customers.policy import is_live
from directory.models import Account, AccountKind
from handover.models import LEASE, Handover, HandoverAccount, HandoverItem, HandoverState, HeldHere
from handover.queries import seats
from kernel.db import OneOf
from kernel.errors import NotFound

Turn = Row[*tuple[Any, ...]]
"""The id of a relationship, the account that is to hold it still, and the one that is to."""

MOST_TURNS = 5_000
_STARTS_WITHIN = LEASE


async def lock(session: AsyncSession, brand_id: UUID, handover_id: UUID, *, is_shared: bool = False) -> Handover | None:
    """The handover, kept from other writers until the commit, as it is now; others may share it so, if that is said."""
    found: Handover | None = await session.scalar(
        select(Handover)
        .where(col(Handover.brand_id) == brand_id, col(Handover.id) == handover_id)
        .with_for_update(read=is_shared, key_share=not is_shared)
        .execution_options(populate_existing=True)
    )
    return found


async def get(session: AsyncSession, brand_id: UUID, handover_id: UUID) -> Handover:
    """The handover, whoever sees it. `NOT_FOUND` if there is none such."""
    found: Handover | None = await session.get(Handover, (brand_id, handover_id))
    if found is None:
        raise NotFound
    return found


async def turns(session: AsyncSession, brand_id: UUID, handover_id: UUID) -> Sequence[Turn]:
    """Up to 5,000 relationships that have to move yet, those that go to one account beside each other.

    A chunk of them then concerns few people, whose feeds are locked while it is written.
    """
    found = await session.execute(
        select(col(HandoverItem.relationship_id), col(HandoverItem.from_account_id), col(HandoverItem.to_account_id))
        .where(*_pending(brand_id, handover_id), col(HandoverItem.to_account_id).is_not(None))
        .order_by(col(HandoverItem.to_account_id), col(HandoverItem.relationship_id))
        .limit(MOST_TURNS)
    )
    return found.all()


async def items(
    session: AsyncSession, handover: Handover, relationship_ids: Sequence[UUID], *, of: UUID | None = None
) -> Sequence[HandoverItem]:
    """Its lines of these relationships, or those of another handover that is named."""
    found = await session.scalars(
        select(HandoverItem).where(
            col(HandoverItem.brand_id) == handover.brand_id,
            col(HandoverItem.handover_id) == (of or handover.id),
            OneOf(col(HandoverItem.relationship_id), "relationship_ids"),
        ),
        {"relationship_ids": list(relationship_ids)},
    )
    return found.all()


async def is_anything_pending(session: AsyncSession, brand_id: UUID, handover_id: UUID) -> bool:
    """Whether there is a relationship whose turn hasn't come."""
    return bool(await session.scalar(select(exists().where(*_pending(brand_id, handover_id)))))


async def accounts(session: AsyncSession, brand_id: UUID, handover_id: UUID) -> Sequence[HandoverAccount]:
    """The accounts whose relationships it moves: a person has had a few, a store has dozens."""
    found = await session.scalars(
        select(HandoverAccount)
        .where(col(HandoverAccount.brand_id) == brand_id, col(HandoverAccount.handover_id) == handover_id)
        .order_by(col(HandoverAccount.account_id))
    )
    return found.all()


def still_held(brand_id: UUID, handover_id: UUID) -> Select[UUID, UUID]:
    """The ids of the relationships that its accounts hold now, with the account, in the order of keys."""
    ours = select(col(HandoverAccount.account_id)).where(
        col(HandoverAccount.brand_id) == brand_id, col(HandoverAccount.handover_id) == handover_id
    )
    return (
        select(col(Relationship.id), col(Relationship.holder_id))
        .where(col(Relationship.brand_id) == brand_id, col(Relationship.holder_id).in_(ours), is_live())
        .order_by(col(Relationship.id))
    )


async def loads(session: AsyncSession, brand_id: UUID, handover_id: UUID, store_id: UUID) -> dict[UUID, int]:
    """How much each guide's account to which the plan gives something holds by now, in one store."""
    chosen = select(col(HandoverItem.to_account_id)).where(
        col(HandoverItem.brand_id) == brand_id, col(HandoverItem.handover_id) == handover_id
    )
    accounts = select(col(Account.id)).where(
        col(Account.brand_id) == brand_id,
        col(Account.store_id) == store_id,
        col(Account.id).in_(chosen),
        col(Account.kind) == AccountKind.GUIDE,
    )
    wanted = (await session.scalars(accounts)).all()
    found = await session.execute(
        select(col(Relationship.holder_id), func.count())
        .where(col(Relationship.brand_id) == brand_id, col(Relationship.holder_id).in_(wanted), is_live())
        .group_by(col(Relationship.holder_id))
    )
    return dict.fromkeys(wanted, 0) | dict(found.all())


async def rooms(session: AsyncSession, brand_id: UUID, account_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many relationships the owner of each of these guides' accounts may take on yet."""
    found = await session.execute(
        select(col(Account.id), col(Account.staff_id)).where(
            col(Account.brand_id) == brand_id, col(Account.id).in_(account_ids), col(Account.staff_id).is_not(None)
        )
    )
    owners = {account_id: staff_id for account_id, staff_id in found if staff_id is not None}
    staff_ids = sorted(set(owners.values()))
    held = await seats.held_by_staff(session, brand_id, staff_ids)
    most = await seats.capacities_of(session, brand_id, staff_ids)
    return {account_id: most[staff_id] - held.get(staff_id, 0) for account_id, staff_id in owners.items()}


async def unattended(session: AsyncSession, brand_id: UUID, at: datetime, most: int) -> Sequence[Row[*tuple[Any, ...]]]:
    """Handovers that should be moving while nobody is at it, with when somebody last was; the oldest first."""
    lapsed = or_(col(Handover.lease_until) <= at, col(Handover.lease_until) > at + 2 * LEASE)
    idle = col(Handover.lease_until).is_(None)
    begun = and_(col(Handover.state) == HandoverState.MOVING, or_(idle, lapsed))
    waiting = and_(col(Handover.state) == HandoverState.APPROVED, col(Handover.approved_at) < at - _STARTS_WITHIN)
    found = await session.execute(
        select(col(Handover.id), col(Handover.lease_until))
        .where(col(Handover.brand_id) == brand_id, or_(begun, waiting))
        .order_by(col(Handover.started_at), col(Handover.id))
        .limit(most)
    )
    return found.all()


def _pending(brand_id: UUID, handover_id: UUID) -> tuple[Any, ...]:
    return (
        col(HandoverItem.brand_id) == brand_id,
        col(HandoverItem.handover_id) == handover_id,
        col(HandoverItem.here) == HeldHere.PENDING,
    )
