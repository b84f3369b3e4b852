"""Reads of saved segments."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.pages import Key, Page, along, paged
from tagging.models import Segment, SegmentNight, SegmentUse, SegmentVersion, Sharing
from tagging.models.expressions import Node, from_json
from tagging.policy import segments_visible_to

DEEPEST = 5

SegmentRow = Row[*tuple[Any, ...]]


async def by_ids(session: AsyncSession, actor: Actor, segment_ids: Sequence[UUID]) -> dict[UUID, SegmentRow]:
    """Those of the segments that are in sight, retired ones too."""
    found = await session.execute(_rows(actor).where(col(Segment.id).in_(segment_ids)))
    return {row.id: row for row in found}


async def page(session: AsyncSession, actor: Actor, page: Page) -> Sequence[SegmentRow]:
    """The segments in use that are in sight, by name."""
    rows = _rows(actor).where(col(Segment.retired_at).is_(None))
    return (await session.execute(paged(rows, page, Key(col(Segment.name)), Key(col(Segment.id))))).all()


async def versions(session: AsyncSession, actor: Actor, segment_id: UUID, page: Page) -> Sequence[SegmentRow]:
    """What a segment in sight was, newest first."""
    found = await session.execute(
        paged(
            select(*SegmentVersion.__table__.columns)  # type: ignore[attr-defined]  # set by SQLModel
            .join(
                Segment,
                (col(Segment.brand_id) == col(SegmentVersion.brand_id))
                & (col(Segment.id) == col(SegmentVersion.segment_id)),
            )
            .where(
                col(SegmentVersion.brand_id) == actor.brand_id,
                col(SegmentVersion.segment_id) == segment_id,
                segments_visible_to(actor),
            ),
            page,
            Key(col(SegmentVersion.version), descending=True),
        )
    )
    return found.all()


async def by_names(session: AsyncSession, actor: Actor, names: Iterable[str]) -> dict[str, UUID]:
    """The segments in use and in sight with these names, but for names that two have."""
    found: dict[str, set[UUID]] = {}
    rows = await session.execute(
        select(col(Segment.name), col(Segment.id)).where(
            segments_visible_to(actor), col(Segment.retired_at).is_(None), col(Segment.name).in_(sorted(set(names)))
        )
    )
    for name, segment_id in rows:
        found.setdefault(name, set()).add(segment_id)
    return {name: ids.pop() for name, ids in found.items() if len(ids) == 1}


async def lock(session: AsyncSession, actor: Actor, segment_id: UUID) -> Segment:
    """The segment, kept from other writers until the commit. `NOT_FOUND` if it isn't in sight."""
    segment = await session.scalar(
        select(Segment).where(segments_visible_to(actor), col(Segment.id) == segment_id).with_for_update(key_share=True)
    )
    if segment is None:
        raise NotFound
    return segment


async def in_use(session: AsyncSession, actor: Actor, sharing: Sharing) -> int:
    """How many segments the brand shares, or the actor keeps for themselves."""
    whose = [col(Segment.owner_id) == actor.staff_id] if sharing is Sharing.PRIVATE else []
    count = await session.scalar(
        select(func.count())
        .select_from(Segment)
        .where(
            col(Segment.brand_id) == actor.brand_id,
            col(Segment.sharing) == sharing,
            col(Segment.retired_at).is_(None),
            *whose,
        )
    )
    return int(count or 0)


async def is_taken(session: AsyncSession, segment: Segment) -> bool:
    """Whether another segment has the name, of the same owner or of those that the brand shares."""
    found = await session.scalar(
        select(col(Segment.id)).where(
            col(Segment.brand_id) == segment.brand_id,
            col(Segment.name) == segment.name,
            col(Segment.id) != segment.id,
            col(Segment.retired_at).is_(None),
            (col(Segment.owner_id) == segment.owner_id) | (col(Segment.sharing) == Sharing.BRAND),
        )
    )
    return found is not None


async def trees(session: AsyncSession, brand_id: UUID, segment_ids: Iterable[UUID]) -> dict[UUID, Node]:
    """The expressions of these segments, and of all that they name, as deep as they may."""
    found: dict[UUID, Node] = {}
    wanted = set(segment_ids)
    for _ in range(DEEPEST + 1):
        if not wanted:
            break
        rows = await session.execute(
            select(col(Segment.id), col(Segment.tree)).where(
                col(Segment.brand_id) == brand_id, col(Segment.id).in_(sorted(wanted))
            )
        )
        found |= {segment_id: from_json(tree) for segment_id, tree in rows}
        used = await session.scalars(
            select(col(SegmentUse.used_id)).where(
                col(SegmentUse.brand_id) == brand_id, col(SegmentUse.segment_id).in_(sorted(wanted))
            )
        )
        wanted = set(used) - found.keys()
    return found


async def users_of(session: AsyncSession, brand_id: UUID, segment_ids: Iterable[UUID]) -> Sequence[SegmentRow]:
    """The segments in use that name one of these."""
    found = await session.execute(
        select(col(Segment.id), col(Segment.name), col(Segment.owner_id), col(Segment.sharing))
        .join(
            SegmentUse,
            (col(SegmentUse.brand_id) == col(Segment.brand_id)) & (col(SegmentUse.segment_id) == col(Segment.id)),
        )
        .where(
            col(SegmentUse.brand_id) == brand_id,
            col(SegmentUse.used_id).in_(sorted(segment_ids)),
            col(Segment.retired_at).is_(None),
        )
        .distinct()
        .order_by(col(Segment.name), col(Segment.id))
    )
    return found.all()


async def night(session: AsyncSession, brand_id: UUID, segment_id: UUID) -> SegmentNight | None:
    """Who was in the segment on the last night that was kept."""
    found: SegmentNight | None = await session.scalar(
        select(SegmentNight)
        .where(col(SegmentNight.brand_id) == brand_id, col(SegmentNight.segment_id) == segment_id)
        .order_by(col(SegmentNight.day).desc())
        .limit(1)
    )
    return found


async def walk(session: AsyncSession, brand_id: UUID, after: UUID | None, most: int) -> Sequence[Segment]:
    """All segments in use, by id."""
    rows = select(Segment).where(col(Segment.brand_id) == brand_id, col(Segment.retired_at).is_(None))
    return (await session.scalars(along(rows, col(Segment.id), after, most))).all()


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    return select(*Segment.__table__.columns).where(segments_visible_to(actor))  # type: ignore[attr-defined]  # set by SQLModel
