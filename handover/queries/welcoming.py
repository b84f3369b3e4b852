"""Reads of whom takeover guides have still to be asked to welcome."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Customer, Relationship
from customers.policy import is_live
from directory.models import Account, AccountKind, Store
from handover.models import Handover, HandoverItem, HeldHere
from mall.models import PurchaseProfile
from tasks.models import Task, TaskKind, TaskState

UnwelcomedRow = Row[*tuple[Any, ...]]

PREFIX = "welcome"


async def unwelcomed(session: AsyncSession, handover: Handover, most: int) -> Sequence[UnwelcomedRow]:
    """Relationships that have moved to a guide who hasn't been asked to welcome the customer, the most valuable first.

    Rows of `relationship_id, holder_id, store_id, reason`, guide by guide. Without customers who want to be left alone,
    and those whom somebody is to welcome already. What another guide did before theirs fell back doesn't count.
    """
    key = func.coalesce(col(HandoverItem.successor_id), col(HandoverItem.relationship_id))
    moved = and_(col(Relationship.brand_id) == handover.brand_id, col(Relationship.id) == key)
    person = and_(col(Customer.brand_id) == handover.brand_id, col(Customer.id) == col(Relationship.customer_id))
    holder = and_(col(Account.brand_id) == handover.brand_id, col(Account.id) == col(Relationship.holder_id))
    spent = and_(
        col(PurchaseProfile.brand_id) == handover.brand_id, col(PurchaseProfile.customer_id) == col(Customer.id)
    )
    asked = exists().where(
        col(Task.brand_id) == handover.brand_id,
        col(Task.relationship_id) == col(Relationship.id),
        col(Task.kind) == TaskKind.WELCOME,
        or_(
            col(Task.state) == TaskState.PENDING,
            and_(
                col(Task.source_key).startswith(f"{PREFIX}:{handover.id}:"),
                col(Task.account_id) == col(Relationship.holder_id),
            ),
        ),
    )
    found: Any = await session.execute(
        select(
            col(Relationship.id).label("relationship_id"),
            col(Relationship.holder_id),
            col(Relationship.store_id),
            col(HandoverItem.reason),
        )
        .select_from(HandoverItem)
        .join(Relationship, moved)
        .join(Customer, person)
        .join(Account, holder)
        .outerjoin(PurchaseProfile, spent)
        .where(
            col(HandoverItem.brand_id) == handover.brand_id,
            col(HandoverItem.handover_id) == handover.id,
            col(HandoverItem.here) == HeldHere.MOVED,
            col(HandoverItem.to_account_id) == col(Relationship.holder_id),
            col(Account.kind) == AccountKind.GUIDE,
            col(Customer.do_not_contact).is_(False),
            is_live(),
            ~asked,
        )
        .order_by(
            col(Relationship.holder_id),
            func.coalesce(col(PurchaseProfile.net_12_months), 0).desc(),
            func.coalesce(col(PurchaseProfile.net), 0).desc(),
            col(Relationship.id),
        )
        .limit(most)
    )
    rows: Sequence[UnwelcomedRow] = found.all()
    return rows


async def due(session: AsyncSession, brand_id: UUID, account_ids: Collection[UUID]) -> Sequence[UnwelcomedRow]:
    """When the open welcome tasks of these accounts are due, and how many: rows of `account_id, due_at, number`."""
    found = await session.execute(
        select(col(Task.account_id), col(Task.due_at), func.count().label("number"))
        .where(
            col(Task.brand_id) == brand_id,
            col(Task.account_id).in_(account_ids),
            col(Task.kind) == TaskKind.WELCOME,
            col(Task.state) == TaskState.PENDING,
        )
        .group_by(col(Task.account_id), col(Task.due_at))
    )
    return found.all()


async def weeks(session: AsyncSession, brand_id: UUID, store_ids: Collection[UUID]) -> dict[UUID, list[Any]]:
    """When these stores are open."""
    found = await session.execute(
        select(col(Store.id), col(Store.opening_hours)).where(
            col(Store.brand_id) == brand_id, col(Store.id).in_(store_ids)
        )
    )
    return dict(found.all())
