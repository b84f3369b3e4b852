"""Customers of a range of days, counted from its orders: their days don't add up."""

from typing import Any

from sqlalchemy import BigInteger, Select, and_, cast, func, literal, select
from sqlmodel import col

from directory.models import Account
from kernel.db import OneOf
from kpi.models import Days, Grain
from kpi.queries.scoping import By, Scope
from mall.models import COUNTED_STATES, Credit, Order

_EARNER: Any = col(Credit.account_id)


def active(scope: Scope, days: Days, by: By) -> Select[*tuple[Any, ...]]:
    """By key how many customers bought in the range, each once in each store: of stores, or of who has the credit."""
    of_accounts = by is By.GUIDE or scope.grain is Grain.ACCOUNT
    key = _KEYS[by]
    each: Any = (
        select(key.label("key"), func.count(col(Order.customer_id).distinct()).label("customers"))
        .where(*_within(scope, days))
        .group_by(key, col(Order.store_id))
    )
    if of_accounts:
        each = each.join(
            Credit, and_(col(Credit.brand_id) == scope.brand_id, col(Credit.order_id) == col(Order.id))
        ).where(col(Credit.account_id).is_not(None))
        each = each.group_by(col(Credit.account_id))
        if scope.account_ids is not None:
            each = each.where(OneOf(_EARNER, "account_ids"))
    counted: Any = each.subquery("counted")
    total = cast(func.sum(counted.c.customers), BigInteger)
    if by is not By.GUIDE:
        return select(counted.c.key, total).group_by(counted.c.key)
    return (
        select(col(Account.staff_id), total)
        .select_from(counted)
        .join(Account, and_(col(Account.brand_id) == scope.brand_id, col(Account.id) == counted.c.key))
        .where(col(Account.staff_id).is_not(None))
        .group_by(col(Account.staff_id))
    )


def _within(scope: Scope, days: Days) -> list[Any]:
    conditions: list[Any] = [
        col(Order.brand_id) == scope.brand_id,
        col(Order.day) >= days.first,
        col(Order.day) <= days.last,
        col(Order.state).in_(COUNTED_STATES),
        col(Order.customer_id).is_not(None),
    ]
    if scope.store_ids is not None:
        conditions.append(OneOf(col(Order.store_id), "store_ids"))
    conditions += [col(Order.channel) == scope.channel] if scope.channel is not None else []
    conditions += [col(Order.source) == scope.source] if scope.source is not None else []
    return conditions


_KEYS: dict[By, Any] = {
    By.WHOLE: literal(0),
    By.STORE: col(Order.store_id),
    By.GUIDE: col(Credit.account_id),
    By.CHANNEL: col(Order.channel),
    By.SOURCE: col(Order.source),
}
