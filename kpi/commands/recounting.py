"""Count days of stores anew: rows go and come in one transaction, and nothing is ever added to what is there."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Delete, Insert, Row, Table, delete, insert, select, update
from sqlmodel import col

from kernel import bulk
from kernel.db import OneOf
from kernel.work import Work
from kpi.commands.marking import Range, mark_ranges
from kpi.models import CLOSING_SPANS, KpiMark, KpiStore, KpiTurn, Span
from kpi.models.periods import begin_of, end_of
from kpi.queries import marks, store_days
from kpi.queries.counted import over
from kpi.queries.counted.statements import Counting, of_days, of_spans
from kpi.queries.store_days import StoreDay

MARKS_AT_ONCE = 500
DAYS_AT_ONCE = 40
"""So many days of stores a transaction: it stays within 50 ms."""

_DAY = timedelta(days=1)
_IDS = "ids"


async def follow_marks(work: Work, most: int = DAYS_AT_ONCE) -> bool:
    """Count marked days, the newest first, and take their marks away; whether there is more to count.

    One worker at a time counts a brand; another one that comes meanwhile finds nothing to do. Whatever changes after
    the marks were read has left a mark of its own.
    """
    if not await take_turn(work):
        return False
    found = await marks.newest_days(work.session, work.actor.brand_id, MARKS_AT_ONCE)
    if not found:
        return False
    picked = _pick(found, most)
    await count(work, picked.days)
    await work.session.execute(
        delete(KpiMark).where(col(KpiMark.brand_id) == work.actor.brand_id, OneOf(col(KpiMark.id), _IDS)),
        {_IDS: picked.ids},
        execution_options={"synchronize_session": False},
    )
    await mark_ranges(work, picked.left)
    await note_revision(work)
    return bool(picked.left) or len(picked.ids) < len(found) or len(found) >= MARKS_AT_ONCE


async def take_turn(work: Work, *, shared: bool = False) -> bool:
    """Keep others from counting the brand until the commit; false if somebody is at it.

    Those who share it keep nobody away but who doesn't.
    """
    brand_id = work.actor.brand_id
    there = select(col(KpiTurn.brand_id)).where(col(KpiTurn.brand_id) == brand_id)
    free = there.with_for_update(skip_locked=True, read=shared)
    turn = await work.session.scalar(free)
    # Looked for first: to insert what is there already waits for whoever is changing it.
    if turn is None and await work.session.scalar(there) is None:
        await bulk.insert_missing(work.session, KpiTurn, [{"brand_id": brand_id, "revision": 0}])
        turn = await work.session.scalar(free)
    return turn is not None


async def count(work: Work, days: Collection[StoreDay]) -> None:
    """Work out the rows of these days anew, and of the weeks and months they lie in, where those are over.

    Days that have not come yet have no rows: they are counted when they come. Whoever calls has the turn.
    """
    known = await _known(work, {store_id for store_id, _ in days})
    come = {(store_id, day) for store_id, day in days if store_id in known and day <= known[store_id].last}
    if not come:
        return
    session, brand_id = work.session, work.actor.brand_id
    for store_id, day in come:
        # An import may bring what is older than all that was there.
        known[store_id].first = min(known[store_id].first, day)
    await _anew(work, of_days, await store_days.values(session, brand_id, come))
    await sum_up(work, _over(come, known))


async def sum_up(work: Work, spans: Collection[tuple[UUID, Span, date]]) -> None:
    """Work out the rows of these weeks and months, which are over, from the rows of their days."""
    if spans:
        await _anew(work, of_spans, await over.values(work.session, work.actor.brand_id, spans))


@dataclass(slots=True)
class _Picked:
    ids: list[UUID] = field(default_factory=list)
    days: set[StoreDay] = field(default_factory=set)
    left: list[Range] = field(default_factory=list)

    def take(self, store_id: UUID, first: date, last: date, most: int) -> date:
        """Take days from the last one backwards until there are so many in all; returns the next that isn't taken."""
        while last >= first and ((store_id, last) in self.days or len(self.days) < most):
            self.days.add((store_id, last))
            last -= _DAY
        return last


def _pick(found: Sequence[Row[*tuple[Any, ...]]], most: int) -> _Picked:
    """At most so many days of these marks, of each those of its last month, and what is left of those for later.

    The first of them has waited longest: half of the days are its own, if it has so many.
    """
    picked = _Picked()
    for place, (mark_id, store_id, first, last) in enumerate(found):
        at = picked.take(store_id, max(first, begin_of(last, Span.MONTH)), last, most // 2 if place == 0 else most)
        if at < last:
            picked.ids.append(mark_id)
        if first <= at < last:
            picked.left.append((store_id, first, at))
    return picked


async def note_revision(work: Work) -> None:
    """Figures are not as they were: whoever watches them looks again."""
    await work.session.execute(
        update(KpiTurn)
        .where(col(KpiTurn.brand_id) == work.actor.brand_id)
        .values(revision=KpiTurn.revision + 1)
        .execution_options(synchronize_session=False)
    )


async def _known(work: Work, store_ids: Collection[UUID]) -> Mapping[UUID, KpiStore]:
    found = await work.session.scalars(
        select(KpiStore).where(
            col(KpiStore.brand_id) == work.actor.brand_id, col(KpiStore.store_id).in_(sorted(store_ids))
        )
    )
    return {row.store_id: row for row in found}


def _over(days: Iterable[StoreDay], known: Mapping[UUID, KpiStore]) -> set[tuple[UUID, Span, date]]:
    """The weeks and months of these days that are over where the store is."""
    spans = {(store_id, span, begin_of(day, span)) for store_id, day in days for span in CLOSING_SPANS}
    return {each for each in spans if end_of(each[2], each[1]) < known[each[0]].last}


async def _anew(work: Work, countings: Callable[[str], Sequence[Counting]], values: Mapping[str, Any]) -> None:
    connection = await work.session.connection()
    for statement in _statements(countings, connection.dialect.name):
        await connection.execute(statement, values)


@cache
def _statements(countings: Callable[[str], Sequence[Counting]], dialect: str) -> Sequence[Delete | Insert]:
    """What takes the kept rows away and puts the counted ones in their place."""
    found: list[Delete | Insert] = []
    for each in countings(dialect):
        table: Table = each.model.__table__  # type: ignore[union-attr]  # set by SQLModel
        found.append(delete(table).where(each.kept))
        found.append(insert(table).from_select(list(each.names), each.fresh, include_defaults=False))
    return found
