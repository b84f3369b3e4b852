"""Counted orders of days, read once, and the customers who bought on them."""

from typing import Any

from sqlalchemy import CTE, FromClause, and_, select
from sqlmodel import col

from kpi.queries.store_days import brand, of_day
from mall.models import Credit, Order


def ordered(days: FromClause) -> CTE:
    """The counted orders of these days, by day, store and its public account."""
    return (
        select(
            days.c.day,
            days.c.store_id,
            days.c.public_id,
            col(Order.id).label("order_id"),
            col(Order.customer_id).label("customer_id"),
            col(Order.share_id).label("share_id"),
            col(Order.amount).label("amount"),
            col(Order.paid_at).label("paid_at"),
            col(Order.answered_at).label("answered_at"),
            col(Order.answered_by_id).label("answered_by_id"),
        )
        .select_from(days)
        .join(Order, of_day(days))
        .where(col(Order.brand_id) == brand())
        .cte("ordered")
    )


def buyers(orders: FromClause) -> CTE:
    """Each customer with an order of a day once for each account that has credit; none where nobody has."""
    # Customers are few beside orders, and an account's are among the store's: they are found in one go.
    keys: tuple[Any, ...] = (orders.c.day, orders.c.store_id, orders.c.public_id, orders.c.customer_id)
    return (
        select(*keys, col(Credit.account_id).label("account_id"))
        .select_from(orders)
        .outerjoin(Credit, and_(col(Credit.brand_id) == brand(), col(Credit.order_id) == orders.c.order_id))
        .where(orders.c.customer_id.is_not(None))
        .distinct()
        .cte("buyer")
    )
