"""Reads of where notices are posted to, and of what is posted."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Brand, Staff
from kpi.models import KpiHook, KpiNotice

HookRow = Row[*tuple[Any, ...]]


async def hook_of(session: AsyncSession, brand_id: UUID) -> KpiHook | None:
    """Where the brand's notices are posted to."""
    return await session.scalar(select(KpiHook).where(col(KpiHook.brand_id) == brand_id))


async def row_of(session: AsyncSession, brand_id: UUID) -> HookRow | None:
    """The same as a row, without the secret."""
    found: Any = await session.execute(
        select(col(KpiHook.brand_id).label("id"), col(KpiHook.url), col(KpiHook.is_paused), col(KpiHook.version)).where(
            col(KpiHook.brand_id) == brand_id
        )
    )
    row: HookRow | None = found.first()
    return row


async def is_posting(session: AsyncSession, brand_id: UUID) -> bool:
    """Whether the brand's notices are posted anywhere at this moment."""
    row = await row_of(session, brand_id)
    return row is not None and not row.is_paused


async def parcel(session: AsyncSession, brand_id: UUID, notice_id: UUID) -> HookRow | None:
    """A notice with whom it is for, and where to: none where it isn't posted any more."""
    found = await session.execute(
        select(
            col(KpiNotice.kind),
            col(KpiNotice.day),
            col(KpiNotice.content),
            col(KpiNotice.sent_at),
            col(Brand.code).label("brand"),
            col(Staff.number).label("staff"),
            col(KpiHook.url),
            col(KpiHook.sealed),
        )
        .join(KpiHook, col(KpiHook.brand_id) == col(KpiNotice.brand_id))
        .join(Brand, col(Brand.id) == col(KpiNotice.brand_id))
        .join(Staff, and_(col(Staff.brand_id) == col(KpiNotice.brand_id), col(Staff.id) == col(KpiNotice.staff_id)))
        .where(col(KpiNotice.brand_id) == brand_id, col(KpiNotice.id) == notice_id, col(KpiHook.is_paused).is_(False))
    )
    return found.first()
