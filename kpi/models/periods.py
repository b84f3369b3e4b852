"""Days, weeks and months of the stores' calendars, and how a range of days falls into them. No I/O."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from kernel.errors import Invalid

MOST_DAYS = 366
FIRST_YEAR, LAST_YEAR = 1970, 2200
_DAY = timedelta(days=1)


class Span(StrEnum):
    """How long a row of figures is: a day, a week from Monday on, or a calendar month."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


CLOSING_SPANS = (Span.WEEK, Span.MONTH)
"""Spans that have a row of their own as soon as they are over."""


_LONGEST_FIRST = (Span.MONTH, Span.WEEK)


@dataclass(frozen=True, slots=True)
class Days:
    """Days of the stores' calendars, both ends included. Raises `INVALID` unless they are 1 to 366."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if not FIRST_YEAR <= self.first.year <= LAST_YEAR or not FIRST_YEAR <= self.last.year <= LAST_YEAR:
            raise Invalid(
                field="fromDay",
                reason=f"a day of the years {FIRST_YEAR} to {LAST_YEAR}.",
                reason_zh=f"日期应在 {FIRST_YEAR} 年到 {LAST_YEAR} 年之间。",
            )
        if not 1 <= self.count <= MOST_DAYS:
            raise Invalid(
                field="untilDay",
                reason=f"not before `fromDay`, and at most {MOST_DAYS} days.",
                reason_zh=f"不能早于开始日期，且最多 {MOST_DAYS} 天。",
            )

    @property
    def count(self) -> int:
        return (self.last - self.first).days + 1

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=number) for number in range(self.count))


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of one span that begin on the days from `first` to `last`."""

    span: Span
    first: date
    last: date


def begin_of(day: date, span: Span) -> date:
    """The first day of the week or month that the day lies in."""
    match span:
        case Span.DAY:
            return day
        case Span.WEEK:
            return day - timedelta(days=day.weekday())
        case Span.MONTH:
            return day.replace(day=1)


def end_of(begin: date, span: Span) -> date:
    """The last day of a week or month that begins on that day."""
    match span:
        case Span.DAY:
            return begin
        case Span.WEEK:
            return begin + timedelta(days=6)
        case Span.MONTH:
            return (begin + timedelta(days=31)).replace(day=1) - _DAY


def before(days: Days) -> Days:
    """What a range is compared with: the month before a calendar month, otherwise as many days just before."""
    if days.first.day == 1 and days.last == end_of(days.first, Span.MONTH):
        return Days(begin_of(days.first - _DAY, Span.MONTH), days.first - _DAY)
    return Days(days.first - timedelta(days=days.count), days.first - _DAY)


def pieces(days: Days, closed: date, spans: Sequence[Span] = CLOSING_SPANS) -> list[Piece]:
    """The fewest rows that add up to these days: whole months and weeks, as far as such rows are wanted, and days.

    `closed` is the last day that is over everywhere: a week or a month counts by its own row only if it ends by then.
    """
    found: list[Piece] = []
    at = days.first
    while at <= days.last:
        span = next((span for span in _LONGEST_FIRST if span in spans and _fits(at, span, days.last, closed)), Span.DAY)
        found.append(Piece(span, at, at))
        at = end_of(at, span) + _DAY
    return _joined(found)


def _fits(begin: date, span: Span, last: date, closed: date) -> bool:
    return begin_of(begin, span) == begin and end_of(begin, span) <= min(last, closed)


def _joined(found: list[Piece]) -> list[Piece]:
    """Neighbours of one span as one piece."""
    joined: list[Piece] = []
    for piece in found:
        if joined and joined[-1].span is piece.span and end_of(joined[-1].last, piece.span) + _DAY == piece.first:
            joined[-1] = Piece(piece.span, joined[-1].first, piece.last)
        else:
            joined.append(piece)
    return joined
