"""Rows of weeks and months that are over: sums of their days, and customers counted anew."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Date, FromClause, Select, Uuid, and_, cast, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel import bulk
from kernel.db import enum_of
from kpi.models import Days, Grain, KpiSales, KpiWork, Span
from kpi.models.measures import DISTINCT, SALES, WORK
from kpi.models.periods import end_of
from kpi.queries.counted.buying import buyers, ordered
from kpi.queries.store_days import BRAND, brand, places

_DAYS: Mapping[str, Any] = {"store_id": Uuid(), "public_id": Uuid(), "day": Date()}
_SPANS: Mapping[str, Any] = {
    "store_id": Uuid(),
    "public_id": Uuid(),
    "span": enum_of(Span),
    "begin": Date(),
    "end": Date(),
}


@dataclass(frozen=True, slots=True)
class Over:
    """Weeks and months of stores as a table for a statement, and all days that lie in any of them."""

    spans: FromClause
    days: FromClause


def tables(dialect: str) -> Over:
    """The tables of statements about weeks and months of stores, without their rows."""
    return Over(bulk.shaped(dialect, _SPANS, "spans"), bulk.shaped(dialect, _DAYS, "days"))


async def values(session: AsyncSession, brand_id: UUID, spans: Collection[tuple[UUID, Span, date]]) -> dict[str, Any]:
    """What these statements are given: weeks and months by their first days; a store that isn't there is left out."""
    known = await places(session, brand_id, {store_id for store_id, _, _ in spans})
    there = sorted(each for each in spans if each[0] in known)
    rows = [
        {
            "store_id": store_id,
            "public_id": known[store_id].public_id,
            "span": span,
            "begin": begin,
            "end": end_of(begin, span),
        }
        for store_id, span, begin in there
    ]
    days = sorted({(store_id, day) for store_id, span, begin in there for day in Days(begin, end_of(begin, span))})
    listed = [{"store_id": store_id, "public_id": known[store_id].public_id, "day": day} for store_id, day in days]
    given = bulk.filled(session, _SPANS, rows, "spans") | bulk.filled(session, _DAYS, listed, "days")
    return {BRAND: brand_id, **given}


def sales(over: Over) -> Select[*tuple[Any, ...]]:
    """Rows of `KpiSales` for these spans, in the order of `sold.columns()`."""
    columns = KpiSales.__table__.columns  # type: ignore[attr-defined]  # set by SQLModel
    sums = [cast(func.sum(columns[name]), BigInteger) for name in SALES]
    its = [columns[name] for name in ("store_id", "account_id", "channel", "source")]
    keys = (over.spans.c.span, columns["grain"], over.spans.c.begin, *its)
    return (
        select(brand(), *keys, *sums)
        .select_from(over.spans)
        .join(KpiSales, _days_of(KpiSales, over.spans))
        .where(col(KpiSales.brand_id) == brand())
        .group_by(*keys)
    )


def work(over: Over) -> Select[*tuple[Any, ...]]:
    """Rows of `KpiWork` for these spans, in the order of `worked.columns()`."""
    both = union_all(_summed(over.spans), *_active(over)).subquery("both")
    keys = [both.c[name] for name in ("span", "grain", "begin", "store_id", "account_id")]
    sums = [cast(func.sum(both.c[name]), BigInteger) for name in (*WORK, *DISTINCT)]
    return select(brand(), *keys, *sums).group_by(*keys)


def _summed(over: FromClause) -> Select[*tuple[Any, ...]]:
    columns = KpiWork.__table__.columns  # type: ignore[attr-defined]  # set by SQLModel
    sums = [func.sum(columns[name]).label(name) for name in WORK]
    keys = (over.c.span, col(KpiWork.grain), over.c.begin, col(KpiWork.store_id), col(KpiWork.account_id))
    return (
        select(*keys, *sums, *(literal(0).label(name) for name in DISTINCT))
        .select_from(over)
        .join(KpiWork, _days_of(KpiWork, over))
        .where(col(KpiWork.brand_id) == brand())
        .group_by(*keys)
    )


def _active(over: Over) -> tuple[Select[*tuple[Any, ...]], Select[*tuple[Any, ...]]]:
    """Customers with an order in the span, each once: of the store, and of each account that has credit."""
    who = buyers(ordered(over.days))
    of_store = _customers(over.spans, who, Grain.STORE, over.spans.c.public_id)
    of_account = _customers(over.spans, who, Grain.ACCOUNT, who.c.account_id)
    return of_store, of_account.where(who.c.account_id.is_not(None))


def _customers(spans: FromClause, who: FromClause, grain: Grain, account_id: Any) -> Select[*tuple[Any, ...]]:
    nothing = [literal(0).label(name) for name in WORK]
    count = func.count(who.c.customer_id.distinct()).label("customers_active")
    keys = (spans.c.span, spans.c.begin, spans.c.store_id, account_id)
    its = literal(grain, enum_of(Grain))
    during = and_(who.c.store_id == spans.c.store_id, who.c.day >= spans.c.begin, who.c.day <= spans.c.end)
    return (
        select(
            spans.c.span,
            its.label("grain"),
            spans.c.begin,
            spans.c.store_id,
            account_id.label("account_id"),
            *nothing,
            count,
        )
        .select_from(spans)
        .join(who, during)
        .group_by(*keys)
    )


def _days_of(model: type[KpiSales] | type[KpiWork], over: FromClause) -> Any:
    return and_(
        col(model.store_id) == over.c.store_id,
        col(model.span) == Span.DAY,
        col(model.starts_on) >= over.c.begin,
        col(model.starts_on) <= over.c.end,
    )
