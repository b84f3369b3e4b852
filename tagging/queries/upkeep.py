"""Which brands' bitmaps somebody has to see to."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Brand
from kernel.jobs import Job, JobState
from tagging.models import CustomerMark, MarkPurpose, SegmentIndex

GO_ON = "tagging.go_on_with_segments"

# An import tells how far it is more often than that: it is over, or was left.
QUIET = timedelta(minutes=1)


class Need(StrEnum):
    """All customers have to be looked at, or those who are marked."""

    BUILD = "build"
    FOLD = "fold"


async def waiting(session: AsyncSession, at: datetime) -> Sequence[tuple[UUID, Need]]:
    """The brands whose bitmaps are not built, or were left inexact and nobody is at it; and those with marks."""
    is_under_way = exists().where(
        col(Job.brand_id) == col(Brand.id), col(Job.name) == GO_ON, col(Job.state) == JobState.WAITING.value
    )
    is_marked = exists().where(
        col(CustomerMark.brand_id) == col(Brand.id), col(CustomerMark.purpose) == MarkPurpose.SEGMENTS
    )
    is_of_no_use = or_(col(SegmentIndex.built_at).is_(None), col(SegmentIndex.stale_since) < at - QUIET)
    needs_building = and_(is_of_no_use, ~is_under_way)
    found = await session.execute(
        select(col(Brand.id), needs_building)
        .outerjoin(SegmentIndex, col(SegmentIndex.brand_id) == col(Brand.id))
        .where(or_(needs_building, and_(col(SegmentIndex.built_at).is_not(None), is_marked)))
        .order_by(col(Brand.id))
    )
    return [(brand_id, Need.BUILD if has_to_be_built else Need.FOLD) for brand_id, has_to_be_built in found]
