"""What follows for tags when something happens to customers and their orders."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from directory.events import StoreEdited
from kernel.work import Work
from tagging.commands import evaluating, folding, marks, merge, nights, redating
from tagging.models import MarkPurpose


async def mark_behaviour(work: Work, events: Sequence[Any]) -> None:
    """Behaviour changed: evidence rules look at these customers again, and segments may ask for it."""
    await marks.mark(work, (MarkPurpose.RULES, MarkPurpose.SEGMENTS), events)


async def mark_for_segments(work: Work, events: Sequence[Any]) -> None:
    """Something else changed that segments may ask for."""
    await marks.mark(work, (MarkPurpose.SEGMENTS,), events)


async def move_merged(work: Work, tag_id: str) -> None:
    await merge.move_merged(work, UUID(tag_id))


async def redate(work: Work, group_id: str, after: Sequence[str] | None = None) -> None:
    place = (UUID(after[0]), UUID(after[1])) if after is not None else None
    await redating.redate(work, UUID(group_id), place)


async def go_on_with_night(work: Work, day: str) -> None:
    await nights.go_on(work, date.fromisoformat(day))


async def go_through_customers(work: Work, after: str | None = None) -> None:
    await evaluating.go_through(work, after)


async def mark_moved_stores(work: Work, events: Sequence[StoreEdited]) -> None:
    """A store lies in another region, and so do its customers."""
    moved = sorted({event.store_id for event in events if event.has_moved})
    if moved:
        await marks.mark_stores(work, MarkPurpose.SEGMENTS, moved)


async def distrust_segments(work: Work, _events: Sequence[Any]) -> None:
    """An import is at it: what it brings leaves no marks."""
    await folding.distrust(work)


async def go_on_with_segments(work: Work, after: str | None, begun_at: str, is_anew: bool) -> None:
    await folding.go_on(work, UUID(after) if after else None, datetime.fromisoformat(begun_at), is_anew)
