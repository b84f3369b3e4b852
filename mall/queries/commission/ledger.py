"""Reads of the ledger itself."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, case, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Store
from kernel.actor import Actor
from kernel.pages import Key, Page, along, paged
from mall.models import CommissionEntry, Order
from mall.models.commissioning import CommissionRole, Part
from mall.policy import commission_visible_to
from mall.queries.commission.cases import Place

EntryRow = Row[*tuple[Any, ...]]

_COLUMNS = tuple(CommissionEntry.__table__.columns)  # type: ignore[attr-defined]  # set by SQLModel
_MONEY = CommissionEntry.__table__.columns["amount"].type  # type: ignore[attr-defined]  # set by SQLModel


def total(column: Any) -> Any:
    """A sum of money as a whole number; PostgreSQL makes it a decimal."""
    return cast(func.coalesce(func.sum(column), 0), _MONEY)


def place_of(row: Any) -> Place:
    """Where an entry was posted."""
    part = Part(row.staff_id, CommissionRole(row.role), row.category, row.rate)
    return Place(row.refund_id, row.store_id, part)


async def page(
    session: AsyncSession,
    actor: Actor,
    page: Page,
    period: date,
    staff_id: UUID | None = None,
    store_id: UUID | None = None,
) -> Sequence[EntryRow]:
    """Entries in sight of the period that begins on that day, oldest first; one more than asked for if there is one."""
    rows = _of_period(actor, period)
    if staff_id is not None:
        rows = rows.where(col(CommissionEntry.staff_id) == staff_id)
    if store_id is not None:
        rows = rows.where(col(CommissionEntry.store_id) == store_id)
    return (await session.execute(paged(rows, page, Key(col(CommissionEntry.id))))).all()


async def walk(session: AsyncSession, actor: Actor, period: date, after: UUID | None, most: int) -> Sequence[EntryRow]:
    """The entries of a period by id, a piece at a time."""
    return (await session.execute(along(_of_period(actor, period), col(CommissionEntry.id), after, most))).all()


async def of_gone_orders(session: AsyncSession, brand_id: UUID, most: int) -> Sequence[EntryRow]:
    """What still stands in the ledger for orders that aren't there any more, place by place."""
    entry = CommissionEntry
    is_borne = col(entry.is_borne_by_store)
    names = ("order_id", "source", "number", "refund_id", "plan_id", "store_id", "staff_id", "role", "category", "rate")
    keys = [col(getattr(entry, name)) for name in names]
    found = await session.execute(
        select(
            *keys,
            col(Store.time_zone),
            total(col(entry.basis)).label("basis"),
            total(col(entry.amount)).label("amount"),
            total(case((is_borne, col(entry.basis)), else_=0)).label("borne_basis"),
            total(case((is_borne, col(entry.amount)), else_=0)).label("borne"),
        )
        .join(Store, and_(col(Store.brand_id) == col(entry.brand_id), col(Store.id) == col(entry.store_id)))
        .outerjoin(Order, and_(col(Order.brand_id) == col(entry.brand_id), col(Order.id) == col(entry.order_id)))
        .where(col(entry.brand_id) == brand_id, col(Order.id).is_(None))
        .group_by(*keys, col(Store.time_zone))
        .having(or_(func.sum(col(entry.basis)) != 0, func.sum(col(entry.amount)) != 0))
        .order_by(col(entry.order_id))
        .limit(most)
    )
    return found.all()


def _of_period(actor: Actor, period: date) -> Select[*tuple[Any, ...]]:
    return select(*_COLUMNS).where(commission_visible_to(actor), col(CommissionEntry.period) == period)
