"""Post for orders that came in without a word for each: loaded, corrected or taken away by an import, or older than
their plan.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import exists, or_, select
from sqlmodel import col

from kernel import clock
from kernel.work import Work
from mall.commands.commission import posting
from mall.events import CommissionCaughtUp
from mall.models import CommissionPlan, CommissionReason, CommissionTerms, Order, OrderState
from mall.models.commissioning import Sum
from mall.queries.commission import ledger, paying_up, reading, settings
from mall.queries.commission.cases import Case, Found

CATCH_UP = "mall.catch_up_commission"
AT_ONCE = 50
"""So many orders a transaction: it stays within 50 ms."""


async def catch_up(work: Work, after: UUID | None) -> UUID | None:
    """Post for the next orders behind that one; returns the last of them, nothing when there are no more."""
    brand_id = work.actor.brand_id
    if await settings.setting(work.session, brand_id) is None:
        return None
    order_ids = await _lock_next(work, after)
    _say(work, await posting.post(work, order_ids))
    if len(order_ids) < AT_ONCE:
        await _take_back_gone(work)
        return None
    return order_ids[-1]


async def _lock_next(work: Work, after: UUID | None) -> Sequence[UUID]:
    brand_id = work.actor.brand_id
    planned = exists(select(col(CommissionPlan.id)).where(reading.plan_of_day()))
    known = exists(
        select(col(CommissionTerms.order_id)).where(
            col(CommissionTerms.brand_id) == brand_id, col(CommissionTerms.order_id) == col(Order.id)
        )
    )
    orders = select(col(Order.id)).where(col(Order.brand_id) == brand_id, or_(planned, known))
    if after is not None:
        orders = orders.where(col(Order.id) > after)
    found = await work.session.scalars(
        orders.order_by(col(Order.id)).limit(AT_ONCE).with_for_update(key_share=True, of=Order)
    )
    return found.all()


async def _take_back_gone(work: Work) -> None:
    """What was posted for orders of which the source says now that they never were."""
    brand_id = work.actor.brand_id
    rows = await ledger.of_gone_orders(work.session, brand_id, most=AT_ONCE)
    if not rows:
        return
    how = await settings.keep_open(work.session, brand_id)
    paid_up = await paying_up.paid_up(work.session, brand_id, {row.staff_id for row in rows})
    entries = list(_taken_back(work, rows, Found({}, how.course, how.closed_until), paid_up))
    await posting.write(work, entries)
    _say(work, entries)
    work.later(CATCH_UP, after=str(UUID(int=2**128 - 1)))


def _say(work: Work, entries: Sequence[Mapping[str, Any]]) -> None:
    if entries:
        work.record(CommissionCaughtUp(frozenset((entry["store_id"], entry["day"]) for entry in entries)))


def _taken_back(work: Work, rows: Sequence[Any], found: Found, paid_up: Collection[UUID]) -> Iterator[dict[str, Any]]:
    for row in rows:
        day = clock.store_day(clock.now(), row.time_zone)
        place = ledger.place_of(row)
        case = Case(
            row.order_id, row.source, row.number, row.store_id, OrderState.CANCELLED, 0, day, row.time_zone, None, None
        )
        case.borne[place] = Sum(row.borne_basis, row.borne)
        period = posting.period_for(day, found)
        why = {"plan_id": row.plan_id, "reason": CommissionReason.CORRECTION, "day": day, "period": period}
        for said in posting.entries_of(work, case, place, Sum(-row.basis, -row.amount), paid_up):
            yield said | why
