"""Compare the rows of figures with what the base rows say now: there should be no difference, ever."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kpi.models import CLOSING_SPANS, Days, KpiMark, KpiSales, KpiStore, KpiWork, Span
from kpi.models.periods import begin_of, end_of
from kpi.queries import store_days
from kpi.queries.counted import over, sold, worked
from kpi.queries.store_days import StoreDay

DAYS_AT_ONCE = 31

Rows = type[KpiSales] | type[KpiWork]
Counted = Mapping[tuple[Any, ...], tuple[int, ...]]

Fresh = Mapping[Rows, tuple[Sequence[str], Select[*tuple[Any, ...]]]]

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


def chunks(store: KpiStore) -> Iterator[Days]:
    """The store's days, a month at a time."""
    at = store.first
    while at <= store.last:
        until = min(at + timedelta(days=DAYS_AT_ONCE - 1), store.last)
        yield Days(at, until)
        at = until + timedelta(days=1)


async def differences(session: AsyncSession, store: KpiStore, days: Days) -> list[Difference]:
    """What is wrong in these days of a store, and in the weeks and months that end in them.

    Days that are marked are left out: they are about to be counted. All is read from one snapshot.
    """
    marked = await _marked(session, store, days)
    wanted = {(store.store_id, day) for day in days if day not in marked}
    spans = [
        (span, begin)
        for span in CLOSING_SPANS
        for begin in sorted({begin_of(day, span) for day in days})
        if days.first <= end_of(begin, span) <= days.last and end_of(begin, span) < store.last
        if not any(begin <= day <= end_of(begin, span) for day in marked)
    ]
    found = await _of_days(session, store, wanted) if wanted else []
    return found + (await _of_spans(session, store, spans) if spans else [])


async def _marked(session: AsyncSession, store: KpiStore, days: Days) -> set[date]:
    """Days with marks; those before, too, for the weeks and months that end in the range."""
    first = days.first - _FAR
    found = await session.execute(
        select(col(KpiMark.first), col(KpiMark.last)).where(
            col(KpiMark.brand_id) == store.brand_id,
            col(KpiMark.store_id) == store.store_id,
            col(KpiMark.first) <= days.last,
            col(KpiMark.last) >= first,
        )
    )
    wanted = [first + timedelta(days=number) for number in range((days.last - first).days + 1)]
    ranges = found.all()
    return {day for day in wanted if any(begin <= day <= end for begin, end in ranges)}


async def _of_days(session: AsyncSession, store: KpiStore, wanted: Collection[StoreDay]) -> list[Difference]:
    tables = await store_days.tables(session, store.brand_id, wanted)
    days = sorted(day for _, day in wanted)
    fresh: Fresh = {
        KpiSales: (sold.columns(), sold.rows(store.brand_id, tables)),
        KpiWork: (worked.columns(), worked.rows(store.brand_id, tables.days)),
    }
    return [
        difference
        for model, (names, statement) in fresh.items()
        for difference in await _compared(session, store, model, names, statement, _days(model, days))
    ]


async def _of_spans(session: AsyncSession, store: KpiStore, spans: Sequence[tuple[Span, date]]) -> list[Difference]:
    place = (await store_days.places(session, store.brand_id, [store.store_id]))[store.store_id]
    rows = [
        {
            "store_id": store.store_id,
            "public_id": place.public_id,
            "span": span,
            "begin": begin,
            "end": end_of(begin, span),
        }
        for span, begin in spans
    ]
    table = over.table(session, rows)
    fresh: Fresh = {
        KpiSales: (sold.columns(), over.sales(store.brand_id, table)),
        KpiWork: (worked.columns(), over.work(store.brand_id, table)),
    }
    return [
        difference
        for model, (names, statement) in fresh.items()
        for difference in await _compared(session, store, model, names, statement, _spans(model, spans))
    ]


async def _compared(
    session: AsyncSession,
    store: KpiStore,
    model: Rows,
    names: Sequence[str],
    fresh: Select[*tuple[Any, ...]],
    chosen: Any,
) -> list[Difference]:
    columns = model.__table__.columns  # type: ignore[union-attr]  # set by SQLModel
    kept = select(*(columns[name] for name in names)).where(
        col(model.brand_id) == store.brand_id, col(model.store_id) == store.store_id, chosen
    )
    keys = _KEYS[model]
    there = {tuple(row[:keys]): tuple(row[keys:]) for row in await session.execute(kept)}
    should = {tuple(row[:keys]): tuple(map(int, row[keys:])) for row in await session.execute(fresh)}
    return list(_told(model.__tablename__, names[keys:], there, should))


def _told(table: Any, names: Sequence[str], there: Counted, should: Counted) -> Iterator[Difference]:
    for key in sorted({*there, *should}, key=str):
        pairs = zip(names, there.get(key, (None,) * len(names)), should.get(key, (None,) * len(names)), strict=True)
        yield from (Difference(table, key, name, *pair) for name, *pair in pairs if pair[0] != pair[1])


def _days(model: Rows, days: Sequence[date]) -> Any:
    return and_(col(model.span) == Span.DAY, col(model.starts_on).in_(days))


def _spans(model: Rows, spans: Sequence[tuple[Span, date]]) -> Any:
    return or_(*(and_(col(model.span) == span, col(model.starts_on) == begin) for span, begin in spans))
