"""Which days of stores a change is about: reads in the transaction of the change, after it was written."""

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Relationship
from directory.models import Account, Assignment, Cover, Store
from kernel import clock
from kernel.db import OneOf
from kpi.models import KpiStore
from kpi.queries.store_days import StoreDay
from mall.models import Order, Refund, Share
from tagging.models import AuditItem
from tasks.models import Task

Moment = tuple[UUID, datetime]
"""A store, and an instant that lies on one of its days."""

_IDS = "ids"


async def by_orders(session: AsyncSession, brand_id: UUID, order_ids: Collection[UUID]) -> set[StoreDay]:
    """The days of these orders, and of all that was given back of them."""
    found = await session.execute(
        union_all(
            select(col(Order.store_id), col(Order.day)).where(
                col(Order.brand_id) == brand_id, OneOf(col(Order.id), _IDS)
            ),
            select(col(Refund.store_id), col(Refund.day)).where(
                col(Refund.brand_id) == brand_id, _one_of(col(Refund.order_id))
            ),
        ),
        {_IDS: list(order_ids)},
    )
    return {(store_id, day) for store_id, day in found}


async def by_refunds(session: AsyncSession, brand_id: UUID, refund_ids: Collection[UUID]) -> set[StoreDay]:
    """The days of these refunds."""
    found = await session.execute(
        select(col(Refund.store_id), col(Refund.day)).where(
            col(Refund.brand_id) == brand_id, OneOf(col(Refund.id), _IDS)
        ),
        {_IDS: list(refund_ids)},
    )
    return {(store_id, day) for store_id, day in found}


async def by_links(session: AsyncSession, brand_id: UUID, share_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The stores of these share links."""
    found = await session.execute(
        select(col(Share.id), col(Share.store_id)).where(col(Share.brand_id) == brand_id, OneOf(col(Share.id), _IDS)),
        {_IDS: list(share_ids)},
    )
    return dict(found.all())


async def by_tasks(session: AsyncSession, brand_id: UUID, task_ids: Collection[UUID]) -> dict[UUID, Moment]:
    """The stores of these tasks, and when they are due."""
    found = await session.execute(
        select(col(Task.id), col(Task.store_id), col(Task.due_at)).where(
            col(Task.brand_id) == brand_id, OneOf(col(Task.id), _IDS)
        ),
        {_IDS: list(task_ids)},
    )
    return {task_id: (store_id, due_at) for task_id, store_id, due_at in found}


async def by_accounts(session: AsyncSession, brand_id: UUID, account_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The stores of these accounts."""
    found = await session.execute(
        select(col(Account.id), col(Account.store_id)).where(
            col(Account.brand_id) == brand_id, OneOf(col(Account.id), _IDS)
        ),
        {_IDS: list(account_ids)},
    )
    return dict(found.all())


async def by_relationships(session: AsyncSession, brand_id: UUID, relationship_ids: Collection[UUID]) -> set[Moment]:
    """The stores of these relationships, and when they began."""
    found = await session.execute(
        select(col(Relationship.store_id), col(Relationship.created_at)).where(
            col(Relationship.brand_id) == brand_id, OneOf(col(Relationship.id), _IDS)
        ),
        {_IDS: list(relationship_ids)},
    )
    return {(store_id, created_at) for store_id, created_at in found}


async def by_covers(session: AsyncSession, brand_id: UUID, cover_ids: Collection[UUID]) -> set[UUID]:
    """The stores of these covers."""
    found = await session.scalars(
        select(col(Cover.store_id)).where(col(Cover.brand_id) == brand_id, OneOf(col(Cover.id), _IDS)),
        {_IDS: list(cover_ids)},
    )
    return set(found)


async def by_audits(
    session: AsyncSession, brand_id: UUID, *, audit_ids: Collection[UUID] = (), item_ids: Collection[UUID] = ()
) -> set[UUID]:
    """The stores of the tags that these audits drew, or of these tags."""
    chosen = or_(col(AuditItem.audit_id).in_(sorted(audit_ids)), col(AuditItem.id).in_(sorted(item_ids)))
    found = await session.scalars(
        select(col(AuditItem.store_id)).where(col(AuditItem.brand_id) == brand_id, chosen).distinct()
    )
    return set(found)


async def worked(session: AsyncSession, brand_id: UUID, staff_ids: Collection[UUID]) -> set[tuple[UUID, date, date]]:
    """Where these people work and worked, from which day of the store until which, today at the latest."""
    found = await session.execute(
        select(col(Assignment.store_id), col(Assignment.starts_at), col(Assignment.ends_at), col(Store.time_zone))
        .join(Store, and_(col(Store.brand_id) == brand_id, col(Store.id) == col(Assignment.store_id)))
        .where(col(Assignment.brand_id) == brand_id, OneOf(col(Assignment.staff_id), _IDS)),
        {_IDS: list(staff_ids)},
    )
    return {
        (store_id, clock.store_day(starts_at, zone), clock.store_day(ends_at or clock.now(), zone))
        for store_id, starts_at, ends_at, zone in found
        if store_id is not None
    }


async def counted(session: AsyncSession, brand_id: UUID, store_ids: Collection[UUID]) -> list[tuple[UUID, date, date]]:
    """From which to which day these stores are counted."""
    found = await session.execute(
        select(col(KpiStore.store_id), col(KpiStore.first), col(KpiStore.last)).where(
            col(KpiStore.brand_id) == brand_id, OneOf(col(KpiStore.store_id), _IDS)
        ),
        {_IDS: list(store_ids)},
    )
    return [(store_id, first, last) for store_id, first, last in found]


async def days_of(session: AsyncSession, brand_id: UUID, moments: Iterable[Moment]) -> set[StoreDay]:
    """On which day of each store these instants lie."""
    wanted = set(moments)
    if not wanted:
        return set()
    found = await session.execute(
        select(col(Store.id), col(Store.time_zone)).where(col(Store.brand_id) == brand_id, OneOf(col(Store.id), _IDS)),
        {_IDS: sorted({store_id for store_id, _ in wanted})},
    )
    zones = dict(found.all())
    return {(store_id, clock.store_day(at, zones[store_id])) for store_id, at in wanted if store_id in zones}


def _one_of(column: Any) -> ColumnElement[Any]:
    return OneOf(column, _IDS)
