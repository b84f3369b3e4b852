"""Into which period a day falls: months or quarters, from some month on, all days covered once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, timedelta
from enum import StrEnum


class Rhythm(StrEnum):
    """How long a period is: one month, or three from the month on that it was chosen for."""

    MONTHLY = "monthly"
    QUARTERLY = "quarterly"


_MONTHS = {Rhythm.MONTHLY: 1, Rhythm.QUARTERLY: 3}


@dataclass(frozen=True, slots=True)
class Span:
    """A period: its first and last day, store-local."""

    first_day: date
    last_day: date


Course = Sequence[tuple[date, Rhythm]]
"""From which first of a month on which rhythm holds, in order; the first of them also before it."""


def usual(today: date) -> Course:
    """What holds as long as nobody has said anything: months."""
    return [(date(today.year, 1, 1), Rhythm.MONTHLY)]


def period_of(day: date, course: Course) -> Span:
    """The period that a day falls into."""
    since, rhythm = next((each for each in reversed(course) if each[0] <= day), course[0])
    months = _MONTHS[rhythm]
    whole = ((day.year - since.year) * 12 + day.month - since.month) // months
    return Span(_later(since, whole * months) or date.min, _eve(_later(since, (whole + 1) * months)))


def _later(first: date, months: int) -> date | None:
    """So many months later; nothing beyond the calendar's first and last year."""
    count = first.year * 12 + first.month - 1 + months
    return date(count // 12, count % 12 + 1, 1) if MINYEAR <= count // 12 <= MAXYEAR else None


def _eve(day: date | None) -> date:
    return day - timedelta(days=1) if day is not None else date.max
