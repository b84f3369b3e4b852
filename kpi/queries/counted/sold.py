"""What was sold and given back on days of stores, by whoever has the credit, channel and source."""

from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Select,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlmodel import col

from kernel.db import enum_of
from kpi.models import Grain, Span
from kpi.models.measures import SALES
from kpi.queries.store_days import Tables, brand, of_day
from mall.models import Credit, LineKind, Order, OrderLine, Refund, RefundCharge

_KEYS = ("grain", "day", "store_id", "account_id", "channel", "source")


def rows(tables: Tables) -> Select[*tuple[Any, ...]]:
    """Rows of `KpiSales` for these days, in the order of `columns()`."""
    orders, refunds = _orders(tables), _refunds(tables)
    parts = union_all(
        _part(orders, Grain.STORE, orders.c.public_id, orders.c.amount),
        _credited(orders),
        _back(refunds, Grain.STORE, refunds.c.public_id, refunds.c.amount),
        _charged(refunds),
    ).subquery("part")
    sums = [cast(func.sum(parts.c[name]), BigInteger).label(name) for name in SALES]
    keys = [parts.c[name] for name in _KEYS]
    return select(
        brand().label("brand_id"),
        literal(Span.DAY, enum_of(Span)).label("span"),
        *keys,
        *sums,
    ).group_by(*keys)


def columns() -> list[str]:
    """The columns that `rows` fills, in their order."""
    return ["brand_id", "span", "grain", "starts_on", "store_id", "account_id", "channel", "source", *SALES]


def _orders(tables: Tables) -> CTE:
    """One row for each order that counts, with what its place and hour say of it."""
    days, cities, late = tables.days, tables.cities, tables.late
    # One index look-up for each order; a group of all lines would read those of all orders.
    units: Any = (
        select(func.coalesce(func.sum(col(OrderLine.quantity)), 0))
        .where(
            col(OrderLine.brand_id) == brand(),
            col(OrderLine.order_id) == col(Order.id),
            col(OrderLine.kind) == LineKind.GOODS,
        )
        .correlate(Order)
        .scalar_subquery()
    )
    shut = or_(
        days.c.opens_at.is_(None),
        col(Order.placed_at) < days.c.opens_at,
        col(Order.placed_at) >= days.c.closes_at,
    )
    return (
        select(
            col(Order.id),
            col(Order.day),
            col(Order.store_id),
            days.c.public_id,
            cast(col(Order.channel), String).label("channel"),
            col(Order.source),
            col(Order.amount),
            units.label("units"),
            _one(col(Order.customer_id).is_(None)).label("guest_orders"),
            _one(days.c.knows_hours).label("hours_known"),
            _one(and_(days.c.knows_hours, func.coalesce(late.c.is_off, shut))).label("off_hours"),
            _one(cities.c.is_cross.is_not(None)).label("city_known"),
            _one(cities.c.is_cross).label("cross_city"),
        )
        .select_from(days)
        .join(Order, of_day(days))
        .outerjoin(cities, and_(cities.c.store_id == col(Order.store_id), cities.c.city == col(Order.city)))
        .outerjoin(late, late.c.order_id == col(Order.id))
        .where(col(Order.brand_id) == brand())
        .cte("sold")
    )


def _refunds(tables: Tables) -> CTE:
    days = tables.days
    return (
        select(
            col(Refund.id),
            col(Refund.day),
            col(Refund.store_id),
            days.c.public_id,
            func.coalesce(cast(col(Order.channel), String), "").label("channel"),
            col(Refund.source),
            col(Refund.amount),
        )
        .select_from(days)
        .join(
            Refund,
            and_(
                col(Refund.store_id) == days.c.store_id,
                col(Refund.day) == days.c.day,
                col(Refund.is_void).is_(False),
            ),
        )
        .outerjoin(Order, and_(col(Order.brand_id) == brand(), col(Order.id) == col(Refund.order_id)))
        .where(col(Refund.brand_id) == brand())
        .cte("given_back")
    )


def _credited(orders: CTE) -> Select[*tuple[Any, ...]]:
    return (
        _part(orders, Grain.ACCOUNT, col(Credit.account_id), col(Credit.amount))
        .join(Credit, and_(col(Credit.brand_id) == brand(), col(Credit.order_id) == orders.c.id))
        .where(col(Credit.account_id).is_not(None))
    )


def _charged(refunds: CTE) -> Select[*tuple[Any, ...]]:
    return (
        _back(refunds, Grain.ACCOUNT, col(RefundCharge.account_id), col(RefundCharge.amount))
        .join(RefundCharge, and_(col(RefundCharge.brand_id) == brand(), col(RefundCharge.refund_id) == refunds.c.id))
        .where(col(RefundCharge.account_id).is_not(None))
    )


def _part(orders: CTE, grain: Grain, account_id: Any, amount: Any) -> Select[*tuple[Any, ...]]:
    flags = {name: orders.c[name] for name in SALES if name in orders.c}
    return _line(orders, grain, account_id, {**flags, "orders": literal(1), "gross": amount})


def _back(refunds: CTE, grain: Grain, account_id: Any, amount: Any) -> Select[*tuple[Any, ...]]:
    return _line(refunds, grain, account_id, {"refund_count": literal(1), "refunds": amount})


def _line(table: CTE, grain: Grain, account_id: Any, values: dict[str, ColumnElement[Any]]) -> Select[*tuple[Any, ...]]:
    return select(
        literal(grain, enum_of(Grain)).label("grain"),
        table.c.day,
        table.c.store_id,
        account_id.label("account_id"),
        table.c.channel,
        table.c.source,
        *(values.get(name, literal(0)).label(name) for name in SALES),
    ).select_from(table)


def _one(condition: Any) -> ColumnElement[int]:
    return case((condition, 1), else_=0)
