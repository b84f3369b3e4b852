"""All base rows of a brand, as whoever works figures out by hand looks at them: no code shared with the product."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlmodel import SQLModel, col

from customers.models import ContactLink, Holding, Relationship
from directory.models import Account, Assignment, Cover, Staff, Store
from kernel.work import Ground
from kpi.models import KpiStore
from mall.models import CommissionEntry, Credit, Order, OrderLine, Refund, RefundCharge, Share, ShareOpen
from tagging.models import AuditItem, TagAudit
from tasks.models import Task

DAY = timedelta(days=1)
COUNTED = ("paid", "shipped", "completed")

Key = tuple[Any, ...]
"""Table, span, grain, first day, store, account, and for sales the channel and the source."""

Part = tuple[Key, date, Mapping[str, Any]]
"""Table, grain, store, account and the rest of the key; the day; and what there is to add."""

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


async def base_of(ground: Ground, brand_id: UUID) -> Base:
    """What there is at this moment."""
    rows = {}
    async with ground.db.read() as session:
        for table in _TABLES:
            rows[table] = list(await session.scalars(select(table).where(col(table.brand_id) == brand_id)))
    return Base(rows)


def counted(base: Base) -> Iterator[Any]:
    """The orders that count."""
    return (order for order in base.of(Order) if order.state in COUNTED)


def order_day(base: Base, order: Any) -> date:
    """The day of its payment; of what came without one, the day on which it was placed."""
    return base.day(order.store_id, order.paid_at or order.placed_at)


def listed(rows: Iterable[Any], name: str) -> defaultdict[UUID, list[Any]]:
    """Rows by one of their columns."""
    listed = defaultdict(list)
    for row in rows:
        listed[getattr(row, name)].append(row)
    return listed
