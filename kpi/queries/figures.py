"""All figures of a brand, each a pure function of its orders and refunds."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, time
from statistics import median
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Brand
from intake.queries import ledger
from kpi.queries import basis as base
from kpi.queries import rankings, rhythm
from kpi.queries.basis import Basis
from mall.models import COUNTED_STATES, EXACT_DIGITS, Order, Refund, minor_digits

OPENS, CLOSES = time(9), time(18)
_BEST_GOODS, _BEST_GUIDES, _SPOTS = 15, 20, 5
_MONEY = frozenset({"gross", "refunds", "net", "amount", "goods_gross", "goods_refunds", "goods_net"})
_MONEY_CUTS = frozenset({"cut_A_B", "cut_B_C"})


async def figures(
    session: AsyncSession, brand: Brand, as_of: date | None = None, members: Sequence[str] = ()
) -> dict[str, Any]:
    """Every figure up to a store's calendar day, by default that of the last order or refund.

    Money is in the brand's currency with its decimals, shares are between 0 and 1, rates likewise.
    `members` are the member numbers shown one by one; by default those who spent most.
    `ignored_lines` counts what imports left out, whatever the day.
    """
    until = as_of or await _last_day(session, brand.id)
    if until is None:
        return {"scope": {"from": None, "to": None}, "orders": 0, "customers": 0}
    rows = await base.read(session, brand.id, brand.currency, until)
    sold, returned = await base.goods(session, brand.id, brand.currency, until)
    best = await base.best_goods(session, brand.id, brand.currency, until, _BEST_GOODS)
    first = min((sale.day.isoformat() for sale in rows.sales), default=None)
    found = {
        "scope": {"from": first, "to": until.isoformat()},
        "currency": brand.currency,
        **_totals(rows),
        "ignored_lines": await ledger.ignored_lines(session, brand.id),
        "goods_gross": sold,
        "goods_refunds": returned,
        "goods_net": sold - returned,
        **_of_customers(rows, until, members),
        "country_rank_by_gross": rankings.countries(rows),
        "store_rank_suggested": rankings.stores(rows),
        "guide_rank_suggested_top20": rankings.guides(rows, _BEST_GUIDES),
    }
    digits = minor_digits(brand.currency)
    result: dict[str, Any] = _in_currency(found, digits)
    result["top15_goods_by_gross"] = [[code, _money(amount, digits), buyers] for code, amount, buyers in best]
    return result


async def _last_day(session: AsyncSession, brand_id: UUID) -> date | None:
    ordered = await session.scalar(
        select(func.max(col(Order.day))).where(col(Order.brand_id) == brand_id, col(Order.state).in_(COUNTED_STATES))
    )
    refunded = await session.scalar(
        select(func.max(col(Refund.day))).where(col(Refund.brand_id) == brand_id, col(Refund.is_void).is_(False))
    )
    return max((day for day in (ordered, refunded) if day is not None), default=None)


def _totals(rows: Basis) -> dict[str, Any]:
    gross = sum(sale.amount for sale in rows.sales)
    refunds = sum(refund.amount for refund in rows.returns)
    identified = [sale for sale in rows.sales if sale.customer is not None]
    return {
        "orders": len(rows.sales),
        "guest_orders": len(rows.sales) - len(identified),
        "refund_count": len(rows.returns),
        "gross": gross,
        "refunds": refunds,
        "net": gross - refunds,
        "customers": len(rows.members),
        "off_hours": {
            "share_all": _share(sum(_is_off(sale.clock) for sale in rows.sales), len(rows.sales)),
            "share_identified": _share(sum(_is_off(sale.clock) for sale in identified), len(identified)),
        },
    }


def _of_customers(rows: Basis, until: date, members: Sequence[str]) -> dict[str, Any]:
    orders = Counter(sale.customer for sale in rows.sales if sale.customer is not None)
    spent, returned = rankings.spent(rows), rankings.given_back(rows)
    by_gross, letters = rankings.pyramid(spent, rows.members)
    by_net, _ = rankings.pyramid({key: spent[key] - returned[key] for key in spent}, rows.members)
    chosen = [key for key, number in rows.members.items() if number in set(members)] or [
        key for key, _ in spent.most_common(_SPOTS)
    ]
    return {
        "repeat_rate_orders": _share(sum(count >= 2 for count in orders.values()), len(rows.members)),
        "repeat_rate_days": _share(sum(len(days) >= 2 for days in rows.days.values()), len(rows.members)),
        "monthly": rhythm.monthly(rows),
        "cohorts": rhythm.cohorts(rows),
        "pyramid_gross": by_gross,
        "pyramid_net": by_net,
        "gaps_days": rhythm.gaps(rows),
        "lapsed": rhythm.lapsed(rows, until),
        "spot_customers": {
            rows.members[key]: _spot(rows, key, orders[key], spent[key], returned[key], letters[key], until)
            for key in chosen
        },
    }


def _spot(rows: Basis, key: UUID, orders: int, gross: int, refunds: int, letter: str, until: date) -> dict[str, Any]:
    days = rows.days[key]
    gaps = rhythm.gaps_of(days)
    return {
        "orders": orders,
        "purchase_days": len(days),
        "gross": gross,
        "refunds": refunds,
        "net": gross - refunds,
        "first": days[0].isoformat(),
        "last": days[-1].isoformat(),
        "days_since_last": (until - days[-1]).days,
        "median_gap": float(median(gaps)) if gaps else None,
        "abc": letter,
    }


def _is_off(clock: time) -> bool:
    """Before nine or from six in the evening on."""
    return clock < OPENS or clock >= CLOSES


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


def _in_currency(found: Any, digits: int) -> Any:
    """The same with every amount of money in the currency instead of its millionths."""
    if isinstance(found, list):
        return [_in_currency(item, digits) for item in found]
    if isinstance(found, dict):
        return {
            key: _money(value, digits)
            if isinstance(value, int) and key in _MONEY | _MONEY_CUTS
            else _in_currency(value, digits)
            for key, value in found.items()
        }
    return found


def _money(millionths: int, digits: int) -> float:
    """Rounded here and nowhere before, a half away from zero."""
    unit = 10 ** (EXACT_DIGITS - digits)
    minor = (abs(millionths) * 2 + unit) // (2 * unit)
    return float((minor if millionths >= 0 else -minor) / 10**digits)
