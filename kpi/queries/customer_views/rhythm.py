"""When customers last bought, whether they bought again, and after how many days."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import accumulate
from typing import Any

from sqlalchemy import func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.days import days_between
from kpi.queries.customer_views.purchases import CUSTOMER, DAY, Query, bought, standing, values
from kpi.queries.scoping import Scope

LAPSES = (30, 60, 90, 180, 365)
_POOLED, _MEDIANS = "pooled", "medians"


@dataclass(frozen=True, slots=True)
class Lapse:
    """Customers whose last purchase day is more than so many days ago, and at least so many."""

    days: int
    more_than: int
    at_least: int


@dataclass(frozen=True, slots=True)
class Lapsed:
    """How long customers have been silent, of all who bought up to that day."""

    on: date
    customers: int
    lapses: list[Lapse]


@dataclass(frozen=True, slots=True)
class Repeat:
    """How many customers bought again: two orders or more, and on two days or more."""

    on: date
    customers: int
    with_two_orders: int
    with_two_days: int

    @property
    def rate_by_orders(self) -> float | None:
        return self.with_two_orders / self.customers if self.customers else None

    @property
    def rate_by_days(self) -> float | None:
        return self.with_two_days / self.customers if self.customers else None


@dataclass(frozen=True, slots=True)
class Spread:
    """Where the values lie, in days; quartiles are interpolated between neighbours. No values: all null."""

    count: int
    mean: float | None = None
    median: float | None = None
    p25: float | None = None
    p75: float | None = None


@dataclass(frozen=True, slots=True)
class Gaps:
    """Days between consecutive purchase days: of all gaps, and of the medians of customers who have one."""

    on: date
    pooled: Spread
    customer_medians: Spread


async def lapsed(session: AsyncSession, scope: Scope, on: date) -> Lapsed:
    """Who has been silent for how long on that day; orders behind it aren't seen."""
    each = standing(scope, on).subquery("each")
    counts = [func.count().label("customers")]
    for days in LAPSES:
        line = literal(on - timedelta(days=days))
        counts.append(func.count().filter(each.c.last_day < line).label(f"more_than_{days}"))
        counts.append(func.count().filter(each.c.last_day <= line).label(f"at_least_{days}"))
    row = (await session.execute(select(*counts), values(scope))).one()._mapping
    return Lapsed(
        on, row["customers"], [Lapse(days, row[f"more_than_{days}"], row[f"at_least_{days}"]) for days in LAPSES]
    )


async def repeat(session: AsyncSession, scope: Scope, on: date) -> Repeat:
    """Who had bought again by that day."""
    each = standing(scope, on).subquery("each")
    row = await session.execute(
        select(
            func.count(),
            func.count().filter(each.c.orders >= 2),
            func.count().filter(each.c.purchase_days >= 2),
        ),
        values(scope),
    )
    return Repeat(on, *row.one())


async def gaps(session: AsyncSession, scope: Scope, on: date) -> Gaps:
    """How many days passed between purchase days up to that day.

    The database counts how often each number of days occurs, of which there are a few thousand at most.
    """
    found = await session.execute(_counted(scope, on), values(scope))
    counts: dict[str, list[tuple[int, int]]] = {_POOLED: [], _MEDIANS: []}
    for kind, gap, times in found:
        counts[kind].append((gap, times))
    return Gaps(on, spread(sorted(counts[_POOLED])), spread(sorted(counts[_MEDIANS]), halves=True))


def _counted(scope: Scope, on: date) -> Query:
    """How often each gap occurs, and each median, which is counted twice over so as to be whole."""
    days = bought(scope, on, CUSTOMER.label("customer_id"), DAY.label("day")).distinct().cte("days")
    before = func.lag(days.c.day).over(partition_by=days.c.customer_id, order_by=days.c.day)
    walked = select(days.c.customer_id, days_between(days.c.day, before).label("gap")).cte("walked")
    each = walked.c.customer_id
    ranked = (
        select(
            each.label("customer_id"),
            walked.c.gap,
            func.row_number().over(partition_by=each, order_by=walked.c.gap).label("place"),
            func.count().over(partition_by=each).label("many"),
        )
        .where(walked.c.gap.is_not(None))
        .cte("ranked")
    )
    # The one in the middle, which counts twice, or the two beside it.
    medians = (
        select((func.min(ranked.c.gap) + func.max(ranked.c.gap)).label("twice"))
        .where((ranked.c.place * 2).between(ranked.c.many, ranked.c.many + 2))
        .group_by(ranked.c.customer_id)
        .subquery("medians")
    )
    return _histogram(ranked, medians)


def _histogram(ranked: Any, medians: Any) -> Query:
    both = union_all(
        select(literal(_POOLED).label("kind"), ranked.c.gap.label("gap"), func.count().label("times")).group_by(
            ranked.c.gap
        ),
        select(literal(_MEDIANS), medians.c.twice, func.count()).group_by(medians.c.twice),
    ).subquery("both")
    return select(both.c.kind, both.c.gap, both.c.times)


def spread(counts: Sequence[tuple[int, int]], *, halves: bool = False) -> Spread:
    """Of values in order, each with how often it occurs; `halves` if the values are twice what they stand for."""
    ends = list(accumulate(times for _, times in counts))
    if not ends:
        return Spread(0)
    many, unit = ends[-1], 2 if halves else 1

    def quantile(share: Fraction) -> float:
        place = (many - 1) * share
        low = int(place)
        below, above = (counts[bisect_right(ends, at)][0] for at in (low, min(low + 1, many - 1)))
        return float((below + (above - below) * (place - low)) / unit)

    mean = Fraction(sum(value * times for value, times in counts), many * unit)
    quarter = Fraction(1, 4)
    return Spread(many, float(mean), quantile(2 * quarter), quantile(quarter), quantile(3 * quarter))
