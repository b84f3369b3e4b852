"""Reads of how a brand is tied to the partner."""

from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from handover.models import PartnerTie


async def is_tied(session: AsyncSession, brand_id: UUID) -> bool:
    """Whether there is a partner to settle with; a tie that is paused is one: what waits for it is not forgotten."""
    return bool(await session.scalar(select(exists().where(col(PartnerTie.brand_id) == brand_id))))
