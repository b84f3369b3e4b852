"""Who bought, in a store or from a guide: the step of a drill-down between figures and orders."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Row, Select, and_, cast, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Customer
from customers.policy import visible_to
from kernel.actor import Actor, Role
from kernel.db import OneOf
from kernel.errors import Invalid
from kernel.pages import Key, Page, paged
from kpi.models import Days, Grain
from kpi.queries import scoping
from kpi.queries.scoping import Asked, Scope
from mall.models import COUNTED_STATES, Credit, Order, Refund, RefundCharge

BuyerRow = Row[*tuple[Any, ...]]
_EARNER: Any = col(Credit.account_id)
_BEARER: Any = col(RefundCharge.account_id)


async def page(session: AsyncSession, actor: Actor, page: Page, asked: Asked, days: Days) -> Sequence[BuyerRow]:
    """Customers with an order or refund on these days: `id`, `orders`, `gross`, `refunds`, `net`; most gross first.

    One more than asked for if there is a next page. They are counted as in the figures: of a store all of it, of a
    guide what is credited to them and what they bear. Guests, and customers out of sight, aren't among them. Raises
    `FORBIDDEN` for a machine that may not read reports, `NOT_FOUND`, and `INVALID` unless a store or a person is named.
    """
    if asked.store_id is asked.staff_id is None and actor.role is not Role.GUIDE:
        raise Invalid(field="storeId", reason="name a store or a guide.", reason_zh="请指定门店或导购。")
    scope = await scoping.scope(session, actor, asked, Grain.STORE)
    of_accounts = scope.grain is Grain.ACCOUNT
    parts = union_all(_sold(scope, days, of_accounts), _given_back(scope, days, of_accounts)).subquery("part")
    orders, gross, refunds = (cast(func.sum(parts.c[name]), BigInteger) for name in ("orders", "gross", "refunds"))
    each = (
        select(
            parts.c.customer_id,
            orders.label("orders"),
            gross.label("gross"),
            refunds.label("refunds"),
            (gross - refunds).label("net"),
        )
        .group_by(parts.c.customer_id)
        .subquery("buyer")
    )
    statement = (
        select(col(Customer.id), each.c.orders, each.c.gross, each.c.refunds, each.c.net)
        .join(each, each.c.customer_id == col(Customer.id))
        .where(visible_to(actor))
    )
    keys = (Key(each.c.gross, descending=True), Key(col(Customer.id)))
    found: Sequence[BuyerRow] = (await session.execute(paged(statement, page, *keys), _values(scope))).all()
    return found


def _sold(scope: Scope, days: Days, of_accounts: bool) -> Select[*tuple[Any, ...]]:
    amount = col(Credit.amount) if of_accounts else col(Order.amount)
    statement = _line(Order, {"orders": literal(1), "gross": amount}).where(
        *_within(scope, days, Order), col(Order.state).in_(COUNTED_STATES)
    )
    if not of_accounts:
        return statement
    credited = and_(col(Credit.brand_id) == scope.brand_id, col(Credit.order_id) == col(Order.id))
    return statement.join(Credit, credited).where(OneOf(_EARNER, "account_ids"))


def _given_back(scope: Scope, days: Days, of_accounts: bool) -> Select[*tuple[Any, ...]]:
    amount = col(RefundCharge.amount) if of_accounts else col(Refund.amount)
    statement = _line(Refund, {"refunds": amount}).where(*_within(scope, days, Refund), col(Refund.is_void).is_(False))
    if not of_accounts:
        return statement
    borne = and_(col(RefundCharge.brand_id) == scope.brand_id, col(RefundCharge.refund_id) == col(Refund.id))
    return statement.join(RefundCharge, borne).where(OneOf(_BEARER, "account_ids"))


def _line(table: type[Order] | type[Refund], values: dict[str, Any]) -> Select[*tuple[Any, ...]]:
    return select(
        col(table.customer_id).label("customer_id"),
        *(values.get(name, literal(0)).label(name) for name in ("orders", "gross", "refunds")),
    )


def _within(scope: Scope, days: Days, table: type[Order] | type[Refund]) -> list[ColumnElement[bool]]:
    conditions: list[Any] = [
        col(table.brand_id) == scope.brand_id,
        col(table.day) >= days.first,
        col(table.day) <= days.last,
        col(table.customer_id).is_not(None),
    ]
    if scope.store_ids is not None:
        conditions.append(OneOf(col(table.store_id), "store_ids"))
    return conditions


def _values(scope: Scope) -> dict[str, Any]:
    chosen = {"store_ids": scope.store_ids, "account_ids": scope.account_ids}
    return {name: list(ids) for name, ids in chosen.items() if ids is not None}
