"""Figures as they go out in files: every row of a range piece by piece, and rankings."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import Date, String, Uuid, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel.actor import Actor
from kpi.models import Days, Grain, KpiSales, KpiWork, Span
from kpi.models.definitions import DEFINITIONS, Definition, Figure, Unit
from kpi.models.exact import half_up
from kpi.models.measures import DISTINCT, SALES, WORK
from kpi.queries import naming, reading
from kpi.queries.ranking import RankedBy, Wanted, previous, whole
from kpi.queries.scoping import Asked, Scope, scope
from mall.models import minor_digits

EXPORTED = "kpi.exported"
_AT_ONCE = 500
_NOBODY = ("", "")
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
    actor: Actor
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
            stores = await naming.stores(session, self.scope.brand_id, {row.store_id for _, row in rows})
            people = await naming.owners(session, self.actor, {row.account_id for _, row in rows})
        return [
            [
                row.starts_on.isoformat(),
                *stores.get(row.store_id, _NOBODY),
                *people.get(row.account_id, _NOBODY),
                *((row.channel, row.source) if is_sales else _NOBODY),
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
        currency = await naming.currency_of(session, actor.brand_id)
    return Export(read, actor, its, days, currency, _fitting(asked))


async def ranking(
    read: Read, actor: Actor, asked: Asked, days: Days, by: RankedBy, figure: Figure
) -> tuple[Sequence[Definition], list[Line]]:
    """The whole ranking of stores or guides by a figure, the most first; and which figures stand in it.

    A line has position, code and name, of guides their store's as well, position in the period before, share of the sum
    of all, and the figures. Raises what `ranking.page` does.
    """
    definitions = _fitting(asked)
    wanted = Wanted(by, figure, days, asked, tuple(each.figure for each in definitions))
    async with read() as session:
        lines = await whole(session, actor, wanted)
        keys = [line.id for line in lines]
        was = await previous(session, actor, keys, wanted=replace(wanted, also=()))
        named = await _named(session, actor, by, keys)
        currency = await naming.currency_of(session, actor.brand_id)
    return definitions, [
        [
            line.position or "",
            *named(line.id),
            (was[line.id].position or "") if line.id in was else "",
            "" if line.share is None else _decimal(line.share, _FINE),
            *(cell(each, each.of(line.sums), currency) for each in definitions),
        ]
        for line in lines
    ]


async def _named(
    session: AsyncSession, actor: Actor, by: RankedBy, keys: Sequence[UUID]
) -> Callable[[UUID], Sequence[str]]:
    if by is RankedBy.STORE:
        stores = await naming.stores(session, actor.brand_id, keys)
        return lambda key: stores.get(key, _NOBODY)
    people, places = await naming.people(session, actor, keys), await naming.workplaces(session, actor, keys)
    return lambda key: (*people.get(key, _NOBODY), *places.get(key, _NOBODY))


def cell(definition: Definition, value: Fraction | None, currency: str) -> Cell:
    """A value as it is written: money in the currency itself, seconds and counts as whole numbers; half up."""
    if value is None:
        return ""
    match definition.unit:
        case Unit.MONEY:
            return Decimal(half_up(value)).scaleb(-minor_digits(currency))
        case Unit.SECONDS:
            return half_up(value)
        case Unit.COUNT if definition.over is None:
            return int(value)
        case _:
            return _decimal(value, _FINE)


def _decimal(value: Fraction, digits: int) -> Decimal:
    return Decimal(half_up(value * 10**digits)).scaleb(-digits)


def _fitting(asked: Asked) -> list[Definition]:
    is_apart = not asked.channel is asked.source is None
    return [each for each in DEFINITIONS.values() if each.is_sales or not is_apart]


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
