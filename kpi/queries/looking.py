"""Figures of a whole scope: one for all days, or one for each day, week or month."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.actor import Actor
from kpi.models import Days, Grain, Span
from kpi.models.definitions import DEFINITIONS, Definition, Figure, Sums
from kpi.models.periods import begin_of, end_of
from kpi.queries import reading, scoping
from kpi.queries.reading import Calendar, Question
from kpi.queries.scoping import Asked, require_fitting


@dataclass(frozen=True, slots=True)
class Value:
    """A figure, exact; `sample` is of how many it is a share or an average."""

    figure: Figure
    value: Fraction | None
    sample: int | None
    is_small: bool

    @property
    def definition(self) -> Definition:
        return DEFINITIONS[self.figure]


@dataclass(frozen=True, slots=True)
class Point:
    """The figures of one day, week or month, as far as it lies in the range: `first` and `last` included."""

    first: date
    last: date
    values: tuple[Value, ...]


def value_of(figure: Figure, sums: Sums) -> Value:
    definition = DEFINITIONS[figure]
    return Value(figure, definition.of(sums), definition.sample(sums), definition.is_small(sums))


async def totals(
    session: AsyncSession, actor: Actor, asked: Asked, days: Days, figures: Sequence[Figure]
) -> list[Value]:
    """The figures of all that is asked for, within sight: stores' rows, or those of accounts for a person or a guide.

    Raises `FORBIDDEN` for a machine that may not read reports, `NOT_FOUND`, `INVALID`.
    """
    require_fitting(asked, figures)
    scope = await scoping.scope(session, actor, asked, Grain.STORE)
    found = await reading.sums(session, scope, Question(days, _columns(figures)))
    [sums] = found.values() or [{}]
    return [value_of(figure, sums) for figure in figures]


async def series(
    session: AsyncSession, actor: Actor, asked: Asked, span: Span, days: Days, figures: Sequence[Figure]
) -> list[Point]:
    """The same for each day, week or month of the range, which may cut the first and the last.

    Customers are counted for days, and for whole weeks and months that are over; the others have no value. Nothing has
    one that lies ahead of the last day that has begun anywhere.
    """
    require_fitting(asked, figures)
    scope = await scoping.scope(session, actor, asked, Grain.STORE)
    calendar = await reading.calendar(session, scope)
    found = await reading.series(session, scope, span, days, _columns(figures), calendar.closed)
    return [_point(span, begin, days, calendar, found.get(begin, {}), figures) for begin in _begins(span, days)]


def _point(span: Span, begin: date, days: Days, calendar: Calendar, sums: Sums, figures: Sequence[Figure]) -> Point:
    first, last = max(begin, days.first), min(end_of(begin, span), days.last)
    has_come = first <= calendar.begun
    is_whole = span is Span.DAY or (first == begin and last == end_of(begin, span) <= calendar.closed)
    values = (
        value_of(figure, sums)
        if has_come and (is_whole or not DEFINITIONS[figure].is_distinct)
        else Value(figure, None, None, is_small=False)
        for figure in figures
    )
    return Point(first, last, tuple(values))


def _begins(span: Span, days: Days) -> list[date]:
    found, at = [], begin_of(days.first, span)
    while at <= days.last:
        found.append(at)
        at = end_of(at, span) + timedelta(days=1)
    return found


def _columns(figures: Sequence[Figure]) -> list[str]:
    return sorted({name for figure in figures for name in DEFINITIONS[figure].columns})
