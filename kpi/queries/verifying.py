"""Compare the rows of figures with what the base rows say now: there should be no difference, ever."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kpi.models import CLOSING_SPANS, Days, KpiMark, KpiSales, KpiStore, KpiWork, Span
from kpi.models.periods import begin_of, end_of
from kpi.queries import store_days
from kpi.queries.counted import over
from kpi.queries.counted.statements import Counting, Rows, of_days, of_spans
from kpi.queries.store_days import StoreDay

STORES_AT_ONCE, DAYS_AT_ONCE = 20, 31
MOST_STRAYS = 1_000

Counted = Mapping[tuple[Any, ...], tuple[int, ...]]

_KEYS: Mapping[Rows, int] = {KpiSales: 8, KpiWork: 6}
_FAR = timedelta(days=62)  # no week or month is longer


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that isn't what it should be: the values it has, none where it is missing, and those it should have."""

    table: str
    key: tuple[Any, ...]
    column: str
    kept: int | None
    counted: int | None


async def kept_stores(session: AsyncSession, brand_id: UUID) -> Sequence[KpiStore]:
    """The stores that are counted, by id."""
    found = await session.scalars(
        select(KpiStore).where(col(KpiStore.brand_id) == brand_id).order_by(col(KpiStore.store_id))
    )
    return found.all()


def batches(stores: Sequence[KpiStore]) -> Iterator[tuple[Sequence[KpiStore], Days]]:
    """All days of these stores: some stores at a time, a month at a time."""
    for place in range(0, len(stores), STORES_AT_ONCE):
        some = stores[place : place + STORES_AT_ONCE]
        at, last = min(store.first for store in some), max(store.last for store in some)
        while at <= last:
            until = min(at + timedelta(days=DAYS_AT_ONCE - 1), last)
            yield some, Days(at, until)
            at = until + timedelta(days=1)


async def differences(session: AsyncSession, stores: Sequence[KpiStore], days: Days) -> list[Difference]:
    """What is wrong in these days of stores of one brand, and in the weeks and months that end in them.

    Days that are marked are left out: they are about to be counted. All is read from one snapshot.
    """
    marked = await _marked(session, stores, days)
    wanted = {
        (store.store_id, day)
        for store in stores
        for day in days
        if store.first <= day <= store.last and (store.store_id, day) not in marked
    }
    spans = {
        (store.store_id, span, begin)
        for store in stores
        for span in CLOSING_SPANS
        for begin in {begin_of(day, span) for day in days}
        if store.first <= end_of(begin, span) < store.last and days.first <= end_of(begin, span) <= days.last
        if not any((store.store_id, day) in marked for day in Days(begin, end_of(begin, span)))
    }
    brand_id = stores[0].brand_id
    dialect = session.get_bind().dialect.name
    found: list[Difference] = []
    if wanted:
        values = await store_days.values(session, brand_id, wanted)
        found += [each for counting in of_days(dialect) for each in await _compared(session, counting, values)]
    if spans:
        values = await over.values(session, brand_id, spans)
        found += [each for counting in of_spans(dialect) for each in await _compared(session, counting, values)]
    return found


async def strays(session: AsyncSession, brand_id: UUID) -> list[Difference]:
    """Rows of stores that aren't counted, or of days that aren't: at most 1,000."""
    found: list[Difference] = []
    for model, keys in _KEYS.items():
        columns: Any = list(model.__table__.columns)  # type: ignore[union-attr]  # set by SQLModel
        its = and_(col(KpiStore.brand_id) == col(model.brand_id), col(KpiStore.store_id) == col(model.store_id))
        early = and_(col(model.span) == Span.DAY, col(model.starts_on) < col(KpiStore.first))
        rows = await session.execute(
            select(*columns[: keys + 1])
            .select_from(model)
            .outerjoin(KpiStore, its)
            .where(
                col(model.brand_id) == brand_id,
                or_(col(KpiStore.store_id).is_(None), col(model.starts_on) > col(KpiStore.last), early),
            )
            .limit(MOST_STRAYS - len(found))
        )
        name = columns[keys].name
        found += [Difference(str(model.__tablename__), tuple(row[:keys]), name, row[keys], None) for row in rows]
    return found


async def _marked(session: AsyncSession, stores: Sequence[KpiStore], days: Days) -> set[StoreDay]:
    """Days with marks; those before, too, for the weeks and months that end in the range."""
    first = days.first - _FAR
    found = await session.execute(
        select(col(KpiMark.store_id), col(KpiMark.first), col(KpiMark.last)).where(
            col(KpiMark.brand_id) == stores[0].brand_id,
            col(KpiMark.store_id).in_([store.store_id for store in stores]),
            col(KpiMark.first) <= days.last,
            col(KpiMark.last) >= first,
        )
    )
    return {(store_id, day) for store_id, begin, end in found for day in Days(max(begin, first), min(end, days.last))}


async def _compared(session: AsyncSession, counting: Counting, values: Mapping[str, Any]) -> list[Difference]:
    model, names = counting.model, counting.names
    columns = model.__table__.columns  # type: ignore[union-attr]  # set by SQLModel
    keys = _KEYS[model]
    connection = await session.connection()
    kept = await connection.execute(select(*(columns[name] for name in names)).where(counting.kept), values)
    fresh = await connection.execute(counting.fresh, values)
    there = {tuple(row[:keys]): tuple(row[keys:]) for row in kept}
    should = {tuple(row[:keys]): tuple(map(int, row[keys:])) for row in fresh}
    return list(_told(model.__tablename__, names[keys:], there, should))


def _told(table: Any, names: Sequence[str], there: Counted, should: Counted) -> Iterator[Difference]:
    for key in sorted({*there, *should}, key=str):
        pairs = zip(names, there.get(key, (None,) * len(names)), should.get(key, (None,) * len(names)), strict=True)
        yield from (Difference(table, key, name, *pair) for name, *pair in pairs if pair[0] != pair[1])
