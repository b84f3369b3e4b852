"""How often a brand's figures were counted: the number by which readers see that there is something new."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kpi.models import KpiTurn


async def revision(session: AsyncSession, brand_id: UUID) -> int:
    """It grows with each counting; 0 before the first."""
    return await session.scalar(select(col(KpiTurn.revision)).where(col(KpiTurn.brand_id) == brand_id)) or 0
