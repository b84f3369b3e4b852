"""Reads of brands: what an operator asks before there is anybody to act."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Brand


async def codes(session: AsyncSession) -> Sequence[str]:
    """The codes of all brands in the database, sorted."""
    return (await session.scalars(select(col(Brand.code)).order_by(col(Brand.code)))).all()
