"""What every row of figures has to be, worked out of all base rows in plain Python: no code shared with the product."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from unicodedata import normalize
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlmodel import SQLModel, col

from customers.models import ContactLink, Holding, Relationship
from directory.models import Account, Assignment, Cover, Staff, Store
from kernel.work import Ground
from kpi.models import KpiSales, KpiStore, KpiWork
from mall.models import CommissionEntry, Credit, Order, OrderLine, Refund, RefundCharge, Share, ShareOpen
from tagging.models import AuditItem, TagAudit
from tasks.models import Task

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
COUNTED = ("paid", "shipped", "completed")
TURNING_TO_SOMEBODY = ("revisit", "retention", "welcome", "campaign", "order_follow_up")
REACHED = ("reached", "appointment", "bought", "not_interested")

Key = tuple[Any, ...]
"""Table, span, grain, first day, store, account, and for sales the channel and the source."""

Figures = Mapping[Key, Mapping[str, int]]
"""The columns of each row that aren't zero; a row of nothing else is none."""

Line = tuple[UUID, date, UUID | None, dict[str, int]]
"""What one base row adds to a day of a store, and to the account that has to do with it."""

_TABLES: tuple[Any, ...] = (
    Store, Account, Staff, Assignment, Cover, Order, OrderLine, Credit, Refund, RefundCharge, Share, ShareOpen,
    CommissionEntry, Task, Relationship, Holding, ContactLink, TagAudit, AuditItem, KpiStore,
)  # fmt: skip


class Base:
    """All base rows of a brand, by their tables."""

    def __init__(self, rows: Mapping[type[SQLModel], list[Any]]) -> None:
        self.rows = rows
        self._by_id = {table: {row.id: row for row in found if hasattr(row, "id")} for table, found in rows.items()}
        self._accounts = {(row.store_id, row.staff_id): row.id for row in rows[Account]}

    def of(self, table: type[SQLModel]) -> list[Any]:
        return self.rows[table]

    def by_id(self, table: type[SQLModel]) -> Mapping[UUID, Any]:
        return self._by_id[table]

    def account_in(self, store_id: UUID, staff_id: UUID | None) -> UUID | None:
        """The account that somebody has in a store."""
        return self._accounts.get((store_id, staff_id)) if staff_id else None

    def zone(self, store_id: UUID) -> str:
        zone: str = self.by_id(Store)[store_id].time_zone
        return zone

    def day(self, store_id: UUID, at: datetime) -> date:
        """What the calendar on the store's wall says then."""
        return at.astimezone(ZoneInfo(self.zone(store_id))).date()

    def public(self) -> dict[UUID, UUID]:
        return {row.store_id: row.id for row in self.of(Account) if row.staff_id is None}


async def truth(ground: Ground, brand_id: UUID) -> Figures:
    """All rows that there should be by now: of days that have come, and of weeks and months that are over."""
    rows = {}
    async with ground.db.read() as session:
        for table in _TABLES:
            rows[table] = list(await session.scalars(select(table).where(col(table.brand_id) == brand_id)))
    return figures(Base(rows))


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
    for key, day, values in (*_sales(base), *_work(base), *_active(base)):
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


Part = tuple[Key, date, Mapping[str, Any]]
"""Table, grain, store, account and the rest of the key; the day; and what there is to add."""


def _sales(base: Base) -> Iterator[Part]:
    public, orders = base.public(), base.by_id(Order)
    credits, charges = _listed(base.of(Credit), "order_id"), _listed(base.of(RefundCharge), "refund_id")
    pieces: Counter[UUID] = Counter()
    for line in base.of(OrderLine):
        pieces[line.order_id] += line.quantity if line.kind == "goods" else 0
    for order in _counted(base):
        store, day = order.store_id, _order_day(base, order)
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
    public, credits = base.public(), _listed(base.of(Credit), "order_id")
    for order in _counted(base):
        if order.customer_id is None:
            continue
        one, day = {"customers_active": {order.customer_id}}, _order_day(base, order)
        yield ("kpi_work", "store", order.store_id, public[order.store_id]), day, one
        for credit in credits[order.id]:
            if credit.account_id is not None:
                yield ("kpi_work", "account", order.store_id, credit.account_id), day, one


def _work(base: Base) -> Iterator[Part]:
    public = base.public()
    lines = (_at_work, _links, _link_orders, _tasks, _added, _lost, _answers, _commission, _checks)
    for each in lines:
        for store, day, account, values in each(base):
            yield ("kpi_work", "store", store, public[store]), day, values
            if account is not None:
                yield ("kpi_work", "account", store, account), day, values


def _at_work(base: Base) -> Iterator[Line]:
    """Guides who worked there on some of the day, with access, and not on leave all of it; who of them shared."""
    staff, last = base.by_id(Staff), {row.store_id: row.last for row in base.of(KpiStore)}
    found: set[tuple[UUID, date, UUID]] = set()
    for work in base.of(Assignment):
        if work.role != "guide" or work.store_id not in last:
            continue
        account = base.account_in(work.store_id, work.staff_id)
        shut = staff[work.staff_id].access_closed_at
        ends = [at for at in (work.ends_at, shut) if at is not None]
        for day in _days(base.day(work.store_id, work.starts_at), last[work.store_id]):
            zone = base.zone(work.store_id)
            since, until = first_instant(zone, day), first_instant(zone, day + DAY)
            # Whoever goes at midnight was not there on the day that begins then.
            was_there = since < until and not any(end <= since for end in ends)
            if account and was_there and not _is_away(base, work.staff_id, work.store_id, since, until):
                found.add((work.store_id, day, account))
    makers = {
        (share.store_id, base.day(share.store_id, share.created_at), share.account_id) for share in base.of(Share)
    }
    yield from ((*one, {"at_work": 1, "sharers": one in makers}) for one in found)


def _is_away(base: Base, staff_id: UUID, store_id: UUID, since: datetime, until: datetime) -> bool:
    """Whether leave lasts all day, with one delegate or several after each other."""
    leave = sorted(
        (cover.starts_at, cover.ends_at)
        for cover in base.of(Cover)
        if (cover.staff_id, cover.store_id) == (staff_id, store_id) and cover.state != "cancelled"
    )
    at = since
    for starts_at, ends_at in leave:
        if starts_at <= at < ends_at:
            at = ends_at
    return at >= until


def _links(base: Base) -> Iterator[Line]:
    """Links made and followed."""
    shares = base.by_id(Share)
    for share in shares.values():
        yield share.store_id, base.day(share.store_id, share.created_at), share.account_id, {"links": 1}
    for opened in base.of(ShareOpen):
        share = shares[opened.share_id]
        many = {"link_opens": 1 if opened.stands_for is None else opened.stands_for}
        yield share.store_id, base.day(share.store_id, opened.opened_at), share.account_id, many


def _link_orders(base: Base) -> Iterator[Line]:
    shares = base.by_id(Share)
    for order in _counted(base):
        if order.share_id is not None:
            its = {"link_orders": 1, "link_gross": order.amount}
            yield order.store_id, _order_day(base, order), shares[order.share_id].account_id, its


def _tasks(base: Base) -> Iterator[Line]:
    for task in base.of(Task):
        if task.state == "cancelled":
            continue
        done, contact = task.state == "done", task.kind in TURNING_TO_SOMEBODY and task.customer_id is not None
        bought = done and (task.outcome == "bought" or task.closed_by_order_id is not None)
        values = {
            "tasks_due": 1,
            "tasks_done": done,
            "tasks_on_time": done and task.closed_at <= task.due_at,
            "contacts_due": contact,
            "contacts_reached": contact and done and (bought or task.outcome in REACHED),
            "contacts_bought": contact and bought,
        }
        yield task.store_id, base.day(task.store_id, task.due_at), task.account_id, values


def _added(base: Base) -> Iterator[Line]:
    """Relationships that began in the store: what went on there from another one began in that one."""
    holdings = _listed(base.of(Holding), "relationship_id")
    for relationship in base.of(Relationship):
        store = relationship.store_id
        if holdings[relationship.id]:
            first = min(holdings[relationship.id], key=lambda each: (each.from_at, each.id))
            if first.reason != "handover":
                yield store, base.day(store, relationship.created_at), first.account_id, {"customers_added": 1}


def _lost(base: Base) -> Iterator[Line]:
    accounts = base.by_id(Account)
    for link in base.of(ContactLink):
        if link.gone_at is not None and link.gone_why == "by_customer":
            store = accounts[link.account_id].store_id
            yield store, base.day(store, link.gone_at), link.account_id, {"customers_lost": 1}


def _answers(base: Base) -> Iterator[Line]:
    for order in _counted(base):
        if order.answered_at is not None and order.paid_at is not None:
            waited = order.answered_at.replace(microsecond=0) - order.paid_at.replace(microsecond=0)
            who = base.account_in(order.store_id, order.answered_by_id)
            values = {"answers": 1, "answer_seconds": max(waited // SECOND, 0)}
            yield order.store_id, _order_day(base, order), who, values


def _commission(base: Base) -> Iterator[Line]:
    for entry in base.of(CommissionEntry):
        who = None
        if not entry.is_borne_by_store:
            elsewhere = sorted(row.id for row in base.of(Account) if row.staff_id == entry.staff_id)
            who = base.account_in(entry.store_id, entry.staff_id) or next(iter(elsewhere), None)
        yield entry.store_id, entry.day, who, {"commission": entry.amount}


def _checks(base: Base) -> Iterator[Line]:
    audits = base.by_id(TagAudit)
    for item in base.of(AuditItem):
        if item.verdict in ("right", "wrong"):
            at = item.answered_at if item.answered_at is not None else audits[item.audit_id].drawn_at
            who = base.account_in(item.store_id, item.setter_id)
            values = {"tags_checked": 1, "tags_right": item.verdict == "right"}
            yield item.store_id, base.day(item.store_id, at), who, values


def _counted(base: Base) -> Iterator[Any]:
    return (order for order in base.of(Order) if order.state in COUNTED)


def _order_day(base: Base, order: Any) -> date:
    """The day of its payment; of what came without one, the day on which it was placed."""
    return base.day(order.store_id, order.paid_at or order.placed_at)


def _days(first: date, last: date) -> Iterator[date]:
    return (first + number * DAY for number in range((last - first).days + 1))


@cache
def first_instant(zone: str, day: date) -> datetime:
    """The first at which the calendar on the wall says so, found by halving: no calendar here goes back a day."""
    early = datetime(day.year, day.month, day.day, tzinfo=UTC) - 2 * DAY
    late = early + 4 * DAY
    while late - early > timedelta(microseconds=1):
        middle = early + (late - early) // 2
        if middle.astimezone(ZoneInfo(zone)).date() < day:
            early = middle
        else:
            late = middle
    return late


def _listed(rows: Iterable[Any], name: str) -> defaultdict[UUID, list[Any]]:
    listed = defaultdict(list)
    for row in rows:
        listed[getattr(row, name)].append(row)
    return listed
