"""Figures as they go out in files: every row of a range piece by piece, and rankings."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any
from uuid import UUID

from sqlalchemy import Date, String, Uuid, and_, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Account, Brand, Staff, Store
from kernel.actor import Actor, Role
from kernel.db import OneOf
from kernel.errors import Forbidden, Invalid
from kpi.models import Days, Grain, KpiSales, KpiWork, Span
from kpi.models.definitions import DEFINITIONS, Definition, Figure, Unit
from kpi.models.measures import DISTINCT, SALES, WORK
from kpi.models.periods import before
from kpi.queries import reading
from kpi.queries.reading import Question, Summed
from kpi.queries.scoping import Asked, By, Scope, scope
from mall.models import minor_digits

EXPORTED = "kpi.exported"
_AT_ONCE = 500
_IDS = "ids"
_FINE = 6  # decimals of shares, and of counts for each of something
_KEYS = ("starts_on", "store_id", "account_id")
_KINDS: Mapping[str, Any] = {
    "starts_on": Date(),
    "store_id": Uuid(),
    "account_id": Uuid(),
    "channel": String(),
    "source": String(),
}

Read = Callable[[], AbstractAsyncContextManager[AsyncSession]]
Rows = type[KpiSales] | type[KpiWork]
Cell = str | int | Decimal
Line = list[Cell]


@dataclass(frozen=True, slots=True)
class Export:
    """Rows of figures in somebody's sight, which are still to be read; amounts have so many decimals."""

    read: Read
    scope: Scope
    days: Days
    currency: str
    figures: Sequence[Definition]

    async def lines(self) -> AsyncIterator[list[Line]]:
        """By day, store and account: a line for what was done, and one for each channel and source that sold.

        A line says what its kind of row knows, so that a column adds up; some hundred at a time.
        """
        waiting: list[Any] = []
        async for row in self._merged():
            waiting.append(row)
            if len(waiting) == _AT_ONCE:
                yield await self._said(waiting)
                waiting = []
        if waiting:
            yield await self._said(waiting)

    async def _merged(self) -> AsyncIterator[tuple[bool, Any]]:
        """The rows of both tables in the order of what they have in common; true for those of sales."""
        work, sales = self._rows(KpiWork), self._rows(KpiSales)
        done, sold = await anext(work, None), await anext(sales, None)
        while done is not None or sold is not None:
            if sold is None or (done is not None and tuple(done[:3]) <= tuple(sold[:3])):
                yield False, done
                done = await anext(work, None)
            else:
                yield True, sold
                sold = await anext(sales, None)

    async def _rows(self, model: Rows) -> AsyncIterator[Any]:
        """The rows of a table from one to the next, each piece read in a session of its own."""
        names = (SALES if model is KpiSales else (*WORK, *DISTINCT)) if self._wants(model) else ()
        after: Sequence[Any] | None = None
        while names:
            async with self.read() as session:
                rows = (await session.execute(_piece(self, model, names, after), reading.values_of(self.scope))).all()
            for row in rows:
                yield row
            if len(rows) < _AT_ONCE:
                return
            after = rows[-1][: len(_key(model))]

    def _wants(self, model: Rows) -> bool:
        """Channel and source are known of sales alone."""
        if model is KpiWork and not self.scope.channel is self.scope.source is None:
            return False
        return any(each.is_sales is (model is KpiSales) for each in self.figures)

    async def _said(self, rows: Sequence[tuple[bool, Any]]) -> list[Line]:
        async with self.read() as session:
            brand_id = self.scope.brand_id
            stores = await _stores(session, brand_id, {row.store_id for _, row in rows})
            people = await _people_of_accounts(session, brand_id, {row.account_id for _, row in rows})
        nobody: Line = ["", ""]
        return [
            [
                row.starts_on.isoformat(),
                *stores.get(row.store_id, nobody),
                *people.get(row.account_id, nobody),
                *((row.channel, row.source) if is_sales else nobody),
                *(self._cell(each, row._mapping) if each.is_sales is is_sales else "" for each in self.figures),
            ]
            for is_sales, row in rows
        ]

    def _cell(self, definition: Definition, sums: Mapping[Any, Any]) -> Cell:
        return cell(definition, definition.of(sums), self.currency)


async def begin(read: Read, actor: Actor, asked: Asked, days: Days, grain: Grain) -> Export:
    """The export of what is asked for, of the stores' rows or of those of accounts, as far as the actor sees it.

    `FORBIDDEN`, `NOT_FOUND`. With a channel or source there are only the figures that are told apart by it.
    """
    async with read() as session:
        its = await scope(session, actor, asked, grain)
        currency = await currency_of(session, actor)
    return Export(read, its, days, currency, _fitting(asked))


async def ranking(
    read: Read, actor: Actor, asked: Asked, days: Days, by: By, figure: Figure
) -> tuple[Sequence[Definition], list[Line]]:
    """The stores or guides with figures of these days, by one of them, the most first; and which figures stand in it.

    A line has position, code, name, position in the period before, share of the sum of all, and the figures. Who has
    no value comes last, without a position. `FORBIDDEN` for guides and for a machine that may not read reports,
    `NOT_FOUND`, `INVALID` with a channel or source that the figure isn't told apart by.
    """
    definitions, ranked_by = _fitting(asked), DEFINITIONS[figure]
    if ranked_by not in definitions:
        raise Invalid(
            field="figure", reason="not told apart by channel and source.", reason_zh="此指标不按渠道或来源区分。"
        )
    if actor.role is Role.GUIDE:
        raise Forbidden
    async with read() as session:
        its = await scope(session, actor, asked, Grain.STORE if by is By.STORE else Grain.ACCOUNT)
        columns = {name for each in definitions for name in each.columns}
        found = await reading.sums(session, its, Question(days, columns, by))
        was = await reading.sums(session, its, Question(before(days), ranked_by.columns, by))
        named = await (_stores if by is By.STORE else _people)(session, actor.brand_id, found)
        currency = await currency_of(session, actor)
    placed, earlier = _positions(ranked_by, found), _positions(ranked_by, was)
    total = sum((ranked_by.of(sums) or Fraction(0) for sums in found.values()), Fraction(0))
    adds_up = ranked_by.over is None and not ranked_by.is_distinct and total > 0
    order = sorted(found, key=lambda key: (placed.get(key, len(found) + 1), named.get(key, ["", ""])[0], str(key)))
    lines: list[Line] = []
    for key in order:
        value = ranked_by.of(found[key])
        share = _decimal(value / total, _FINE) if adds_up and value is not None else ""
        figures = (cell(each, each.of(found[key]), currency) for each in definitions)
        lines.append([placed.get(key, ""), *named.get(key, ["", ""]), earlier.get(key, ""), share, *figures])
    return definitions, lines


async def currency_of(session: AsyncSession, actor: Actor) -> str:
    """The currency of all the brand's amounts."""
    return await session.scalar(select(col(Brand.currency)).where(col(Brand.id) == actor.brand_id)) or "CNY"


def cell(definition: Definition, value: Fraction | None, currency: str) -> Cell:
    """A value as it is written: money in the currency itself, seconds and counts as whole numbers; half up."""
    if value is None:
        return ""
    match definition.unit:
        case Unit.MONEY:
            return Decimal(floor(value + Fraction(1, 2))).scaleb(-minor_digits(currency))
        case Unit.SECONDS:
            return floor(value + Fraction(1, 2))
        case Unit.COUNT if definition.over is None:
            return int(value)
        case _:
            return _decimal(value, _FINE)


def _decimal(value: Fraction, digits: int) -> Decimal:
    return Decimal(floor(value * 10**digits + Fraction(1, 2))).scaleb(-digits)


def _fitting(asked: Asked) -> list[Definition]:
    is_apart = not asked.channel is asked.source is None
    return [each for each in DEFINITIONS.values() if each.is_sales or not is_apart]


def _positions(definition: Definition, found: Summed) -> dict[UUID, int]:
    """From 1 on; those who are the same share one. Who has no value has none."""
    values = {key: value for key, sums in found.items() if (value := definition.of(sums)) is not None}
    positions: dict[Fraction, int] = {}
    for place, value in enumerate(sorted(values.values(), reverse=True), 1):
        positions.setdefault(value, place)
    return {key: positions[value] for key, value in values.items()}


def _key(model: Rows) -> tuple[str, ...]:
    return (*_KEYS, "channel", "source") if model is KpiSales else _KEYS


def _piece(export: Export, model: Rows, names: Iterable[str], after: Sequence[Any] | None) -> Any:
    columns: Any = model.__table__.columns  # type: ignore[union-attr]  # set by SQLModel
    key = _key(model)
    its = [columns[name] for name in key]
    conditions = [
        col(model.brand_id) == export.scope.brand_id,
        col(model.span) == Span.DAY,
        col(model.grain) == export.scope.grain,
        col(model.starts_on) >= export.days.first,
        col(model.starts_on) <= export.days.last,
        *reading.within(export.scope, model),
    ]
    if after is not None:
        values = [literal(value, _KINDS[name]) for value, name in zip(after, key, strict=True)]
        # The first column by itself as well: SQLite goes by it to where the piece begins.
        conditions += [col(model.starts_on) >= after[0], tuple_(*its) > tuple_(*values)]
    return select(*its, *(columns[name] for name in names)).where(*conditions).order_by(*its).limit(_AT_ONCE)


async def _stores(session: AsyncSession, brand_id: UUID, store_ids: Collection[UUID]) -> dict[UUID, Line]:
    """Codes and names of stores."""
    found = await session.execute(
        select(col(Store.id), col(Store.code), col(Store.name)).where(
            col(Store.brand_id) == brand_id, OneOf(col(Store.id), _IDS)
        ),
        {_IDS: list(store_ids)},
    )
    return {key: [code, name] for key, code, name in found}


async def _people(session: AsyncSession, brand_id: UUID, staff_ids: Collection[UUID]) -> dict[UUID, Line]:
    """Numbers and names of people."""
    found = await session.execute(
        select(col(Staff.id), col(Staff.number), col(Staff.name)).where(
            col(Staff.brand_id) == brand_id, OneOf(col(Staff.id), _IDS)
        ),
        {_IDS: list(staff_ids)},
    )
    return {key: [number, name] for key, number, name in found}


async def _people_of_accounts(session: AsyncSession, brand_id: UUID, account_ids: Collection[UUID]) -> dict[UUID, Line]:
    """Numbers and names of whose accounts these are; a store's public account is nobody's."""
    found = await session.execute(
        select(col(Account.id), col(Staff.number), col(Staff.name))
        .join(Staff, and_(col(Staff.brand_id) == brand_id, col(Staff.id) == col(Account.staff_id)))
        .where(col(Account.brand_id) == brand_id, OneOf(col(Account.id), _IDS)),
        {_IDS: list(account_ids)},
    )
    return {key: [number, name] for key, number, name in found}
