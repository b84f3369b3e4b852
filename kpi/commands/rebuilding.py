"""Throw rows of figures away and count them anew, whatever they say."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import and_, delete, or_, select
from sqlmodel import col

from kernel.db import OneOf
from kernel.work import Work
from kpi.commands.recounting import count, note_revision, take_turn
from kpi.models import CLOSING_SPANS, KpiMark, KpiSales, KpiStore, KpiWork, Span
from kpi.models.periods import begin_of
from kpi.queries import keeping, store_days
from kpi.queries.store_days import StoreDay

_IDS = "ids"


async def count_anew(work: Work, days: Collection[StoreDay]) -> bool:
    """Count these days of stores; false, and nothing is done, while a worker counts the brand.

    Several may do so at once, each with other stores; none of them says that figures are not as they were: whoever
    has them all counted does.
    """
    if not await take_turn(work, shared=True):
        return False
    await count(work, days)
    return True


async def begin_anew(work: Work, store_id: UUID) -> bool:
    """Let a store's figures begin with the first day that has anything to count, and take away rows of other days.

    False, and nothing is done, while somebody else counts the brand.
    """
    if not await take_turn(work):
        return False
    session, brand_id = work.session, work.actor.brand_id
    row = await session.scalar(
        select(KpiStore).where(col(KpiStore.brand_id) == brand_id, col(KpiStore.store_id) == store_id)
    )
    place = (await store_days.places(session, brand_id, [store_id])).get(store_id)
    if row is None or place is None:
        return True
    row.first = min(await keeping.first_day(session, brand_id, store_id, place.time_zone) or row.last, row.last)
    begins = {span: begin_of(row.first, span) for span in (Span.DAY, *CLOSING_SPANS)}
    for model in (KpiSales, KpiWork):
        early = or_(*(and_(col(model.span) == span, col(model.starts_on) < begin) for span, begin in begins.items()))
        await session.execute(
            delete(model)
            .where(
                col(model.brand_id) == brand_id,
                col(model.store_id) == store_id,
                or_(early, col(model.starts_on) > row.last),
            )
            .execution_options(synchronize_session=False)
        )
    await note_revision(work)
    return True


async def take_off(work: Work, mark_ids: Collection[UUID]) -> None:
    """Take marks away, all of whose days were counted since they were read."""
    await work.session.execute(
        delete(KpiMark).where(col(KpiMark.brand_id) == work.actor.brand_id, OneOf(col(KpiMark.id), _IDS)),
        {_IDS: list(mark_ids)},
        execution_options={"synchronize_session": False},
    )
