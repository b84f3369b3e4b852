"""Reads of share links."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel.actor import Actor
from mall.models import Share


async def id_of_code(session: AsyncSession, actor: Actor, code: str) -> UUID | None:
    """The brand's link of that code, whether it has expired or not; none if it knows no such."""
    return await session.scalar(
        select(col(Share.id)).where(col(Share.brand_id) == actor.brand_id, col(Share.code) == code)
    )
