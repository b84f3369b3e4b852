"""Reads of the region tree."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Brand, Region
from directory.policy import regions_visible_to
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.pages import Key, Page, paged

RegionRow = Row[*tuple[Any, ...]]


async def lock_tree(session: AsyncSession, actor: Actor) -> None:
    """Keep the shape of the brand's tree from other writers until the commit.

    The lock is the brand's row, in the mode that lets rows go on referring to it.
    """
    await session.execute(select(col(Brand.id)).where(col(Brand.id) == actor.brand_id).with_for_update(key_share=True))


async def lock(session: AsyncSession, actor: Actor, region_id: UUID) -> Region:
    """The region, kept from other writers until the commit. `NOT_FOUND` if it isn't in sight."""
    return await _one(session, _visible(actor, region_id).with_for_update(key_share=True))


async def get(session: AsyncSession, actor: Actor, region_id: UUID) -> Region:
    """The region. `NOT_FOUND` if it isn't in sight."""
    return await _one(session, _visible(actor, region_id))


async def own(session: AsyncSession, actor: Actor) -> UUID | None:
    """The region that a regional manager answers for."""
    region_id: UUID | None = await session.scalar(
        select(col(Region.id)).where(col(Region.brand_id) == actor.brand_id, col(Region.path) == actor.region_path)
    )
    return region_id


async def longest_path_below(session: AsyncSession, region: Region) -> int:
    """How long the longest path in the region's part of the tree is."""
    longest: int | None = await session.scalar(
        select(func.max(func.length(col(Region.path)))).where(
            col(Region.brand_id) == region.brand_id, col(Region.path).startswith(region.path, autoescape=True)
        )
    )
    return longest or 0


async def by_ids(session: AsyncSession, actor: Actor, region_ids: Sequence[UUID]) -> dict[UUID, RegionRow]:
    """Those of the regions that are in sight."""
    found = await session.execute(_rows(actor).where(col(Region.id).in_(region_ids)))
    return {row.id: row for row in found}


async def by_codes(session: AsyncSession, actor: Actor) -> dict[str, RegionRow]:
    """All regions in sight by code: a brand has few."""
    return {row.code: row for row in await session.execute(_rows(actor))}


async def page(session: AsyncSession, actor: Actor, page: Page, parent_id: UUID | None = None) -> Sequence[RegionRow]:
    """Regions in sight, parents before their children; `parent_id` narrows to the regions right below one."""
    rows = _rows(actor)
    if parent_id is not None:
        rows = rows.where(col(Region.parent_id) == parent_id)
    found = await session.execute(paged(rows, page, Key(col(Region.path)), Key(col(Region.id))))
    return found.all()


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    return select(*Region.__table__.columns).where(regions_visible_to(actor))  # type: ignore[attr-defined]  # set by SQLModel


def _visible(actor: Actor, region_id: UUID) -> Select[Region]:
    return select(Region).where(col(Region.id) == region_id, regions_visible_to(actor))


async def _one(session: AsyncSession, statement: Select[Any]) -> Region:
    # A move writes the paths of all below in one statement, past the objects that the session knows: read afresh,
    # and before that write what was changed in them.
    await session.flush()
    region: Region | None = await session.scalar(statement.execution_options(populate_existing=True))
    if region is None:
        raise NotFound
    return region
