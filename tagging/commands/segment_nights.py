"""Once a night: look at all customers again, and note who is in which segment, to tell who came and went."""

from datetime import timedelta
from uuid import UUID

from pyroaring import BitMap
from sqlalchemy import delete
from sqlmodel import col

from kernel import bulk
from kernel.work import Work
from tagging.commands import folding
from tagging.errors import BadExpression
from tagging.models import Night, Segment, SegmentNight
from tagging.models.expressions import from_json
from tagging.queries import counting, facts, segments
from tagging.queries.preparing import prepared

KEPT = timedelta(days=8)


async def look_again(work: Work, night: Night) -> UUID | None:
    """What changed without a mark: scores, and the figures of the last 12 months."""
    return await folding.look_again(work, night.after_id, night.begun_at)


async def note_members(work: Work, night: Night) -> UUID | None:
    """Note who is in the next segment by id, and forget nights long past."""
    found = await segments.walk(work.session, work.actor.brand_id, night.after_id, 1)
    if not found:
        await work.session.execute(
            delete(SegmentNight).where(
                col(SegmentNight.brand_id) == work.actor.brand_id, col(SegmentNight.day) < night.day - KEPT
            )
        )
        return None
    [segment] = found
    numbers = await _members(work, segment)
    if numbers is not None:
        row = SegmentNight(
            brand_id=segment.brand_id,
            segment_id=segment.id,
            day=night.day,
            bits=numbers.serialize(),
            version=segment.version,
        )
        await bulk.insert_missing(work.session, SegmentNight, [row.model_dump()])
        night.count(segments=1)
    return segment.id


async def _members(work: Work, segment: Segment) -> BitMap | None:
    today = await facts.today_of(work.session, segment.brand_id)
    try:
        node = await prepared(work.session, segment.brand_id, from_json(segment.tree))
    except BadExpression:
        return None  # others that it names have grown: the night goes on without it
    found = await counting.find(work.session, work.actor, node, today)
    if found is None:
        return None
    besides = await counting.numbers_of(work.session, segment.brand_id, found.ids)
    return found.numbers | BitMap(besides.values())
