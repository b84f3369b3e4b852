"""Work everything out again from the rows that it came from, and say where the ledger differs."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import UUID

from sqlalchemy import exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel.actor import system
from kernel.pages import along
from mall.models import CommissionEntry, CommissionPeriod, CommissionStatement, Order
from mall.models.commission import CommissionPlan, CommissionTerms
from mall.models.commissioning import due
from mall.models.sealing import BEGINNING, chained, seal_of
from mall.queries.commission import ledger, reading, statements

Read = Callable[[], AbstractAsyncContextManager[AsyncSession]]
_AT_ONCE = 500


async def differences(read: Read, brand_id: UUID) -> AsyncIterator[str]:
    """One line for each: orders whose postings aren't what they should be, rows that somebody has been at, and
    closed periods that aren't what was closed. Nothing, if all is right.
    """
    async for line in _orders(read, brand_id):
        yield line
    async with read() as session:
        for row in await ledger.of_gone_orders(session, brand_id, most=_AT_ONCE):
            yield f"order {row.source} {row.number}: is gone, {row.amount} are still posted"
    async for line in _seals(read, brand_id):
        yield line
    async for line in _periods(read, brand_id):
        yield line


async def _orders(read: Read, brand_id: UUID) -> AsyncIterator[str]:
    after: UUID | None = None
    while True:
        async with read() as session:
            order_ids = await _next(session, brand_id, after)
            found = await reading.read(session, brand_id, order_ids)
        for case in found.cases.values():
            for place, missing in due(case.wanted(), case.posted).items():
                yield (
                    f"order {case.source} {case.number}: {place.part.role} {place.part.staff_id},"
                    f" category {place.part.category}: {missing.amount} of {missing.basis} missing"
                )
        if len(order_ids) < _AT_ONCE:
            return
        after = order_ids[-1]


async def _next(session: AsyncSession, brand_id: UUID, after: UUID | None) -> Sequence[UUID]:
    planned = exists(select(col(CommissionPlan.id)).where(reading.plan_of_day()))
    known = [
        exists(select(col(table.order_id)).where(col(table.brand_id) == brand_id, col(table.order_id) == col(Order.id)))
        for table in (CommissionTerms, CommissionEntry)
    ]
    orders = select(col(Order.id)).where(col(Order.brand_id) == brand_id, or_(planned, *known))
    return (await session.scalars(along(orders, col(Order.id), after, _AT_ONCE))).all()


async def _seals(read: Read, brand_id: UUID) -> AsyncIterator[str]:
    entries = select(*CommissionEntry.__table__.columns).where(  # type: ignore[attr-defined]  # set by SQLModel
        col(CommissionEntry.brand_id) == brand_id
    )
    after: UUID | None = None
    while True:
        async with read() as session:
            rows = (await session.execute(along(entries, col(CommissionEntry.id), after, _AT_ONCE))).all()
        for row in rows:
            if seal_of(dict(row._mapping)) != row.seal:
                yield f"entry {row.id} of order {row.source} {row.number}: was changed"
        if len(rows) < _AT_ONCE:
            return
        after = rows[-1].id


async def _periods(read: Read, brand_id: UUID) -> AsyncIterator[str]:
    async with read() as session:
        periods = (
            await session.execute(
                select(*CommissionPeriod.__table__.columns)  # type: ignore[attr-defined]  # set by SQLModel
                .where(col(CommissionPeriod.brand_id) == brand_id, col(CommissionPeriod.frozen_at).is_not(None))
                .order_by(col(CommissionPeriod.first_day))
            )
        ).all()
    for period in periods:
        if await _digest(read, brand_id, period) != period.digest:
            yield f"period {period.first_day}: its entries aren't those that were closed"
        async with read() as session:
            worked_out = await statements.worked_out(session, brand_id, period.first_day)
            frozen = await session.execute(
                select(*CommissionStatement.__table__.columns).where(  # type: ignore[attr-defined]  # set by SQLModel
                    col(CommissionStatement.brand_id) == brand_id, col(CommissionStatement.period) == period.first_day
                )
            )
            there = {(row.store_id, row.staff_id): dict(row._mapping) for row in frozen}
        if there != {(each["store_id"], each["staff_id"]): each for each in worked_out}:
            yield f"period {period.first_day}: its statements aren't what the entries say"


async def _digest(read: Read, brand_id: UUID, period: Any) -> str:
    digest, after = BEGINNING, None
    while True:
        async with read() as session:
            rows = await ledger.walk(session, system(brand_id), period.first_day, after, _AT_ONCE)
        for row in rows:
            digest = chained(digest, row.seal)
        if len(rows) < _AT_ONCE:
            return digest
        after = rows[-1].id
