"""Rows of weeks and months that are over: sums of their days, and customers counted anew."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Date, FromClause, Select, Uuid, and_, cast, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel import bulk
from kernel.db import enum_of
from kpi.models import Grain, KpiSales, KpiWork, Span
from kpi.models.measures import DISTINCT, SALES, WORK
from mall.models import COUNTED_STATES, Credit, Order

_OVER: Mapping[str, Any] = {
    "store_id": Uuid(),
    "public_id": Uuid(),
    "span": enum_of(Span),
    "begin": Date(),
    "end": Date(),
}


def table(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> FromClause:
    """Weeks and months of stores as a table for a statement."""
    return bulk.tabled(session, _OVER, rows)


def sales(brand_id: UUID, over: FromClause) -> Select[*tuple[Any, ...]]:
    """Rows of `KpiSales` for these spans, in the order of `sold.columns()`."""
    columns = KpiSales.__table__.columns  # type: ignore[attr-defined]  # set by SQLModel
    sums = [cast(func.sum(columns[name]), BigInteger) for name in SALES]
    its = [columns[name] for name in ("store_id", "account_id", "channel", "source")]
    keys = (over.c.span, columns["grain"], over.c.begin, *its)
    return (
        select(literal(brand_id, Uuid()), *keys, *sums)
        .select_from(over)
        .join(KpiSales, _days_of(KpiSales, over))
        .where(col(KpiSales.brand_id) == brand_id)
        .group_by(*keys)
    )


def work(brand_id: UUID, over: FromClause) -> Select[*tuple[Any, ...]]:
    """Rows of `KpiWork` for these spans, in the order of `worked.columns()`."""
    both = union_all(_summed(brand_id, over), *_active(brand_id, over)).subquery("both")
    keys = [both.c[name] for name in ("span", "grain", "begin", "store_id", "account_id")]
    sums = [cast(func.sum(both.c[name]), BigInteger) for name in (*WORK, *DISTINCT)]
    return select(literal(brand_id, Uuid()), *keys, *sums).group_by(*keys)


def _summed(brand_id: UUID, over: FromClause) -> Select[*tuple[Any, ...]]:
    columns = KpiWork.__table__.columns  # type: ignore[attr-defined]  # set by SQLModel
    sums = [func.sum(columns[name]).label(name) for name in WORK]
    keys = (over.c.span, col(KpiWork.grain), over.c.begin, col(KpiWork.store_id), col(KpiWork.account_id))
    return (
        select(*keys, *sums, *(literal(0).label(name) for name in DISTINCT))
        .select_from(over)
        .join(KpiWork, _days_of(KpiWork, over))
        .where(col(KpiWork.brand_id) == brand_id)
        .group_by(*keys)
    )


def _active(brand_id: UUID, over: FromClause) -> tuple[Select[*tuple[Any, ...]], Select[*tuple[Any, ...]]]:
    """Customers with an order in the span, each once: of the store, and of each account that has credit."""
    bought = and_(
        col(Order.store_id) == over.c.store_id,
        col(Order.day) >= over.c.begin,
        col(Order.day) <= over.c.end,
        col(Order.state).in_(COUNTED_STATES),
        col(Order.customer_id).is_not(None),
    )
    of_store = _customers(over, Grain.STORE, over.c.public_id).join(Order, bought)
    of_account = (
        _customers(over, Grain.ACCOUNT, col(Credit.account_id))
        .join(Order, bought)
        .join(Credit, and_(col(Credit.brand_id) == brand_id, col(Credit.order_id) == col(Order.id)))
        .where(col(Credit.account_id).is_not(None))
    )
    ours = col(Order.brand_id) == brand_id
    return of_store.where(ours), of_account.where(ours)


def _customers(over: FromClause, grain: Grain, account_id: Any) -> Select[*tuple[Any, ...]]:
    nothing = [literal(0).label(name) for name in WORK]
    count = func.count(col(Order.customer_id).distinct()).label("customers_active")
    keys = (over.c.span, over.c.begin, over.c.store_id, account_id)
    its = literal(grain, enum_of(Grain))
    return (
        select(
            over.c.span,
            its.label("grain"),
            over.c.begin,
            over.c.store_id,
            account_id.label("account_id"),
            *nothing,
            count,
        )
        .select_from(over)
        .group_by(*keys)
    )


def _days_of(model: type[KpiSales] | type[KpiWork], over: FromClause) -> Any:
    return and_(
        col(model.store_id) == over.c.store_id,
        col(model.span) == Span.DAY,
        col(model.starts_on) >= over.c.begin,
        col(model.starts_on) <= over.c.end,
    )
