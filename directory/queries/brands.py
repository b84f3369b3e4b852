"""Reads of brands: one's own, and what an operator asks before there is anybody to act."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Brand
from kernel.actor import Actor

BrandRow = Row[*tuple[Any, ...]]


async def codes(session: AsyncSession) -> Sequence[str]:
    """The codes of all brands in the database, sorted."""
    return (await session.scalars(select(col(Brand.code)).order_by(col(Brand.code)))).all()


async def by_ids(session: AsyncSession, actor: Actor, brand_ids: Sequence[UUID]) -> dict[UUID, BrandRow]:
    """The actor's brand, if it is among these; for anybody there is no other."""
    found = await session.execute(
        select(*Brand.__table__.columns).where(  # type: ignore[attr-defined]  # set by SQLModel
            col(Brand.id) == actor.brand_id, col(Brand.id).in_(brand_ids)
        )
    )
    return {row.id: row for row in found}
