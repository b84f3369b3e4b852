"""Write down what is held when a handover starts: each thing by its id, and how many there are."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, insert, literal, select, update
from sqlmodel import col

from handover.models import Handover, LedgerEntry, LedgerLine, LedgerTotal
from handover.queries import holdings
from kernel.db import enum_of
from kernel.work import Work
from mall.models import CommissionEntry


async def take(work: Work, handover: Handover) -> None:
    """Count what the accounts of a handover hold now, line by line; the accounts are written already.

    Whatever comes to them afterwards is not in it: it has arrived meanwhile.
    """
    await work.session.flush()
    for line, held in holdings.held(handover).items():
        await work.session.execute(
            insert(LedgerEntry).from_select(
                ["brand_id", "handover_id", "line", "entity_id"], _entries(handover, line, held)
            )
        )
        taken = (
            select(col(LedgerEntry.entity_id))
            .where(
                col(LedgerEntry.brand_id) == handover.brand_id,
                col(LedgerEntry.handover_id) == handover.id,
                col(LedgerEntry.line) == line,
            )
            .subquery()
        )
        count = await work.session.scalar(select(func.count()).select_from(taken))
        amount = 0
        if line is LedgerLine.UNPAID_COMMISSION:
            amount = await _sum(work, handover, select(taken.c.entity_id))
        work.session.add(
            LedgerTotal(brand_id=handover.brand_id, handover_id=handover.id, line=line, count=count or 0, amount=amount)
        )


async def take_late(work: Work, handover: Handover, line: LedgerLine) -> None:
    """Count what a line lacks of what is held, where it became known only after the start; the caller has the lock."""
    taken = select(col(LedgerEntry.entity_id)).where(
        col(LedgerEntry.brand_id) == handover.brand_id,
        col(LedgerEntry.handover_id) == handover.id,
        col(LedgerEntry.line) == line,
    )
    held = holdings.held(handover)[line].subquery()
    late = select(held.c.id).where(held.c.id.not_in(taken))
    await work.session.execute(
        insert(LedgerEntry).from_select(
            ["brand_id", "handover_id", "line", "entity_id"], _entries(handover, line, late)
        )
    )
    counted = select(func.count()).select_from(taken.subquery()).scalar_subquery()
    await work.session.execute(
        update(LedgerTotal)
        .where(
            col(LedgerTotal.brand_id) == handover.brand_id,
            col(LedgerTotal.handover_id) == handover.id,
            col(LedgerTotal.line) == line,
        )
        .values(count=counted)
        .execution_options(synchronize_session=False)
    )


def _entries(handover: Handover, line: LedgerLine, held: Select[UUID]) -> Select[*tuple[Any, ...]]:
    things = held.subquery()
    return select(
        literal(handover.brand_id),
        literal(handover.id),
        literal(line, enum_of(LedgerLine)),
        things.c.id,
    )


async def _sum(work: Work, handover: Handover, entry_ids: Select[UUID]) -> int:
    amount = await work.session.scalar(
        select(func.sum(col(CommissionEntry.amount))).where(
            col(CommissionEntry.brand_id) == handover.brand_id, col(CommissionEntry.id).in_(entry_ids)
        )
    )
    return int(amount or 0)
