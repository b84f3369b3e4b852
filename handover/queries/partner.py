"""Reads of how a brand is tied to the partner, and of what the partner has told."""

from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Brand
from handover.models import PartnerNews, PartnerTie


async def is_tied(session: AsyncSession, brand_id: UUID) -> bool:
    """Whether there is a partner to settle with; a tie that is paused is one: what waits for it is not forgotten."""
    return bool(await session.scalar(select(exists().where(col(PartnerTie.brand_id) == brand_id))))


async def is_active(session: AsyncSession, brand_id: UUID) -> bool:
    """Whether the partner may be asked: the brand is tied, and the tie isn't paused."""
    return bool(
        await session.scalar(
            select(exists().where(col(PartnerTie.brand_id) == brand_id, col(PartnerTie.is_paused).is_(False)))
        )
    )


async def tie_of(session: AsyncSession, brand_id: UUID) -> PartnerTie | None:
    """How the brand is tied, paused or not."""
    found: PartnerTie | None = await session.scalar(select(PartnerTie).where(col(PartnerTie.brand_id) == brand_id))
    return found


async def tie_by_code(session: AsyncSession, brand_code: str) -> PartnerTie | None:
    """The same for the brand with that code: the address that the partner calls says no more."""
    brand_id = select(col(Brand.id)).where(col(Brand.code) == brand_code).scalar_subquery()
    found: PartnerTie | None = await session.scalar(select(PartnerTie).where(col(PartnerTie.brand_id) == brand_id))
    return found


async def lock_tie(session: AsyncSession, brand_id: UUID) -> PartnerTie | None:
    """How the brand is tied, kept from other writers until the commit; where it isn't, nobody else ties it."""
    await session.scalar(select(col(Brand.id)).where(col(Brand.id) == brand_id).with_for_update(key_share=True))
    found: PartnerTie | None = await session.scalar(
        select(PartnerTie)
        .where(col(PartnerTie.brand_id) == brand_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return found


async def lock_news(session: AsyncSession, brand_id: UUID, key: str) -> PartnerNews | None:
    """An event that the partner has told, kept from other writers; none once it was forgotten."""
    found: PartnerNews | None = await session.scalar(
        select(PartnerNews)
        .where(col(PartnerNews.brand_id) == brand_id, col(PartnerNews.key) == key)
        .with_for_update(key_share=True)
    )
    return found
