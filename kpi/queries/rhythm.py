"""When customers come back, and when they no longer do: months, cohorts, gaps, lapses."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from statistics import mean, median
from typing import Any
from uuid import UUID

from kpi.queries.basis import Basis

LAPSES = (30, 60, 90, 180, 365)


def month_of(day: date) -> str:
    return f"{day.year}-{day.month:02}"


def monthly(basis: Basis) -> list[dict[str, Any]]:
    """Per calendar month who was active, new (拉新), retained (留存), returned (回流) and lapsed.

    Amounts are in millionths. `active` = `new` + `retained` + `returned`. Orders, gross and refunds count guests.
    """
    active: dict[str, set[UUID]] = defaultdict(set)
    for customer, days in basis.days.items():
        for day in days:
            active[month_of(day)].add(customer)
    firsts = {customer: month_of(days[0]) for customer, days in basis.days.items()}
    orders = Counter(month_of(sale.day) for sale in basis.sales)
    gross, refunds = Counter[str](), Counter[str]()
    for sale in basis.sales:
        gross[month_of(sale.day)] += sale.amount
    for given_back in basis.returns:
        refunds[month_of(given_back.day)] += given_back.amount
    rows, before = [], set[UUID]()
    for month in basis.months:
        now = active[month]
        new = {customer for customer in now if firsts[customer] == month}
        rows.append(
            {
                "month": month,
                "active": len(now),
                "new": len(new),
                "retained": len(now & before),
                "returned": len(now - new - before),
                "lapsed_from_prev": len(before - now),
                "orders": orders[month],
                "gross": gross[month],
                "refunds": refunds[month],
            }
        )
        before = now
    return rows


def cohorts(basis: Basis) -> dict[str, list[int]]:
    """By month of the first order: how many were active that month, one month later, and so on."""
    months = basis.months
    place = {month: index for index, month in enumerate(months)}
    counts: dict[str, list[int]] = {month: [0] * (len(months) - index) for index, month in enumerate(months)}
    for days in basis.days.values():
        first = month_of(days[0])
        for month in {month_of(day) for day in days}:
            counts[first][place[month] - place[first]] += 1
    return {month: row for month, row in counts.items() if row[0]}


def gaps(basis: Basis) -> dict[str, Any]:
    """Days between consecutive purchase days: over all gaps, and over the medians of customers with a gap."""
    each = {customer: gaps_of(days) for customer, days in basis.days.items()}
    pooled = [gap for found in each.values() for gap in found]
    medians = [float(median(found)) for found in each.values() if found]
    return {"pooled": _spread(pooled), "customer_medians": _spread(medians)}


def gaps_of(days: Sequence[date]) -> list[int]:
    return [(later - earlier).days for earlier, later in pairwise(days)]


def lapsed(basis: Basis, on: date) -> dict[str, Any]:
    """Customers by days since their last purchase day; `gt_90` is strictly more than 90, `ge_90` at least."""
    since = [(on - days[-1]).days for days in basis.days.values()]
    counts: dict[str, Any] = {"date": on.isoformat(), "customers": len(since)}
    for limit in LAPSES:
        counts[f"gt_{limit}"] = sum(days > limit for days in since)
        counts[f"ge_{limit}"] = sum(days >= limit for days in since)
    return counts


def _spread(values: Sequence[float]) -> dict[str, Any]:
    if not values:
        return {"count": 0, "mean": None, "median": None, "p25": None, "p75": None}
    ordered = sorted(values)
    return {
        "count": len(ordered),
        "mean": round(mean(ordered), 6),
        "median": float(median(ordered)),
        "p25": quantile(ordered, 0.25),
        "p75": quantile(ordered, 0.75),
    }


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which that share lies, interpolated between neighbours."""
    place = (len(ordered) - 1) * share
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return float(ordered[low] + (ordered[high] - ordered[low]) * (place - low))
