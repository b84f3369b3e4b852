"""Who comes, stays, comes back and stays away, by calendar month; and what becomes of those who came together."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import CTE, and_, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from kpi.models.months import Months, begin_of_number
from kpi.queries.customer_views.purchases import CUSTOMER, DAY, Query, bought, is_whole_brand, month_of, values
from kpi.queries.scoping import Scope
from mall.models import COUNTED_STATES, Order


@dataclass(frozen=True, slots=True)
class MonthFlow:
    """`active` = `new` (拉新) + `retained` (留存) + `returned` (回流). `new_to_brand` are a part of the new."""

    month: date
    active: int = 0
    new: int = 0
    new_to_brand: int = 0
    retained: int = 0
    returned: int = 0
    lapsed_from_previous: int = 0


@dataclass(frozen=True, slots=True)
class Cohort:
    """Customers whose first order was in `month`; `active` is how many of them bought that month, the next, and so on.

    Ends with the last month that was asked for.
    """

    month: date
    active: list[int]


async def monthly(session: AsyncSession, scope: Scope, months: Months) -> list[MonthFlow]:
    """Of each month, also of those without orders; nothing behind the last day of the last month is seen."""
    found = {row.month: row for row in await session.execute(_flow(scope, months), values(scope))}
    to_brand = None if is_whole_brand(scope) else await _new_to_brand(session, scope, months)
    rows = []
    for month in months:
        now, before = found.get(month), found.get(month - 1)
        new = now.new if now else 0
        rows.append(
            MonthFlow(
                begin_of_number(month),
                now.active if now else 0,
                new,
                new if to_brand is None else to_brand.get(month, 0),
                now.retained if now else 0,
                now.returned if now else 0,
                before.gone if before else 0,
            )
        )
    return rows


async def cohorts(session: AsyncSession, scope: Scope, months: Months) -> list[Cohort]:
    """Of each month in which somebody bought for the first time within the scope."""
    active = _active(scope, months)
    first = func.min(active.c.month).over(partition_by=active.c.customer_id)
    walked = select(active.c.month, first.label("first")).cte("walked")
    found = await session.execute(
        select(walked.c.first, (walked.c.month - walked.c.first).label("later"), func.count().label("customers"))
        .where(walked.c.first >= months.first)
        .group_by(walked.c.first, walked.c.month - walked.c.first),
        values(scope),
    )
    counts: dict[int, list[int]] = {}
    for row in found:
        counts.setdefault(row.first, [0] * (months.last - row.first + 1))[row.later] = row.customers
    return [Cohort(begin_of_number(first), counts[first]) for first in sorted(counts)]


def _active(scope: Scope, months: Months) -> CTE:
    """One row for each customer and month in which they bought, from the first order on."""
    columns = (CUSTOMER.label("customer_id"), month_of(DAY).label("month"))
    return bought(scope, months.last_day, *columns).distinct().cte("active")


def _flow(scope: Scope, months: Months) -> Query:
    active = _active(scope, months)
    month = active.c.month
    in_turn: dict[str, Any] = {"partition_by": active.c.customer_id, "order_by": month}
    walked = select(
        month, func.lag(month).over(**in_turn).label("before"), func.lead(month).over(**in_turn).label("next")
    ).cte("walked")
    stays = walked.c.next == walked.c.month + 1
    return (
        select(
            walked.c.month,
            func.count().label("active"),
            func.count().filter(walked.c.before.is_(None)).label("new"),
            func.count().filter(walked.c.before == walked.c.month - 1).label("retained"),
            func.count().filter(walked.c.before < walked.c.month - 1).label("returned"),
            (func.count() - func.count().filter(stays)).label("gone"),
        )
        .where(walked.c.month >= months.first - 1)
        .group_by(walked.c.month)
    )


async def _new_to_brand(session: AsyncSession, scope: Scope, months: Months) -> dict[int, int]:
    """Of the customers new to the scope those who had bought nowhere in the brand before that month."""
    active, earlier = _active(scope, months), aliased(Order)
    first = func.min(active.c.month)
    news = (
        select(active.c.customer_id, first.label("month"))
        .group_by(active.c.customer_id)
        .having(first >= months.first)
        .cte("news")
    )
    known = exists().where(
        and_(
            col(earlier.brand_id) == scope.brand_id,
            col(earlier.customer_id) == news.c.customer_id,
            col(earlier.state).in_(COUNTED_STATES),
            month_of(col(earlier.day)) < news.c.month,
        )
    )
    counts = select(news.c.month, func.count()).where(~known).group_by(news.c.month)
    found = await session.execute(counts, values(scope))
    return {row[0]: row[1] for row in found}
