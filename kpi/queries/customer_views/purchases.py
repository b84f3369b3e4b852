"""What the views of customers are made from: the orders and refunds of known customers, as far as a scope goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, Select, and_, cast, extract, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel.db import OneOf
from kernel.errors import Invalid
from kpi.models.periods import FIRST_YEAR, LAST_YEAR
from kpi.queries.basis import scale_of
from kpi.queries.scoping import Scope
from mall.models import COUNTED_STATES, DUE, Credit, Order, PurchaseProfile
from mall.queries import profiles

Query = Select[*tuple[Any, ...]]

EARNER: Any = col(Credit.account_id)
CUSTOMER: Any = col(Order.customer_id)
DAY: Any = col(Order.day)


@dataclass(frozen=True, slots=True)
class Reach:
    """Up to which day is seen, by the stores' calendars, and in what money. `scale` is millionths in a minor unit."""

    on: date
    currency: str
    scale: int


async def reach(session: AsyncSession, scope: Scope, on: date | None) -> Reach:
    """Up to that day, or where it is left out up to today on the calendar of most of the brand's stores.

    Raises `INVALID` for a day of years that no shop has.
    """
    require_day("on", on)
    setting = await profiles.setting(session, scope.brand_id)
    return Reach(on or setting.today, setting.currency, scale_of(setting.currency))


def require_day(field: str, day: date | None) -> None:
    """Raises `INVALID` for a day of years that no shop has."""
    if day is not None and not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise Invalid(
            field=field,
            reason=f"a day of the years {FIRST_YEAR} to {LAST_YEAR}.",
            reason_zh=f"日期应在 {FIRST_YEAR} 年到 {LAST_YEAR} 年之间。",
        )


def is_whole_brand(scope: Scope) -> bool:
    """Whether nothing is left out: then what is new to the scope is new to the brand, and profiles say the same."""
    left_out = (scope.store_ids, scope.account_ids, scope.channel, scope.source)
    return all(each is None for each in left_out)


def values(scope: Scope) -> Mapping[str, Any]:
    """The parameters that conditions on a scope take."""
    chosen = {"store_ids": scope.store_ids, "account_ids": scope.account_ids}
    return {name: list(ids) for name, ids in chosen.items() if ids is not None}


def within(scope: Scope, table: Any) -> list[Any]:
    """That an order or refund is one of the scope's stores."""
    conditions = [col(table.brand_id) == scope.brand_id]
    return conditions if scope.store_ids is None else [*conditions, OneOf(col(table.store_id), "store_ids")]


def bought(scope: Scope, until: date, *columns: ColumnElement[Any]) -> Query:
    """Columns of the orders that count, of known customers, dated on or before that day.

    Of people it is the orders of which they have a part of the credit, each once.
    """
    statement: Query = select(*columns).where(
        *within(scope, Order),
        col(Order.state).in_(COUNTED_STATES),
        CUSTOMER.is_not(None),
        until >= DAY,
    )
    if scope.account_ids is None:
        return statement
    credited = select(col(Credit.order_id)).where(col(Credit.brand_id) == scope.brand_id, OneOf(EARNER, "account_ids"))
    return statement.where(col(Order.id).in_(credited))


def month_of(day: Any) -> ColumnElement[int]:
    """The number of the month that a day lies in: `kpi.models.months.number_of` in SQL."""
    return cast(extract("year", day), Integer) * 12 + cast(extract("month", day), Integer) - 1


def standing(scope: Scope, on: date) -> Query:
    """Of each customer up to that day: `customer_id`, `orders`, `purchase_days`, `last_day`.

    Of the whole brand it is what the profiles keep, as far as they can be right: those of customers who have bought
    nothing since. The others', and those that have to be worked out again, are counted from the orders.
    """
    counted = bought(
        scope,
        on,
        CUSTOMER.label("customer_id"),
        func.count().label("orders"),
        func.count(DAY.distinct()).label("purchase_days"),
        func.max(DAY).label("last_day"),
    ).group_by(CUSTOMER)
    if not is_whole_brand(scope):
        return counted
    counted_from = col(PurchaseProfile.counted_from)
    kept = and_(or_(counted_from.is_(None), counted_from != DUE), col(PurchaseProfile.last_day) <= on)
    still = select(
        col(PurchaseProfile.customer_id),
        cast(col(PurchaseProfile.orders), BigInteger),
        cast(col(PurchaseProfile.purchase_days), BigInteger),
        col(PurchaseProfile.last_day),
    ).where(col(PurchaseProfile.brand_id) == scope.brand_id, col(PurchaseProfile.orders) > 0, kept)
    since = counted.join(
        PurchaseProfile,
        and_(
            col(PurchaseProfile.brand_id) == scope.brand_id,
            col(PurchaseProfile.customer_id) == CUSTOMER,
            or_(counted_from == DUE, col(PurchaseProfile.last_day) > on),
        ),
    )
    both = still.union_all(since).subquery("standing")
    return select(both.c.customer_id, both.c.orders, both.c.purchase_days, both.c.last_day)


def rounded(millionths: int, scale: int) -> int:
    """Minor units, rounded once, a half away from zero."""
    whole = (2 * abs(millionths) + scale) // (2 * scale)
    return whole if millionths >= 0 else -whole
