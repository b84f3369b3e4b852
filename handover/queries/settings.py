"""Reads of how a brand hands over, and of how many relationships its guides take on."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Staff
from directory.policy import staff_visible_to
from handover.models import HandoverSetting, TakeoverCapacity
from kernel.actor import Actor
from kernel.pages import Key, Page, paged

CapacityRow = Row[*tuple[Any, ...]]


async def setting_of(session: AsyncSession, brand_id: UUID) -> HandoverSetting:
    """How the brand hands over: as it says, or else as is usual (an instance of version 0, no row)."""
    found = await session.scalar(select(HandoverSetting).where(col(HandoverSetting.brand_id) == brand_id))
    return found or HandoverSetting(brand_id=brand_id, version=0)


async def row_of(session: AsyncSession, brand_id: UUID) -> Row[*tuple[Any, ...]] | None:
    """The same as a row, under the brand's id; none where it says nothing."""
    found = await session.execute(
        select(*HandoverSetting.__table__.columns, col(HandoverSetting.brand_id).label("id")).where(  # type: ignore[attr-defined]  # set by SQLModel
            col(HandoverSetting.brand_id) == brand_id
        )
    )
    return found.first()


async def capacities(session: AsyncSession, actor: Actor, page: Page) -> Sequence[CapacityRow]:
    """The guides in sight who take on another number than everybody, by their number."""
    rows = (
        select(*TakeoverCapacity.__table__.columns, col(TakeoverCapacity.staff_id).label("id"), col(Staff.number))  # type: ignore[attr-defined]  # set by SQLModel
        .join(
            Staff,
            (col(Staff.brand_id) == col(TakeoverCapacity.brand_id)) & (col(Staff.id) == col(TakeoverCapacity.staff_id)),
        )
        .where(col(TakeoverCapacity.brand_id) == actor.brand_id, staff_visible_to(actor))
    )
    return (await session.execute(paged(rows, page, Key(col(Staff.number)), Key(col(Staff.id))))).all()


async def capacity_by_staff(session: AsyncSession, actor: Actor, staff_ids: Sequence[UUID]) -> dict[UUID, CapacityRow]:
    """Those of these guides in sight who take on another number than everybody."""
    found = await session.execute(
        select(*TakeoverCapacity.__table__.columns, col(TakeoverCapacity.staff_id).label("id"))  # type: ignore[attr-defined]  # set by SQLModel
        .join(
            Staff,
            (col(Staff.brand_id) == col(TakeoverCapacity.brand_id)) & (col(Staff.id) == col(TakeoverCapacity.staff_id)),
        )
        .where(
            col(TakeoverCapacity.brand_id) == actor.brand_id,
            col(TakeoverCapacity.staff_id).in_(staff_ids),
            staff_visible_to(actor),
        )
    )
    return {row.staff_id: row for row in found}
