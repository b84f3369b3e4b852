"""What every row of figures has to be, worked out of all base rows in plain Python: no code shared with the product."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any
from unicodedata import normalize
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlmodel import col

from directory.models import Store
from kernel.work import Ground
from kpi.models import KpiSales, KpiStore, KpiWork
from mall.models import Credit, Order, OrderLine, Refund, RefundCharge
from tests.kpi.base_rows import DAY, Base, Key, Part, base_of, counted, listed, order_day
from tests.kpi.oracle_work import work

Figures = Mapping[Key, Mapping[str, int]]
"""The columns of each row that aren't zero; a row of nothing else is none."""


async def truth(ground: Ground, brand_id: UUID) -> Figures:
    """All rows that there should be by now: of days that have come, and of weeks and months that are over."""
    return figures(await base_of(ground, brand_id))


async def kept(ground: Ground, brand_id: UUID) -> Figures:
    """The rows that there are."""
    found = {}
    async with ground.db.read() as session:
        for table in (KpiSales, KpiWork):
            for row in await session.scalars(select(table).where(col(table.brand_id) == brand_id)):
                named = row.model_dump()
                names = [column.name for column in table.__table__.primary_key][1:]  # type: ignore[union-attr]  # set by SQLModel
                key = (table.__tablename__, *(named.pop(name) for name in names))
                found[key] = {name: value for name, value in named.items() if name != "brand_id" and value}
    return {key: values for key, values in found.items() if values}


def figures(base: Base) -> Figures:
    """The same, of these rows."""
    last = {row.store_id: row.last for row in base.of(KpiStore)}
    totals: dict[Key, dict[str, Any]] = defaultdict(dict)
    for key, day, values in (*_sales(base), *work(base), *_active(base)):
        if day > last.get(key[2], date.min):
            continue
        for span, begin, end in _spans(day):
            if span == "day" or end < last[key[2]]:
                table, grain, *rest = key
                _add(totals[table, span, grain, begin, *rest], values)
    found = {key: {name: _size(value) for name, value in values.items()} for key, values in totals.items()}
    whole = {key: {name: value for name, value in values.items() if value} for key, values in found.items()}
    return {key: values for key, values in whole.items() if values}


def _add(total: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Numbers are added up; of people each counts once."""
    for name, value in values.items():
        if isinstance(value, set):
            total.setdefault(name, set()).update(value)
        else:
            total[name] = total.get(name, 0) + value


def _size(value: Any) -> int:
    return len(value) if isinstance(value, set) else int(value)


def _spans(day: date) -> Iterator[tuple[str, date, date]]:
    monday, first = day - timedelta(days=day.weekday()), day.replace(day=1)
    following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    yield from (("day", day, day), ("week", monday, monday + 6 * DAY), ("month", first, following - DAY))


def _sales(base: Base) -> Iterator[Part]:
    public, orders = base.public(), base.by_id(Order)
    credits, charges = listed(base.of(Credit), "order_id"), listed(base.of(RefundCharge), "refund_id")
    pieces: Counter[UUID] = Counter()
    for line in base.of(OrderLine):
        pieces[line.order_id] += line.quantity if line.kind == "goods" else 0
    for order in counted(base):
        store, day = order.store_id, order_day(base, order)
        flags = {"orders": 1, "guest_orders": order.customer_id is None, "units": pieces[order.id]}
        flags |= _said_of(base.by_id(Store)[store], order)
        amounts = Counter[UUID]()
        for credit in credits[order.id]:
            if credit.account_id is not None:
                amounts[credit.account_id] += credit.amount
        told = (str(order.channel), order.source)
        yield ("kpi_sales", "store", store, public[store], *told), day, {**flags, "gross": order.amount}
        for account, amount in amounts.items():
            yield ("kpi_sales", "account", store, account, *told), day, {**flags, "gross": amount}
    for refund in (row for row in base.of(Refund) if not row.is_void):
        store, day = refund.store_id, base.day(refund.store_id, refund.placed_at)
        told = (str(orders[refund.order_id].channel) if refund.order_id else "", refund.source)
        borne = Counter[UUID]()
        for charge in charges[refund.id]:
            if charge.account_id is not None:
                borne[charge.account_id] += charge.amount
        one = {"refund_count": 1, "refunds": refund.amount}
        yield ("kpi_sales", "store", store, public[store], *told), day, one
        for account, amount in borne.items():
            yield ("kpi_sales", "account", store, account, *told), day, {**one, "refunds": amount}


def _said_of(store: Any, order: Any) -> dict[str, int]:
    """What the store's hours and both cities say of an order."""
    said = {}
    if any(store.opening_hours):
        clock = order.placed_at.astimezone(ZoneInfo(store.time_zone))
        minutes, hours = clock.hour * 60 + clock.minute, store.opening_hours[clock.weekday()]
        is_open = hours is not None and _minutes(hours[0]) <= minutes < _minutes(hours[1])
        said = {"hours_known": 1, "off_hours": not is_open}
    here, there = _plain(store.city), _plain(order.city)
    return said | ({"city_known": 1, "cross_city": here != there} if here and there else {})


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _plain(city: str | None) -> str:
    """市 behind a name, blanks, width and capitals are no difference."""
    words = " ".join(normalize("NFKC", city or "").casefold().split())
    return words.removesuffix("市").removesuffix(" city").strip()


def _active(base: Base) -> Iterator[Part]:
    """Customers with an order, each once in a span: of the store, and of whoever has credit."""
    public, credits = base.public(), listed(base.of(Credit), "order_id")
    for order in counted(base):
        if order.customer_id is None:
            continue
        one, day = {"customers_active": {order.customer_id}}, order_day(base, order)
        yield ("kpi_work", "store", order.store_id, public[order.store_id]), day, one
        for credit in credits[order.id]:
            if credit.account_id is not None:
                yield ("kpi_work", "account", order.store_id, credit.account_id), day, one
