"""Work out what customers' purchases amount to, from their orders and refunds: one statement for all of them.

Amounts are exact, with what rounding of lines left over, and rounded once at the end, a half away from zero: as
`kpi.queries.basis` reads them, and by the same rules. Cancelled orders don't count, and refunds are no visits.
"""

from datetime import date
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Float,
    Integer,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    select,
    union_all,
)
from sqlmodel import col

from kernel.days import day_after, days_between
from mall.models import (
    COUNTED_STATES,
    EXACT_DIGITS,
    Order,
    OrderLine,
    Refund,
    RefundLine,
    minor_digits,
    patience,
    profiles,
)
from mall.queries.churn import purchase_weight

COLUMNS = (
    "orders",
    "purchase_days",
    "gross",
    "refunds",
    "net",
    "net_12_months",
    "rhythm",
    "first_day",
    "last_day",
    "median_gap_days",
    "at_risk_from",
    "lapsed_from",
    "counted_from",
)


def figures(
    whose: CTE, currency: str, window: ColumnElement[date], until: ColumnElement[date] | None = None
) -> Select[Any]:
    """A row of `customer_id` and `COLUMNS` for each customer of `whose` (`brand_id`, `customer_id`).

    The days after `window` are the last twelve months; `gross_12_months` is what was bought in them, besides `COLUMNS`.
    What is dated after `until` isn't seen.
    """
    scale = int(10 ** (EXACT_DIGITS - minor_digits(currency)))
    daily = _daily(whose, until)
    medians = _medians(daily)
    bought = daily.c.orders > 0
    counts = daily.c.day > window
    net = daily.c.sold - daily.c.back
    net_residue = daily.c.sold_residue - daily.c.back_residue
    totals = (
        select(
            daily.c.customer_id,
            cast(func.sum(daily.c.orders), Integer).label("orders"),
            func.count(case((bought, 1))).label("purchase_days"),
            _rounded(func.sum(daily.c.sold), func.sum(daily.c.sold_residue), scale).label("gross"),
            _rounded(func.sum(daily.c.back), func.sum(daily.c.back_residue), scale).label("refunds"),
            _rounded(func.sum(net), func.sum(net_residue), scale).label("net"),
            _rounded(_sum_where(counts, net), _sum_where(counts, net_residue), scale).label("net_12_months"),
            _rounded(_sum_where(counts, daily.c.sold), _sum_where(counts, daily.c.sold_residue), scale).label(
                "gross_12_months"
            ),
            _rhythm(daily).label("rhythm"),
            func.min(case((bought, daily.c.day))).label("first_day"),
            func.max(case((bought, daily.c.day))).label("last_day"),
            func.min(case((counts, daily.c.day))).label("counted_from"),
        )
        .group_by(daily.c.customer_id)
        .cte("totals")
    )
    return _joined(whose, totals, medians)


def _joined(whose: CTE, totals: CTE, medians: CTE) -> Select[Any]:
    gap = medians.c.median_gap_days
    last = totals.c.last_day
    zero = ("orders", "purchase_days", "gross", "refunds", "net", "net_12_months", "gross_12_months", "rhythm")
    return (
        select(
            whose.c.customer_id,
            *(func.coalesce(totals.c[name], 0).label(name) for name in zero),
            totals.c.first_day,
            last.label("last_day"),
            gap.label("median_gap_days"),
            case((last.is_not(None), day_after(last, _days(gap, 0)))).label("at_risk_from"),
            case((last.is_not(None), day_after(last, _days(gap, 1)))).label("lapsed_from"),
            totals.c.counted_from,
        )
        .outerjoin(totals, totals.c.customer_id == whose.c.customer_id)
        .outerjoin(medians, medians.c.customer_id == whose.c.customer_id)
    )


def _rhythm(daily: CTE) -> ColumnElement[float]:
    """What the purchase days but the first weigh. The first weighs least, so nothing is lost by taking it away."""
    bought = daily.c.orders > 0
    weights = func.sum(case((bought, purchase_weight(daily.c.day)), else_=0.0))
    first = purchase_weight(func.min(case((bought, daily.c.day))))
    return case((func.count(case((bought, 1))) > 1, weights - first), else_=0.0)


def _days(gap: ColumnElement[float], which: int) -> ColumnElement[int]:
    """`mall.models.patience` in SQL. A median is a whole number or a half, so twice of it is exact."""
    times = (profiles.AT_RISK_AFTER_GAPS, profiles.LAPSED_AFTER_GAPS)[which]
    least = (profiles.AT_RISK_LEAST, profiles.LAPSED_LEAST)[which]
    most = (profiles.AT_RISK_MOST, profiles.LAPSED_MOST)[which]
    days = cast(gap * times, Integer)
    return case((gap.is_(None), patience(None)[which]), (days < least, least), (days > most, most), else_=days)


def _daily(whose: CTE, until: ColumnElement[date] | None) -> CTE:
    """One row for each customer and day on which they bought or got money back."""
    moves = union_all(
        _orders(whose, until, orders=literal(1), sold=col(Order.amount)),
        _refunds(whose, until, back=col(Refund.amount)),
        _orders(whose, until, sold_residue=col(OrderLine.residue)).join(
            OrderLine,
            and_(
                col(OrderLine.brand_id) == col(Order.brand_id),
                col(OrderLine.order_id) == col(Order.id),
                col(OrderLine.residue).is_not(None),
            ),
        ),
        _refunds(whose, until, back_residue=col(RefundLine.residue)).join(
            RefundLine,
            and_(
                col(RefundLine.brand_id) == col(Refund.brand_id),
                col(RefundLine.refund_id) == col(Refund.id),
                col(RefundLine.residue).is_not(None),
            ),
        ),
    ).cte("moves")
    sums = (func.sum(moves.c[name]).label(name) for name in _SUMS)
    return select(moves.c.customer_id, moves.c.day, *sums).group_by(moves.c.customer_id, moves.c.day).cte("daily")


_SUMS = ("orders", "sold", "back", "sold_residue", "back_residue")


def _orders(whose: CTE, until: ColumnElement[date] | None, **sums: Any) -> Select[Any]:
    found = select(col(Order.customer_id), col(Order.day), *_summands(sums)).join(
        whose,
        and_(
            col(Order.brand_id) == whose.c.brand_id,
            col(Order.customer_id) == whose.c.customer_id,
            col(Order.state).in_(COUNTED_STATES),
        ),
    )
    return found if until is None else found.where(col(Order.day) <= until)


def _refunds(whose: CTE, until: ColumnElement[date] | None, **sums: Any) -> Select[Any]:
    found = select(col(Refund.customer_id), col(Refund.day), *_summands(sums)).join(
        whose,
        and_(
            col(Refund.brand_id) == whose.c.brand_id,
            col(Refund.customer_id) == whose.c.customer_id,
            col(Refund.is_void).is_(False),
        ),
    )
    return found if until is None else found.where(col(Refund.day) <= until)


def _summands(sums: dict[str, Any]) -> list[ColumnElement[Any]]:
    return [cast(sums.get(name, literal(0)), BigInteger).label(name) for name in _SUMS]


def _medians(daily: CTE) -> CTE:
    """The median number of days between consecutive purchase days: of an even number, the mean of the middle two."""
    walked = (
        select(
            daily.c.customer_id,
            days_between(
                daily.c.day,
                func.lag(daily.c.day).over(partition_by=daily.c.customer_id, order_by=daily.c.day),
            ).label("gap"),
        )
        .where(daily.c.orders > 0)
        .cte("walked")
    )
    ranked = (
        select(
            walked.c.customer_id,
            walked.c.gap,
            func.row_number().over(partition_by=walked.c.customer_id, order_by=walked.c.gap).label("place"),
            func.count().over(partition_by=walked.c.customer_id).label("many"),
        )
        .where(walked.c.gap.is_not(None))
        .cte("ranked")
    )
    twice = ranked.c.place * 2
    return (
        select(ranked.c.customer_id, cast(func.avg(ranked.c.gap), Float).label("median_gap_days"))
        .where(twice.between(ranked.c.many, ranked.c.many + 2))
        .group_by(ranked.c.customer_id)
        .cte("medians")
    )


def _sum_where(condition: ColumnElement[bool], value: ColumnElement[int]) -> ColumnElement[int]:
    return func.sum(case((condition, value), else_=0))


def _rounded(whole: ColumnElement[int], millionths: ColumnElement[int], scale: int) -> ColumnElement[int]:
    """Minor units with their left-over millionths, rounded once; nothing is multiplied, so nothing overflows."""
    left = cast(millionths, BigInteger)
    part = (left % scale + scale) % scale
    units = cast(whole, BigInteger) + (left - part) // scale
    is_up = case((units >= 0, part * 2 >= scale), else_=part * 2 > scale)
    return units + case((is_up, 1), else_=0)
