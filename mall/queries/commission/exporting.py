"""A period as finance takes it over: what it is tied to, the statements, and every entry, piece by piece."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Brand, Staff, Store
from kernel.actor import Actor
from kernel.pages import MOST, Page
from mall.errors import ExportTooLarge
from mall.models import CommissionEntry, minor_digits
from mall.models.periods import Span
from mall.policy import require_accountant
from mall.queries.commission import ledger, periods, reconciling, statements
from mall.queries.commission.periods import Period
from mall.queries.commission.reconciling import StoreTies, Ties

Read = Callable[[], AbstractAsyncContextManager[AsyncSession]]
Row = list[str | int | Decimal]
MOST_IN_A_BOOK = 50_000
EXPORTED = "commission.exported"
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Export:
    """A period's file, of which the entries are still to be read."""

    read: Read
    actor: Actor
    period: Period
    digits: int
    ties: list[Row]

    def money(self, amount: int) -> Decimal:
        """An amount in the currency itself, exactly."""
        return Decimal(amount).scaleb(-self.digits)

    async def statements(self) -> AsyncIterator[Row]:
        """Store, person, role, category, basis and commission; by store and person."""
        after: Sequence[Any] | None = None
        while True:
            async with self.read() as session:
                page = Page(MOST, after)
                rows = await statements.page(session, self.actor, page, self.period.first_day)
                shown = rows[:MOST]
                names = await _names(session, self.actor.brand_id, shown)
            for row in shown:
                for line in self._sums(row, names):
                    yield line
            if len(rows) <= MOST:
                return
            after = [str(shown[-1].store_id), str(shown[-1].staff_id)]

    def _sums(self, row: Any, names: dict[UUID, Row]) -> Iterator[Row]:
        for each in row.sums:
            who = [*names[row.store_id], *names[row.staff_id]]
            money = [self.money(each["basis"]), self.money(each["amount"]), each["entries"]]
            yield [*who, each["role"], each["category"] or "", *money]

    async def entries(self) -> AsyncIterator[list[Row]]:
        """Every entry, a piece at a time."""
        after: UUID | None = None
        while True:
            async with self.read() as session:
                rows = await ledger.walk(session, self.actor, self.period.first_day, after, _AT_ONCE)
                names = await _names(session, self.actor.brand_id, rows)
            yield [self._entry(row, names) for row in rows]
            if len(rows) < _AT_ONCE:
                return
            after = rows[-1].id

    def _entry(self, row: Any, names: dict[UUID, Row]) -> Row:
        return [
            *names[row.store_id],
            *names[row.staff_id],
            row.source,
            row.number,
            row.day.isoformat(),
            row.reason.value,
            row.role.value,
            row.category or "",
            "store" if row.is_borne_by_store else "",
            Decimal(row.rate).scaleb(-4),
            self.money(row.basis),
            self.money(row.amount),
        ]


async def begin(read: Read, actor: Actor, day: date, *, in_a_book: bool = False) -> Export:
    """The export of the period of that day, with what it is tied to: by store, and in all at the end.

    `FORBIDDEN` for who isn't of HQ, nor a machine that reports; `COMMISSION_EXPORT_TOO_LARGE` for a workbook of more
    than 50,000 entries.
    """
    require_accountant(actor)
    async with read() as session:
        period = await periods.of_day(session, actor, day)
        currency = await session.scalar(select(col(Brand.currency)).where(col(Brand.id) == actor.brand_id))
        if in_a_book:
            await _require_room(session, actor, period)
        span = Span(period.first_day, period.last_day)
        total = await reconciling.in_all(session, actor, span)
        stores = await _stores(session, actor, span)
    export = Export(read, actor, period, minor_digits(currency or "CNY"), [])
    export.ties.extend(_tied(export, each.code, each.name, each.ties) for each in stores)
    export.ties.append(_tied(export, "", "", total))
    return export


async def _stores(session: AsyncSession, actor: Actor, span: Span) -> list[StoreTies]:
    found: list[StoreTies] = []
    after: Sequence[Any] | None = None
    while True:
        rows = await reconciling.by_store(session, actor, span, Page(MOST, after))
        found += rows[:MOST]
        if len(rows) <= MOST:
            return found
        after = [found[-1].code, str(found[-1].store_id)]


async def _require_room(session: AsyncSession, actor: Actor, period: Period) -> None:
    count = await session.scalar(
        select(func.count())
        .select_from(CommissionEntry)
        .where(col(CommissionEntry.brand_id) == actor.brand_id, col(CommissionEntry.period) == period.first_day)
    )
    if int(count or 0) > MOST_IN_A_BOOK:
        raise ExportTooLarge(most=MOST_IN_A_BOOK)


def _tied(export: Export, code: str, name: str, ties: Ties) -> Row:
    money = (
        ties.goods,
        ties.discounts,
        ties.services,
        ties.orders,
        ties.refunds,
        ties.net,
        ties.guide_basis,
        ties.manager_basis,
        ties.guides,
        ties.managers,
        ties.commission,
        ties.statements,
        ties.borne,
    )
    return [code, name, ties.order_count, *map(export.money, money)]


async def _names(session: AsyncSession, brand_id: UUID, rows: Sequence[Any]) -> dict[UUID, Row]:
    """What stores and people go by: code or number, and name."""
    found: dict[UUID, Row] = {}
    for table, said, ids in (
        (Store, col(Store.code), {row.store_id for row in rows}),
        (Staff, col(Staff.number), {row.staff_id for row in rows}),
    ):
        named = await session.execute(
            select(col(table.id), said, col(table.name)).where(col(table.brand_id) == brand_id, col(table.id).in_(ids))
        )
        found.update({key: [code, name] for key, code, name in named})
    return found
