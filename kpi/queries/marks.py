"""Reads of what has to be counted anew."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Brand
from kpi.models import KpiMark


async def newest_days(session: AsyncSession, brand_id: UUID, most: int) -> Sequence[Row[*tuple[Any, ...]]]:
    """The marks that reach to the newest days: their id, store, first and last day. The oldest mark comes before them.

    Today is looked at before last year; and what has waited longest has its turn, whatever else happens today.
    """
    marked = select(col(KpiMark.id), col(KpiMark.store_id), col(KpiMark.first), col(KpiMark.last)).where(
        col(KpiMark.brand_id) == brand_id
    )
    oldest = (await session.execute(marked.order_by(col(KpiMark.id)).limit(1))).all()
    newest = await session.execute(marked.order_by(col(KpiMark.last).desc(), col(KpiMark.id)).limit(most))
    return [*oldest, *(row for row in newest if row not in oldest)]


async def all_of(session: AsyncSession, brand_id: UUID) -> Sequence[Row[*tuple[Any, ...]]]:
    """All marks: their id, store, first and last day; by store and first day."""
    found = await session.execute(
        select(col(KpiMark.id), col(KpiMark.store_id), col(KpiMark.first), col(KpiMark.last))
        .where(col(KpiMark.brand_id) == brand_id)
        .order_by(col(KpiMark.store_id), col(KpiMark.first), col(KpiMark.id))
    )
    return found.all()


async def brands(session: AsyncSession) -> Sequence[UUID]:
    """The brands that have marks."""
    marked = exists().where(col(KpiMark.brand_id) == col(Brand.id))
    return (await session.scalars(select(col(Brand.id)).where(marked).order_by(col(Brand.code)))).all()
