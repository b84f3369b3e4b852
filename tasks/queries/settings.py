"""Reads of how stores plan."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Brand
from directory.policy import in_sight
from kernel.actor import Actor
from tasks.models import PlanSetting


async def setting_of(session: AsyncSession, brand_id: UUID, store_id: UUID | None) -> PlanSetting:
    """How the store plans: by its own row, or else the brand's, or else as is usual (an instance of version 0, no row).

    Without a store, how those of the brand plan that have no row of their own.
    """
    found = await settings_of(session, brand_id, [] if store_id is None else [store_id])
    return found[store_id]


async def settings_of(
    session: AsyncSession, brand_id: UUID, store_ids: Sequence[UUID]
) -> dict[UUID | None, PlanSetting]:
    """The same for several stores, in one statement; under no store, that of the brand."""
    found = await session.scalars(
        select(PlanSetting).where(
            col(PlanSetting.brand_id) == brand_id,
            or_(col(PlanSetting.store_id).is_(None), col(PlanSetting.store_id).in_(store_ids)),
        )
    )
    rows = {row.store_id: row for row in found}
    usual = rows.get(None) or PlanSetting(brand_id=brand_id, id=brand_id, version=0)
    return {store_id: rows.get(store_id, usual) for store_id in (None, *store_ids)}


async def by_ids(session: AsyncSession, actor: Actor, setting_ids: Sequence[UUID]) -> dict[UUID, Row[Any]]:
    """Those of the settings that are the brand's, or of stores in sight."""
    found: Any = await session.execute(
        select(*PlanSetting.__table__.columns).where(  # type: ignore[attr-defined]  # set by SQLModel
            col(PlanSetting.brand_id) == actor.brand_id,
            col(PlanSetting.id).in_(setting_ids),
            or_(
                col(PlanSetting.store_id).is_(None),
                in_sight(actor, col(PlanSetting.brand_id), col(PlanSetting.store_id)),
            ),
        )
    )
    return {row.id: row for row in found}


async def lock_brand(session: AsyncSession, brand_id: UUID) -> None:
    """Let one writer at a time say how the brand plans: there is no row to lock before the first one."""
    # Not the row's key, so that new rows that refer to the brand needn't wait.
    await session.execute(select(col(Brand.id)).where(col(Brand.id) == brand_id).with_for_update(key_share=True))
