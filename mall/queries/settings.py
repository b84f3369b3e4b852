"""Reads of how a brand runs its mini-mall."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from mall.models import MallSetting


async def setting_of(session: AsyncSession, brand_id: UUID) -> MallSetting:
    """How the brand runs its mini-mall: as it says, or else as is usual (an instance of version 0, no row)."""
    found = await session.scalar(select(MallSetting).where(col(MallSetting.brand_id) == brand_id))
    return found or MallSetting(brand_id=brand_id, version=0)


async def row_of(session: AsyncSession, brand_id: UUID) -> Row[*tuple[Any, ...]] | None:
    """The same as a row, under the brand's id; none where it says nothing."""
    found = await session.execute(
        select(*MallSetting.__table__.columns, col(MallSetting.brand_id).label("id")).where(  # type: ignore[attr-defined]  # set by SQLModel
            col(MallSetting.brand_id) == brand_id
        )
    )
    return found.first()
