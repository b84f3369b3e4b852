"""Commission on an imported file: what a year of it pays, worked out twice, closed month by month."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from directory.models import Brand, Staff
from kernel.actor import Actor, Role
from kernel.work import Ground, unit_of_work
from mall.commands import commission
from mall.models import CommissionEntry, CommissionRole, CommissionStatement, Credit, LineKind, Order, OrderLine
from mall.models.commissioning import Rate
from mall.models.periods import Span, period_of, usual
from mall.queries.commission import periods, reconciling, verifying
from server.worker import Worker

RATE = 250  # 2.5 %


@dataclass(frozen=True)
class Paid:
    """What the ledger says after the months were closed, and what doesn't tie."""

    entries: int
    basis: int
    amount: int
    statements: int
    wrong: list[str]


async def pay(ground: Ground, first: date, last: date) -> Paid:
    """Pay guides 2.5 % of what was bought from one day to another, and close every month of it."""
    async with ground.db.read() as session:
        brand_id = (await session.scalars(select(col(Brand.id)))).one()
        headquarters = await session.scalars(
            select(col(Staff.id)).where(col(Staff.brand_id) == brand_id, col(Staff.role) == Role.HQ)
        )
        staff_id = headquarters.first()
    hq = Actor(brand_id=brand_id, id=staff_id or UUID(int=1), role=Role.HQ, staff_id=staff_id)
    async with unit_of_work(ground, hq) as work:
        said = commission.Said("年度方案", first, last, [Rate(CommissionRole.GUIDE, None, RATE)])
        plan = await commission.save_plan(work, said)
        await work.session.flush()
        await commission.start_plan(work, plan.id)
    await _work_off(ground)
    wrong = []
    for span in _months(first, last):
        async with unit_of_work(ground, hq) as work:
            await commission.close_period(work, span.first_day)
        await _work_off(ground)
        async with ground.db.read() as session:
            ties = await reconciling.in_all(session, hq, span)
            found = await periods.of_day(session, hq, span.first_day)
            wrong += [f"{span.first_day} {each.number}" for each in await reconciling.untied(session, hq, span)]
        if not ties.is_tied or not found.digest:
            wrong.append(f"{span.first_day}: {ties}")
    wrong += [line async for line in verifying.differences(ground.db.read, brand_id)]
    return await _said(ground, brand_id, first, last, wrong)


async def _said(ground: Ground, brand_id: UUID, first: date, last: date, wrong: list[str]) -> Paid:
    async with ground.db.read() as session:
        entries = (
            await session.execute(
                select(col(CommissionEntry.number), col(CommissionEntry.basis), col(CommissionEntry.amount)).where(
                    col(CommissionEntry.brand_id) == brand_id
                )
            )
        ).all()
        statements = (
            await session.scalars(
                select(col(CommissionStatement.amount)).where(col(CommissionStatement.brand_id) == brand_id)
            )
        ).all()
    by_order: dict[str, int] = defaultdict(int)
    for number, _, amount in entries:
        by_order[number] += amount
    from_scratch = await _from_scratch(ground, brand_id, first, last)
    differing = {number for number in {*by_order, *from_scratch} if by_order[number] != from_scratch.get(number, 0)}
    wrong += [f"order {number}" for number in sorted(differing)]
    if sum(statements) != sum(amount for _, _, amount in entries):
        wrong.append("the statements don't add up to the entries")
    return Paid(
        len(entries),
        sum(basis for _, basis, _ in entries),
        sum(amount for _, _, amount in entries),
        len(statements),
        wrong,
    )


async def _from_scratch(ground: Ground, brand_id: UUID, first: date, last: date) -> dict[str, int]:
    """By order, in exact fractions: this file's orders have one guide or none, and no discounts among their lines."""
    guided = (
        select(col(Order.number), col(OrderLine.amount), col(OrderLine.kind))
        .join(OrderLine, (col(OrderLine.brand_id) == col(Order.brand_id)) & (col(OrderLine.order_id) == col(Order.id)))
        .join(Credit, (col(Credit.brand_id) == col(Order.brand_id)) & (col(Credit.order_id) == col(Order.id)))
        .where(
            col(Order.brand_id) == brand_id,
            col(Order.day) >= first,
            col(Order.day) <= last,
            col(Credit.account_id).is_not(None),
        )
    )
    found: dict[str, int] = defaultdict(int)
    async with ground.db.read() as session:
        rows: Any = (await session.execute(guided)).all()
    for number, amount, kind in rows:
        assert amount >= 0
        if kind is LineKind.GOODS:
            found[number] += int(Fraction(amount * RATE, 10_000) + Fraction(1, 2))
    return found


def _months(first: date, last: date) -> list[Span]:
    months, day = [], first
    while day <= last:
        span = period_of(day, usual(first))
        months.append(span)
        day = date.fromordinal(span.last_day.toordinal() + 1)
    return months


async def _work_off(ground: Ground) -> None:
    while await Worker(ground).sweep_once():
        pass
