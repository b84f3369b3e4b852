"""Mark days of stores that have to be counted again."""

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from sqlalchemy import insert

from kernel import bulk, ids
from kernel.work import Work
from kpi.models import KpiMark

Range = tuple[UUID, date, date]
"""A store with a first and a last day."""

_FEW = 50  # more are copied


async def mark(work: Work, store_days: Iterable[tuple[UUID, date]]) -> None:
    """Leave marks for these days of stores, in the transaction of what changed them."""
    await mark_ranges(work, _joined(store_days))


async def mark_ranges(work: Work, ranges: Iterable[Range]) -> None:
    """Leave a mark for each range of days."""
    rows = [
        {"brand_id": work.actor.brand_id, "id": ids.new(), "store_id": store_id, "first": first, "last": last}
        for store_id, first, last in ranges
    ]
    if len(rows) > _FEW:
        await bulk.insert_rows(work.session, KpiMark, rows)
    elif rows:
        await work.session.execute(insert(KpiMark), rows)


def _joined(store_days: Iterable[tuple[UUID, date]]) -> list[Range]:
    """Days in a row as one range: a year of loaded orders is one mark a store."""
    ranges: list[Range] = []
    for store_id, days in groupby(sorted(set(store_days)), itemgetter(0)):
        for _, day in days:
            if ranges and ranges[-1][0] == store_id and ranges[-1][2] == day - timedelta(days=1):
                ranges[-1] = (store_id, ranges[-1][1], day)
            else:
                ranges.append((store_id, day, day))
    return ranges
