"""Reads of imports."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from intake.models import APPLYING, ImportRun
from intake.policy import visible_to
from kernel.actor import Actor
from kernel.pages import Key, Page, along, paged

RunRow = Row[*tuple[Any, ...]]

# Each changes only together with the version. What the import itself goes by is nobody's to see.
_COLUMNS = (
    col(ImportRun.id),
    col(ImportRun.version),
    col(ImportRun.kind),
    col(ImportRun.source),
    col(ImportRun.file_name),
    col(ImportRun.phase),
    col(ImportRun.told),
    col(ImportRun.started_at),
    col(ImportRun.finished_at),
    col(ImportRun.left_behind_at),
)


async def by_ids(session: AsyncSession, actor: Actor, run_ids: Sequence[UUID]) -> dict[UUID, RunRow]:
    """Those of the imports that are in sight."""
    found = await session.execute(_rows(actor).where(col(ImportRun.id).in_(run_ids)))
    return {row.id: row for row in found}


async def page(session: AsyncSession, actor: Actor, page: Page) -> Sequence[RunRow]:
    """Imports in sight, the newest first."""
    return (await session.execute(paged(_rows(actor), page, Key(col(ImportRun.id), descending=True)))).all()


async def walk(session: AsyncSession, actor: Actor, after: UUID | None, most: int) -> Sequence[RunRow]:
    """Imports in sight by id."""
    return (await session.execute(along(_rows(actor), col(ImportRun.id), after, most))).all()


async def unattended(
    session: AsyncSession, at: datetime, long_ago: datetime, limit: int = 100
) -> Sequence[tuple[UUID, UUID]]:
    """Imports of any brand that were left behind and have to be seen to: brand and import.

    Those whose lease is over and of which nobody has said so yet; and those that may be half applied, once the
    lease has been over since `long_ago`.
    """
    is_half_done = and_(
        col(ImportRun.started_over_at).is_(None),
        col(ImportRun.lease_until) <= long_ago,
        col(ImportRun.phase).in_(APPLYING),
    )
    found = await session.execute(
        select(col(ImportRun.brand_id), col(ImportRun.id))
        .where(
            col(ImportRun.finished_at).is_(None),
            col(ImportRun.lease_until) <= at,
            or_(col(ImportRun.left_behind_at).is_(None), is_half_done),
        )
        .order_by(col(ImportRun.lease_until))
        .limit(limit)
    )
    return [(brand_id, run_id) for brand_id, run_id in found]


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    return select(*_COLUMNS).where(visible_to(actor))
