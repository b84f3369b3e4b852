"""Reads of which days of stores are counted, and of those on whose calendar a day has begun since."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import ContactLink, Relationship
from directory.models import Account, Assignment, Store
from kernel import clock
from kpi.models import KpiStore
from mall.models import CommissionEntry, Order, Refund, Share
from tasks.models import Task

KeptRow = Row[*tuple[Any, ...]]


async def behind(session: AsyncSession, now: datetime, most: int) -> Sequence[tuple[UUID, UUID, date]]:
    """Stores whose calendar has gone on since they were counted last, of whatever brand: brand, store and today."""
    zones = (await session.scalars(select(col(Store.time_zone)).distinct())).all()
    found: list[tuple[UUID, UUID, date]] = []
    for zone in sorted(zones):
        today = clock.store_day(now, zone)
        rows = await session.execute(
            select(col(Store.brand_id), col(Store.id))
            .outerjoin(
                KpiStore,
                and_(col(KpiStore.brand_id) == col(Store.brand_id), col(KpiStore.store_id) == col(Store.id)),
            )
            .where(
                col(Store.time_zone) == zone,
                (col(KpiStore.last).is_(None)) | (col(KpiStore.last) < today),
            )
            .order_by(col(Store.brand_id), col(Store.id))
            .limit(most - len(found))
        )
        found += [(brand_id, store_id, today) for brand_id, store_id in rows]
        if len(found) >= most:
            break
    return sorted(found)


async def gone(session: AsyncSession, most: int) -> Sequence[tuple[UUID, UUID]]:
    """Stores that were counted and are there no more, of whatever brand: brand and store."""
    found = await session.execute(
        select(col(KpiStore.brand_id), col(KpiStore.store_id))
        .outerjoin(Store, and_(col(Store.brand_id) == col(KpiStore.brand_id), col(Store.id) == col(KpiStore.store_id)))
        .where(col(Store.id).is_(None))
        .order_by(col(KpiStore.brand_id), col(KpiStore.store_id))
        .limit(most)
    )
    return [(brand_id, store_id) for brand_id, store_id in found]


async def first_day(session: AsyncSession, brand_id: UUID, store_id: UUID, zone: str) -> date | None:
    """The first day of a store on which there is anything to count."""
    days = [
        await session.scalar(
            select(func.min(col(table.day))).where(col(table.brand_id) == brand_id, col(table.store_id) == store_id)
        )
        for table in (Order, Refund, CommissionEntry)
    ]
    instants = [
        await session.scalar(
            select(func.min(instant)).where(col(table.brand_id) == brand_id, col(table.store_id) == store_id)
        )
        for table, instant in (
            (Relationship, col(Relationship.created_at)),
            (Assignment, col(Assignment.starts_at)),
            (Share, col(Share.created_at)),
            (Task, col(Task.due_at)),
        )
    ]
    # A partner tells of contacts that were over before anything else began here.
    lost = (
        select(func.min(col(ContactLink.gone_at)))
        .join(Account, and_(col(Account.brand_id) == brand_id, col(Account.id) == col(ContactLink.account_id)))
        .where(col(ContactLink.brand_id) == brand_id, col(Account.store_id) == store_id)
    )
    instants.append(await session.scalar(lost))
    found = [day for day in days if day] + [clock.store_day(at, zone) for at in instants if at]
    return min(found, default=None)


async def codes(session: AsyncSession, brand_id: UUID) -> dict[UUID, str]:
    """The codes of the brand's stores, by their ids."""
    found = await session.execute(select(col(Store.id), col(Store.code)).where(col(Store.brand_id) == brand_id))
    return dict(found.all())
