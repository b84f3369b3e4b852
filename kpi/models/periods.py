"""Days, weeks and months of the stores' calendars, and how a range of days falls into them. No I/O."""

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from kernel.errors import Invalid

MOST_DAYS = 366
FIRST_YEAR, LAST_YEAR = 1970, 2200
_DAY = timedelta(days=1)
_AROUND = timedelta(days=38)  # no way leads further off: a month back, and what of a week lies before it


class Span(StrEnum):
    """How long a row of figures is: a day, a week from Monday on, or a calendar month."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


CLOSING_SPANS = (Span.WEEK, Span.MONTH)
"""Spans that have a row of their own as soon as they are over."""


_LONGEST_FIRST = (Span.MONTH, Span.WEEK, Span.DAY)


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
    """Rows of one span that begin on the days from `first` to `last`: added, or with the sign -1 taken off."""

    span: Span
    first: date
    last: date
    sign: int = 1


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


def pieces(days: Days, closed: date, span: Span) -> list[Piece]:
    """The rows of these days one after another: those of a span that lie in the range as a whole, and days.

    `closed` is the last day that is over everywhere: a week or a month counts by its own row only if it ends by then.
    """
    found: list[Piece] = []
    at = days.first
    while at <= days.last:
        its = span if begin_of(at, span) == at and end_of(at, span) <= min(days.last, closed) else Span.DAY
        found.append(Piece(its, at, at))
        at = end_of(at, its) + _DAY
    return _joined(found)


def fewest(days: Days, closed: date) -> list[Piece]:
    """The fewest rows that come to these days: a month less its last day is two rows, where its other days were 30.

    It is the shortest way from where the first day begins to where the last one ends: a row that is added is a step
    forwards, one that is taken off a step back. `closed` is as with `pieces`. Not for what doesn't add up over days.
    """
    goal = days.last + _DAY
    steps = _steps(days.first - _AROUND, goal + _AROUND, closed)
    came: dict[date, tuple[Span, date]] = {}
    waiting = deque([days.first])
    while goal not in came:
        at = waiting.popleft()
        for span, to in steps[at]:
            if to not in came:
                came[to] = span, at
                waiting.append(to)
    way, at = list[Piece](), goal
    while at != days.first:
        to, (span, at) = at, came[at]
        way.append(Piece(span, min(at, to), min(at, to), 1 if at < to else -1))
    return _joined(sorted(way, key=lambda piece: (-piece.sign, _LONGEST_FIRST.index(piece.span), piece.first)))


def _steps(first: date, last: date, closed: date) -> dict[date, list[tuple[Span, date]]]:
    """Where one row leads to, from each day between these: forwards or, taken off, back."""
    steps: dict[date, list[tuple[Span, date]]] = defaultdict(list)
    for span in _LONGEST_FIRST:
        at = begin_of(first, span)
        while (end := end_of(at, span)) < last and (span is Span.DAY or end <= closed):
            steps[at].append((span, end + _DAY))
            steps[end + _DAY].append((span, at))
            at = end + _DAY
    return steps


def _joined(found: list[Piece]) -> list[Piece]:
    """Neighbours of one span as one piece."""
    joined: list[Piece] = []
    for piece in found:
        if joined and _goes_on(joined[-1], piece):
            joined[-1] = replace(joined[-1], last=piece.last)
        else:
            joined.append(piece)
    return joined


def _goes_on(before: Piece, piece: Piece) -> bool:
    is_alike = (before.span, before.sign) == (piece.span, piece.sign)
    return is_alike and end_of(before.last, before.span) + _DAY == piece.first
