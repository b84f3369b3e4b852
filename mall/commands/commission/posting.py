"""Post what orders are worth to those who earned them: what should be there, less what is there already."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, update
from sqlmodel import col

from kernel import clock, ids
from kernel.work import Work
from mall.models import COUNTED_STATES, CommissionEntry, CommissionReason, CommissionTerms
from mall.models.commissioning import Sum, borne_apart, due
from mall.models.periods import period_of
from mall.models.sealing import seal_of
from mall.queries.commission import paying_up, reading
from mall.queries.commission.cases import Case, Found, Place


async def post(work: Work, order_ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Post what these orders are still to bring; returns the entries that took. Doing it again posts nothing.

    The orders are locked. Nobody closes a period meanwhile.
    """
    brand_id = work.actor.brand_id
    found = await reading.read(work.session, brand_id, order_ids, keep_open=True)
    await _keep_terms(work, found.cases.values())
    missing = {case.id: due(case.wanted(), case.posted) for case in found.cases.values()}
    paid_up = await paying_up.paid_up(work.session, brand_id, _losers(missing.values()))
    entries = [
        entry for case in found.cases.values() for entry in _entries(work, case, found, missing[case.id], paid_up)
    ]
    await write(work, entries)
    return entries


async def write(work: Work, entries: Sequence[dict[str, Any]]) -> None:
    """Add sealed entries to the ledger."""
    if entries:
        await work.session.execute(
            insert(CommissionEntry.__table__),  # type: ignore[attr-defined]  # a table: one statement, blanks or not
            [entry | {"seal": seal_of(entry), "posted_at": clock.now()} for entry in entries],
        )


def period_for(day: date, found: Found) -> date:
    """The first day of the period that something of that day goes into: its own, or the earliest that is open."""
    open_from = found.closed_until + timedelta(days=1) if found.closed_until else day
    return period_of(max(day, open_from), found.course).first_day


def _losers(missing: Iterable[Mapping[Place, Sum]]) -> set[UUID]:
    return {place.part.staff_id for places in missing for place, each in places.items() if min(each) < 0}


def _entries(
    work: Work, case: Case, found: Found, missing: Mapping[Place, Sum], paid_up: Collection[UUID]
) -> Iterator[dict[str, Any]]:
    wanted = case.wanted()
    for place, each in missing.items():
        reason, day = _occasion(case, place)
        plan_id = case.plan.id if case.plan and place in wanted else case.posted_by
        why = {"plan_id": plan_id, "reason": reason, "day": day, "period": period_for(day, found)}
        for said in entries_of(work, case, place, each, paid_up):
            yield said | why


def entries_of(
    work: Work, case: Case, place: Place, missing: Sum, paid_up: Collection[UUID]
) -> Iterator[dict[str, Any]]:
    """What the entries of one place say besides why, when and by which plan: the person's, and the store's."""
    borne = case.borne.get(place, Sum(0, 0))
    theirs, stores = borne_apart(missing, borne, is_paid_up=place.part.staff_id in paid_up)
    for each, is_borne in ((theirs, False), (stores, True)):
        if each != Sum(0, 0):
            yield _entry(work, case, place, each) | {"is_borne_by_store": is_borne}


def _entry(work: Work, case: Case, place: Place, missing: Sum) -> dict[str, Any]:
    return {
        "brand_id": work.actor.brand_id,
        "id": ids.new(),
        "order_id": case.id,
        "source": case.source,
        "number": case.number,
        "refund_id": place.refund_id,
        "store_id": place.store_id,
        "staff_id": place.part.staff_id,
        "role": place.part.role,
        "category": place.part.category,
        "rate": place.part.rate,
        "basis": missing.basis,
        "amount": missing.amount,
    }


def _occasion(case: Case, place: Place) -> tuple[CommissionReason, date]:
    """Why something is posted, and on which of the store's days that was."""
    if place.refund_id is None and case.categories is None:
        return CommissionReason.ACCRUAL, case.day
    known = {posted.refund_id for posted in case.posted}
    if place.refund_id is not None and place.refund_id not in known:
        return CommissionReason.REVERSAL, case.refund_days[place.refund_id]
    return CommissionReason.CORRECTION, clock.store_day(clock.now(), case.time_zone)


async def _keep_terms(work: Work, cases: Iterable[Case]) -> None:
    """Keep the categories as of the payment, and those of goods that are new in the order."""
    new, brand_id = [], work.actor.brand_id
    for case in cases:
        if not case.plan or case.state not in COUNTED_STATES:
            continue
        if case.categories is None:
            new.append({"brand_id": brand_id, "order_id": case.id, "categories": case.wares})
        elif not case.wares.keys() <= case.categories.keys():
            await work.session.execute(
                update(CommissionTerms)
                .where(col(CommissionTerms.brand_id) == brand_id, col(CommissionTerms.order_id) == case.id)
                .values(categories={**case.wares, **case.categories})
                .execution_options(synchronize_session=False)
            )
    if new:
        await work.session.execute(insert(CommissionTerms.__table__), new)  # type: ignore[attr-defined]  # a table
