"""What follows for tags when something happens to customers and their orders."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from kernel.work import Work
from tagging.commands import evaluating, marks, nights
from tagging.models import MarkPurpose


async def mark_for_rules(work: Work, events: Sequence[Any]) -> None:
    """Behaviour changed: evidence rules look at these customers again."""
    await marks.mark(work, MarkPurpose.RULES, events)


async def mark_for_segments(work: Work, events: Sequence[Any]) -> None:
    """Something changed that segments may ask for."""
    await marks.mark(work, MarkPurpose.SEGMENTS, events)


async def go_on_with_night(work: Work, day: str) -> None:
    await nights.go_on(work, date.fromisoformat(day))


async def go_through_customers(work: Work, after: str | None = None) -> None:
    await evaluating.go_through(work, after)
