"""What customers spent and got back within a scope, exact: in millionths, with what the rounding of lines left over."""

from datetime import date
from typing import Any

from sqlalchemy import CTE, BigInteger, and_, cast, func, literal, select, union_all
from sqlmodel import col

from kernel.db import OneOf
from kpi.queries.customer_views.purchases import EARNER, Query, within
from kpi.queries.scoping import Scope
from mall.models import COUNTED_STATES, Credit, Order, OrderLine, Refund, RefundCharge, RefundLine

_FIRST_PART = 1
_BEARER: Any = col(RefundCharge.account_id)


def moves(scope: Scope, scale: int, after: date | None, until: date, *, with_refunds: bool = True) -> CTE:
    """Rows of `customer_id` (none for guests), `relationship_id`, `orders` and `amount` in millionths.

    Of the days behind `after` up to `until`; refunds by their own days, below zero. Of people it is their parts of
    orders and of refunds; what rounding left over is the first part's, as `kpi.queries.basis` has it.
    """
    parts = [_sold(scope, scale, after, until), _sold_residue(scope, after, until)]
    if with_refunds:
        parts += [_back(scope, scale, after, until), _back_residue(scope, after, until)]
    return union_all(*parts).cte("moves")


def spent(found: CTE) -> CTE:
    """Of each customer with an order `customer_id` and `amount`."""
    total = cast(func.sum(found.c.amount), BigInteger)
    return (
        select(found.c.customer_id, total.label("amount"))
        .where(found.c.customer_id.is_not(None))
        .group_by(found.c.customer_id)
        .having(func.sum(found.c.orders) > 0)
        .cte("spent")
    )


def _sold(scope: Scope, scale: int, after: date | None, until: date) -> Query:
    if scope.account_ids is None:
        return _line(Order, 1, col(Order.amount) * scale).where(*_orders(scope, after, until))
    return _credited(_line(Order, 1, col(Credit.amount) * scale), scope).where(*_orders(scope, after, until))


def _sold_residue(scope: Scope, after: date | None, until: date) -> Query:
    line = _line(Order, 0, col(OrderLine.residue)).join(
        OrderLine,
        and_(
            col(OrderLine.brand_id) == scope.brand_id,
            col(OrderLine.order_id) == col(Order.id),
            col(OrderLine.residue).is_not(None),
        ),
    )
    if scope.account_ids is not None:
        line = _credited(line, scope).where(col(Credit.part) == _FIRST_PART)
    return line.where(*_orders(scope, after, until))


def _back(scope: Scope, scale: int, after: date | None, until: date) -> Query:
    if scope.account_ids is None:
        return _line(Refund, 0, -col(Refund.amount) * scale).where(*_refunds(scope, after, until))
    return _charged(_line(Refund, 0, -col(RefundCharge.amount) * scale), scope).where(*_refunds(scope, after, until))


def _back_residue(scope: Scope, after: date | None, until: date) -> Query:
    line = _line(Refund, 0, -col(RefundLine.residue)).join(
        RefundLine,
        and_(
            col(RefundLine.brand_id) == scope.brand_id,
            col(RefundLine.refund_id) == col(Refund.id),
            col(RefundLine.residue).is_not(None),
        ),
    )
    if scope.account_ids is not None:
        line = _charged(line, scope).where(col(RefundCharge.part) == _FIRST_PART)
    return line.where(*_refunds(scope, after, until))


def _line(table: type[Order] | type[Refund], orders: int, amount: Any) -> Query:
    return select(
        col(table.customer_id).label("customer_id"),
        col(table.relationship_id).label("relationship_id"),
        literal(orders).label("orders"),
        cast(amount, BigInteger).label("amount"),
    ).select_from(table)


def _credited(line: Query, scope: Scope) -> Query:
    return line.join(
        Credit,
        and_(
            col(Credit.brand_id) == scope.brand_id,
            col(Credit.order_id) == col(Order.id),
            OneOf(EARNER, "account_ids"),
        ),
    )


def _charged(line: Query, scope: Scope) -> Query:
    return line.join(
        RefundCharge,
        and_(
            col(RefundCharge.brand_id) == scope.brand_id,
            col(RefundCharge.refund_id) == col(Refund.id),
            OneOf(_BEARER, "account_ids"),
        ),
    )


def _orders(scope: Scope, after: date | None, until: date) -> list[Any]:
    return [*within(scope, Order), col(Order.state).in_(COUNTED_STATES), *_days(Order, after, until)]


def _refunds(scope: Scope, after: date | None, until: date) -> list[Any]:
    return [*within(scope, Refund), col(Refund.is_void).is_(False), *_days(Refund, after, until)]


def _days(table: type[Order] | type[Refund], after: date | None, until: date) -> list[Any]:
    up_to = [col(table.day) <= until]
    return up_to if after is None else [*up_to, col(table.day) > after]
