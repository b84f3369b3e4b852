"""Let a store's day turn: its new day is to be counted, and weeks and months that ended have their rows."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from sqlalchemy import delete, select
from sqlmodel import col

from kernel.work import Work
from kpi.commands.marking import mark_ranges
from kpi.commands.recounting import note_revision, sum_up, take_turn
from kpi.models import CLOSING_SPANS, Days, KpiMark, KpiSales, KpiStore, KpiWork, Span
from kpi.models.periods import begin_of, end_of
from kpi.queries import keeping, store_days

STORES_AT_ONCE = 20


async def turn(work: Work, todays: Mapping[UUID, date]) -> None:
    """Go on to today for these stores; what was missed while no worker ran is counted, too.

    A store that was never counted is counted from its first day on. Rows of a week or month are there as soon as the
    store's row says that it is over: readers go by that.
    """
    if not await take_turn(work):
        return
    brand_id = work.actor.brand_id
    known = await work.session.scalars(
        select(KpiStore)
        .where(col(KpiStore.brand_id) == brand_id, col(KpiStore.store_id).in_(sorted(todays)))
        .order_by(col(KpiStore.store_id))
    )
    rows = {row.store_id: row for row in known}
    places = await store_days.places(work.session, brand_id, todays)
    ranges, spans = [], set[tuple[UUID, Span, date]]()
    for store_id in sorted(places):
        today, row = todays[store_id], rows.get(store_id)
        if row is None:
            zone = places[store_id].time_zone
            first = min(await keeping.first_day(work.session, brand_id, store_id, zone) or today, today)
            work.session.add(KpiStore(brand_id=brand_id, store_id=store_id, first=first, last=today))
            ranges.append((store_id, first, today))
        elif row.last < today:
            # The last day as well: who is at work is known of all of it only now.
            ranges.append((store_id, row.last, today))
            spans |= {(store_id, *span) for span in _ended(row.last, today)}
            row.last = today
    await work.session.flush()
    await mark_ranges(work, ranges)
    await sum_up(work, spans)


async def forget(work: Work, store_id: UUID) -> None:
    """Take away what was counted of a store that is there no more."""
    if not await take_turn(work):
        return
    for model in (KpiSales, KpiWork, KpiMark, KpiStore):
        await work.session.execute(
            delete(model)
            .where(col(model.brand_id) == work.actor.brand_id, col(model.store_id) == store_id)
            .execution_options(synchronize_session=False)
        )
    await note_revision(work)


def _ended(last: date, today: date) -> set[tuple[Span, date]]:
    """The weeks and months that were under way on that day, or began since, and are over today."""
    if last >= today:
        return set()
    days = Days(max(last, date.fromordinal(today.toordinal() - 365)), today)
    spans = {(span, begin_of(day, span)) for day in days for span in CLOSING_SPANS}
    return {(span, begin) for span, begin in spans if last <= end_of(begin, span) < today}
