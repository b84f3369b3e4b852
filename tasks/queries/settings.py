"""Reads of how stores plan."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel import ids
from tasks.models import PlanSetting


async def setting_of(session: AsyncSession, brand_id: UUID, store_id: UUID) -> PlanSetting:
    """How the store plans: by its own row, or else the brand's, or else as is usual (a new instance, not a row)."""
    return (await settings_of(session, brand_id, [store_id]))[store_id]


async def settings_of(session: AsyncSession, brand_id: UUID, store_ids: Sequence[UUID]) -> dict[UUID, PlanSetting]:
    """The same for several stores, in one statement."""
    found = await session.scalars(
        select(PlanSetting).where(
            col(PlanSetting.brand_id) == brand_id,
            or_(col(PlanSetting.store_id).is_(None), col(PlanSetting.store_id).in_(store_ids)),
        )
    )
    rows = {row.store_id: row for row in found}
    usual = rows.get(None) or PlanSetting(brand_id=brand_id, id=ids.new())
    return {store_id: rows.get(store_id, usual) for store_id in store_ids}


async def lock(session: AsyncSession, brand_id: UUID, store_id: UUID | None) -> PlanSetting | None:
    """The row of a store, or of the brand, kept from other writers until the commit."""
    own = col(PlanSetting.store_id).is_(None) if store_id is None else col(PlanSetting.store_id) == store_id
    return await session.scalar(select(PlanSetting).where(col(PlanSetting.brand_id) == brand_id, own).with_for_update())
