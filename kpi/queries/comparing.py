"""Figures of some days, beside what they were before, and what is usual."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from sqlalchemy.ext.asyncio import AsyncSession

from kpi.models import Days, Span
from kpi.models.definitions import DEFINITIONS, Figure
from kpi.models.periods import before
from kpi.models.unusual import Usual, usual
from kpi.queries.reading import Question, series, sums
from kpi.queries.scoping import Scope
from kpi.queries.watching import first_day

WEEKS = 8
"""A day is held against the same day of so many weeks before."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure of some days, exact; none where it would be a part of nothing."""

    figure: Figure
    value: Fraction | None
    previous: Fraction | None = None
    usual: Usual | None = None


async def compared(session: AsyncSession, scope: Scope, days: Days, figures: Sequence[Figure]) -> list[Compared]:
    """Figures beside those of the period before: the month before a month, else as many days."""
    now, was = await values(session, scope, days, figures), await values(session, scope, before(days), figures)
    return [Compared(figure, now[figure], was[figure]) for figure in figures]


async def values(
    session: AsyncSession, scope: Scope, days: Days, figures: Sequence[Figure]
) -> dict[Figure, Fraction | None]:
    """The figures of a range as a whole."""
    columns = {name for figure in figures for name in DEFINITIONS[figure].columns}
    found = await sums(session, scope, Question(days, columns))
    whole = next(iter(found.values()), {})
    return {figure: DEFINITIONS[figure].of(whole) for figure in figures}


async def beside_usual(session: AsyncSession, scope: Scope, day: date, figure: Figure) -> Compared:
    """A day's figure beside what is usual on this day of the week: none where too few weeks are known."""
    definition = DEFINITIONS[figure]
    weeks_ago = [day - timedelta(weeks=number) for number in range(WEEKS, 0, -1)]
    began = await first_day(session, scope)
    by_day = await series(session, scope, Span.DAY, Days(weeks_ago[0], day), definition.columns, closed=day)
    known = [definition.of(by_day.get(each, {})) for each in weeks_ago if began is not None and each >= began]
    past = [value for value in known if value is not None]
    return Compared(figure, definition.of(by_day.get(day, {})), usual=usual(past))
