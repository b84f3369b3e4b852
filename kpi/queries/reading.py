"""Sums over the rows of figures: as few rows as add up to a range of days, and customers counted where days don't."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, FromClause, Select, and_, cast, func, literal, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Account
from kernel.db import OneOf
from kpi.models import Days, Grain, KpiSales, KpiStore, KpiWork, Piece, Span
from kpi.models.measures import DISTINCT, SALES
from kpi.models.periods import begin_of, fewest, pieces
from kpi.queries import counting
from kpi.queries.scoping import By, Scope

Rows = type[KpiSales] | type[KpiWork]
Key = Any

Summed = dict[Key, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Question:
    """Which columns, of which days, told apart by what."""

    days: Days
    columns: Collection[str]
    by: By = By.WHOLE


@dataclass(frozen=True, slots=True)
class Calendar:
    """The last day that is over in all of some stores, and the last one that has begun in any.

    Their weeks and months that are over by the one have rows; nothing has happened behind the other.
    """

    closed: date
    begun: date


async def calendar(session: AsyncSession, scope: Scope) -> Calendar:
    """Of the stores that are asked for."""
    last = col(KpiStore.last)
    statement = select(func.min(last), func.max(last)).where(col(KpiStore.brand_id) == scope.brand_id)
    if scope.store_ids is not None:
        statement = statement.where(OneOf(col(KpiStore.store_id), "store_ids"))
    first, latest = (await session.execute(statement, values_of(scope))).one()
    return Calendar(first - timedelta(days=1), latest) if first is not None else Calendar(date.min, date.min)


async def sums(session: AsyncSession, scope: Scope, question: Question) -> Summed:
    """The columns' sums by key: a store's or staff member's id, a channel or source, or none for the whole.

    Keys that come to nothing are left out, and so may be columns in which a key does. By guide it is the rows of
    accounts, and accounts without a guide are left out. Cost: the fewest rows of months, weeks and days that come to
    the range, added or taken off; for customers of any other range than one of these, its orders.
    """
    parts = fewest(question.days, (await calendar(session, scope)).closed)
    found: Summed = {}
    for model in (KpiSales, KpiWork):
        names = [name for name in question.columns if (name in SALES) is (model is KpiSales) and name not in DISTINCT]
        if names:
            _add(found, names, _told(await _read(session, scope, _summed(scope, model, parts, names, question.by))))
    if any(name in DISTINCT for name in question.columns):
        has_rows = len(parts) == 1 and parts[0].first == parts[0].last and scope.channel is scope.source is None
        active = (
            _summed(scope, KpiWork, parts, DISTINCT, question.by)
            if has_rows and question.by not in (By.CHANNEL, By.SOURCE)
            else counting.active(scope, question.days, question.by)
        )
        _add(found, DISTINCT, _told(await _read(session, scope, active)))
    return found


async def series(
    session: AsyncSession, scope: Scope, span: Span, days: Days, columns: Collection[str], closed: date
) -> dict[date, dict[str, int]]:
    """The columns' sums of each day, or of each week or month, by its first day; the range may cut the outer ones.

    Customers are counted for whole days, weeks and months that are over alone: the others have none. `closed` is the
    calendar's; for days it is of no matter.
    """
    parts = pieces(days, closed, span)
    found: Summed = {}
    for model in (KpiSales, KpiWork):
        names = [name for name in columns if (name in SALES) is (model is KpiSales)]
        if names:
            _add(found, names, await _read(session, scope, _in_turn(scope, model, parts, names)))
    by_begin: dict[date, dict[str, int]] = {}
    for (kind, starts_on), values in sorted(found.items(), key=lambda each: each[0][1]):
        into = by_begin.setdefault(begin_of(starts_on, span), {})
        for name, value in values.items():
            if name not in DISTINCT or kind is span:
                into[name] = into.get(name, 0) + value
    return by_begin


async def _read(session: AsyncSession, scope: Scope, statement: Select[*tuple[Any, ...]]) -> Sequence[Any]:
    # Past the mapping of objects: there are none, and tens of thousands of rows would be looked at for them.
    connection = await session.connection()
    rows: Sequence[Any] = (await connection.execute(statement, values_of(scope))).all()
    return rows


def _in_turn(scope: Scope, model: Rows, parts: Sequence[Piece], names: Sequence[str]) -> Select[*tuple[Any, ...]]:
    columns = model.__table__.columns  # type: ignore[union-attr]  # set by SQLModel
    key: list[Any] = [col(model.span), col(model.starts_on)]
    begins = or_(*(and_(col(model.span) == part.span, _begins(model, part)) for part in parts))
    totals: list[Any] = [cast(func.sum(columns[name]), BigInteger) for name in names]
    return select(*key, *totals).where(*_within(scope, model, By.WHOLE), begins).group_by(*key)


def _summed(
    scope: Scope, model: Rows, parts: Sequence[Piece], names: Sequence[str], by: By
) -> Select[*tuple[Any, ...]]:
    key, accounts = _key(model, by), by is By.GUIDE
    columns = model.__table__.columns  # type: ignore[union-attr]  # set by SQLModel
    each = union_all(
        *(
            select(key.label("key"), *(_signed(columns[name], part).label(name) for name in names)).where(
                *_within(scope, model, by), col(model.span) == part.span, _begins(model, part)
            )
            for part in parts
        )
    ).subquery("part")
    totals: list[Any] = [cast(func.sum(each.c[name]), BigInteger).label(name) for name in names]
    by_key = select(each.c.key, *totals).group_by(each.c.key)
    return _by_guide(scope, by_key, names) if accounts else by_key


def _by_guide(scope: Scope, by_account: Select[*tuple[Any, ...]], names: Sequence[str]) -> Select[*tuple[Any, ...]]:
    """Of a guide with accounts in several stores it is all of them."""
    each, owner = by_account.subquery("account_sum"), _owners(scope)
    totals: list[Any] = [cast(func.sum(each.c[name]), BigInteger).label(name) for name in names]
    return select(owner.c.staff_id, *totals).join_from(each, owner, owner.c.id == each.c.key).group_by(owner.c.staff_id)


def _owners(scope: Scope) -> FromClause:
    """Accounts of people. PostgreSQL takes sums by account for few, and would look up a brand's accounts one by one."""
    accounts = select(col(Account.id), col(Account.staff_id)).where(
        col(Account.brand_id) == scope.brand_id, col(Account.staff_id).is_not(None)
    )
    if scope.store_ids is not None:
        return accounts.subquery("owner")
    return accounts.cte("owner").prefix_with("MATERIALIZED", dialect="postgresql")


def _signed(column: ColumnElement[int], part: Piece) -> ColumnElement[int]:
    return column if part.sign > 0 else -column


def _begins(model: Rows, part: Piece) -> ColumnElement[bool]:
    if part.first == part.last:
        return col(model.starts_on) == part.first
    return and_(col(model.starts_on) >= part.first, col(model.starts_on) <= part.last)


def within(scope: Scope, model: Rows) -> list[Any]:
    """Of which stores, accounts, channel and source rows are; with the values of `values_of`."""
    conditions: list[Any] = []
    if scope.store_ids is not None:
        conditions.append(OneOf(col(model.store_id), "store_ids"))
    if scope.account_ids is not None:
        conditions.append(OneOf(col(model.account_id), "account_ids"))
    if model is KpiSales:
        conditions += [col(KpiSales.channel) == scope.channel] if scope.channel is not None else []
        conditions += [col(KpiSales.source) == scope.source] if scope.source is not None else []
    return conditions


def _within(scope: Scope, model: Rows, by: By) -> list[Any]:
    grain = Grain.ACCOUNT if by is By.GUIDE else scope.grain
    return [col(model.brand_id) == scope.brand_id, col(model.grain) == grain, *within(scope, model)]


def _key(model: Rows, by: By) -> Any:
    match by:
        case By.STORE:
            return col(model.store_id)
        case By.GUIDE:
            return col(model.account_id)
        case By.CHANNEL:
            return col(KpiSales.channel)
        case By.SOURCE:
            return col(KpiSales.source)
        case By.WHOLE:
            return literal(0)


def _told(rows: Sequence[Any]) -> Sequence[Any]:
    """Without those that come to nothing: whether a range has rows can't be told when it is a month less some days."""
    return [row for row in rows if any(row[1:])]


def _add(found: Summed, names: Sequence[str], rows: Sequence[Any]) -> None:
    """Each row is a key, of one or two columns, and the sums."""
    split = len(rows[0]) - len(names) if rows else 0
    for row in rows:
        key = row[0] if split == 1 else tuple(row[:split])
        found.setdefault(key, {}).update(zip(names, row[split:], strict=True))


def values_of(scope: Scope) -> Mapping[str, Any]:
    """The ids that a scope's statements are given."""
    chosen = {"store_ids": scope.store_ids, "account_ids": scope.account_ids}
    return {name: list(ids) for name, ids in chosen.items() if ids is not None}
