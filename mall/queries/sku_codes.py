"""Reads of SKUs by their codes."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel.actor import Actor
from mall.models import Sku


async def unknown_of(session: AsyncSession, actor: Actor, codes: Sequence[str]) -> list[str]:
    """Those of the codes that no SKU has, in their order; none where the brand has no SKUs at all."""
    if not codes:
        return []
    found = await session.scalars(
        select(col(Sku.code)).where(col(Sku.brand_id) == actor.brand_id, col(Sku.code).in_(set(codes)))
    )
    known = set(found)
    unknown = [code for code in dict.fromkeys(codes) if code not in known]
    if not unknown or known:
        return unknown
    any_sku = await session.scalar(select(col(Sku.id)).where(col(Sku.brand_id) == actor.brand_id).limit(1))
    return unknown if any_sku is not None else []
