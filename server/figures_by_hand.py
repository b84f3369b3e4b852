"""Rows of figures by hand: hold all of them against the base rows, and count them anew."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from itertools import groupby, zip_longest
from operator import attrgetter
from typing import Any
from uuid import UUID

from kernel import bulk, clock
from kernel.actor import system
from kernel.work import Ground, Work, unit_of_work
from kpi.commands import rebuilding, recounting
from kpi.models import KpiStore
from kpi.queries import keeping, marks, verifying
from kpi.queries.store_days import StoreDay
from kpi.queries.verifying import Difference
from server import chores
from server.errors import CannotStart

MOST_KEPT = 1_000
STORES_AT_ONCE, DAYS_AT_ONCE = 10, 31
"""So many days of stores a transaction: others wait for about a second."""
SIDE_BY_SIDE = 2  # transactions, on PostgreSQL
_PATIENCE, _PAUSE = 60.0, 0.05
_LIVE = 1.0  # seconds, after which what has been marked meanwhile has its turn
_MOST_BEHIND = 10_000

Progress = Callable[[int, int], None]
Range = tuple[UUID, date, date]


@dataclass(slots=True)
class Verdict:
    """What was compared and found: stores, their days, days that are about to be counted, and some differences.

    At most 1,000 are shown. `behind` are stores whose calendar went on while no worker ran.
    """

    stores: int = 0
    days: int = 0
    waiting: int = 0
    behind: int = 0
    count: int = 0
    shown: list[Difference] = field(default_factory=list)

    def note(self, found: Sequence[Difference]) -> None:
        self.count += len(found)
        self.shown += found[: MOST_KEPT - len(self.shown)]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What was counted anew, and in how many seconds."""

    stores: int
    days: int
    seconds: float


async def verify(ground: Ground, brand_id: UUID, progress: Progress) -> Verdict:
    """Work all rows out again, and say which are not what they should be; each piece is read from one snapshot."""
    async with ground.db.read() as session:
        stores = await verifying.kept_stores(session, brand_id)
        waiting = _days_in(await marks.all_of(session, brand_id), stores)
        behind = await keeping.behind(session, clock.now(), _MOST_BEHIND)
        strays = await verifying.strays(session, brand_id)
    verdict = Verdict(len(stores), waiting=waiting, behind=sum(1 for each in behind if each[0] == brand_id))
    verdict.days = sum((store.last - store.first).days + 1 for store in stores) - waiting
    verdict.note(strays)
    batches = list(verifying.batches(stores))
    for done, (some, days) in enumerate(batches, 1):
        async with ground.db.read() as session:
            verdict.note(await verifying.differences(session, some, days))
        progress(done, len(batches))
    return verdict


async def rebuild(
    ground: Ground, brand_id: UUID, codes: Collection[str], first: date | None, last: date | None, progress: Progress
) -> Rebuilt:
    """Count all days of the brand's stores anew, or those from `first` to `last`, or of the stores with these codes.

    What is marked meanwhile is counted in between. Raises `CannotStart` for a code that no store has, and where
    somebody else counts for a minute.
    """
    began = time.perf_counter()
    await chores.begin_days(ground)
    async with ground.db.read() as session:
        store_ids = await _named(session, brand_id, codes)
        kept = [store for store in await verifying.kept_stores(session, brand_id) if store.store_id in store_ids]
    if first is None and last is None:
        kept = await _begun_anew(ground, brand_id, kept)
    ranges = list(_clipped(kept, first, last))
    async with ground.db.read() as session:
        covered = _covered(await marks.all_of(session, brand_id), ranges)
    total, done, looked = sum((end - begin).days + 1 for _, begin, end in ranges), 0, time.perf_counter()
    sized = 0
    for pieces in _rounds(ranges, 1 if ground.db.is_sqlite else SIDE_BY_SIDE):
        await asyncio.gather(
            *(_in_turn(ground, brand_id, partial(rebuilding.count_anew, days=piece)) for piece in pieces)
        )
        progress(done := done + sum(map(len, pieces)), total)
        if done >= 2 * sized:
            # Plans for tables that were empty read all of them for each day.
            await bulk.look_at_sizes(ground.db, "kpi_sales", "kpi_work")
            sized = done
        if time.perf_counter() - looked > _LIVE:
            async with unit_of_work(ground, system(brand_id)) as work:
                await recounting.follow_marks(work)
            looked = time.perf_counter()
    async with unit_of_work(ground, system(brand_id)) as work:
        await rebuilding.take_off(work, covered)
        await recounting.note_revision(work)
    return Rebuilt(len(ranges), total, time.perf_counter() - began)


async def _begun_anew(ground: Ground, brand_id: UUID, stores: Sequence[KpiStore]) -> list[KpiStore]:
    for store in stores:
        await _in_turn(ground, brand_id, partial(rebuilding.begin_anew, store_id=store.store_id))
    wanted = {store.store_id for store in stores}
    async with ground.db.read() as session:
        return [store for store in await verifying.kept_stores(session, brand_id) if store.store_id in wanted]


async def _in_turn(ground: Ground, brand_id: UUID, act: Callable[[Work], Awaitable[bool]]) -> None:
    """Do it in a transaction of its own, once nobody else counts the brand."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        async with unit_of_work(ground, system(brand_id)) as work:
            if await act(work):
                return
        await asyncio.sleep(_PAUSE)
    raise CannotStart("Somebody else is counting this brand's figures. Try again in a moment.")


async def _named(session: Any, brand_id: UUID, codes: Collection[str]) -> set[UUID]:
    """The ids of the stores with these codes; of all stores, without any."""
    known = await keeping.codes(session, brand_id)
    unknown = sorted(set(codes) - set(known.values()))
    if unknown:
        raise CannotStart(f"There is no store {', '.join(unknown)}.")
    return {store_id for store_id, code in known.items() if not codes or code in codes}


def _clipped(stores: Sequence[KpiStore], first: date | None, last: date | None) -> Iterator[Range]:
    for store in stores:
        begin, end = max(store.first, first or store.first), min(store.last, last or store.last)
        if begin <= end:
            yield store.store_id, begin, end


def _rounds(ranges: Sequence[Range], side_by_side: int) -> Iterator[Sequence[set[StoreDay]]]:
    """What is counted at a time, none of it of the same stores: weeks and months are of one piece alone."""
    groups = [ranges[place : place + STORES_AT_ONCE] for place in range(0, len(ranges), STORES_AT_ONCE)]
    for place in range(0, len(groups), side_by_side):
        for pieces in zip_longest(*map(_pieces, groups[place : place + side_by_side]), fillvalue=None):
            yield [piece for piece in pieces if piece]


def _pieces(ranges: Sequence[Range]) -> Iterator[set[StoreDay]]:
    """A month of these stores at a time."""
    at, last = min(begin for _, begin, _ in ranges), max(end for _, _, end in ranges)
    while at <= last:
        days = [at + timedelta(days=number) for number in range(DAYS_AT_ONCE)]
        yield {(store_id, day) for store_id, begin, end in ranges for day in days if begin <= day <= end}
        at += timedelta(days=DAYS_AT_ONCE)


def _covered(found: Sequence[Any], ranges: Sequence[Range]) -> list[UUID]:
    """The marks all of whose days are among these."""
    known = {store_id: (begin, end) for store_id, begin, end in ranges}
    return [
        row.id
        for row in found
        if row.store_id in known and known[row.store_id][0] <= row.first and row.last <= known[row.store_id][1]
    ]


def _days_in(found: Sequence[Any], stores: Sequence[KpiStore]) -> int:
    """How many days these marks are of; those outside of what is kept of a store don't count."""
    known = {store.store_id: store for store in stores}
    return sum(
        marks.covered(rows, known[store_id].first, known[store_id].last)
        for store_id, rows in groupby(found, attrgetter("store_id"))
        if store_id in known
    )
