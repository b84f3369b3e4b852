"""How a brand runs its mini-mall."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from mall.models import MallSetting


async def setting_of(session: AsyncSession, brand_id: UUID) -> MallSetting:
    """What the brand has said; without a row the usual, as version 0, which nobody has written down."""
    found = await session.scalar(select(MallSetting).where(col(MallSetting.brand_id) == brand_id))
    return found or MallSetting(brand_id=brand_id, version=0)
