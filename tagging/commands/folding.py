"""Keep the bitmaps that segments are counted with: fold in what changed, and look at everybody anew."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlmodel import col

from customers.models import Customer
from kernel import bulk, clock
from kernel.pages import along
from kernel.work import Work
from tagging.commands import bits
from tagging.commands.marks import take_away
from tagging.models import MarkPurpose, SegmentIndex
from tagging.queries import marks
from tagging.queries.upkeep import GO_ON

AT_ONCE = 500  # an embedded database has one writer: others wait for as long as a chunk takes

# An import tells every second how far it is, and waits for nobody: it is noted less often.
_NOTED_EVERY = timedelta(seconds=10)


async def fold(work: Work, most: int = AT_ONCE) -> int:
    """Fold in the customers of the oldest marks, and take those marks away; returns how many marks that were.

    One folds at a time: who comes second does nothing. Before the bitmaps are built there is nothing to fold into.
    """
    index = await _lock(work, skip=True)
    if index is None or index.built_at is None:
        return 0
    found = await marks.oldest(work.session, work.actor.brand_id, MarkPurpose.SEGMENTS, most)
    if found:
        # The facts are read after the marks: a change in between has left a mark of its own.
        await bits.renew(work.session, index, sorted(set(found.values())))
        await take_away(work, found)
    return len(found)


async def begin(work: Work) -> None:
    """Look at all customers, in jobs one after the other; counts stay right meanwhile."""
    new = {"brand_id": work.actor.brand_id, "next_number": 0, "revision": 0}
    await bulk.insert_missing(work.session, SegmentIndex, [new])
    work.later(GO_ON, after=None, begun_at=clock.now().isoformat(), is_anew=False)


async def rebuild(work: Work) -> None:
    """Believe the bitmaps nothing, and write them anew from the tables; until then SQL counts."""
    await begin(work)
    index = await _lock(work)
    if index is not None:
        index.built_at = None
        index.revision += 1
        await bits.empty(work.session, index)
    work.requests[-1].args["is_anew"] = True


async def go_on(work: Work, after: UUID | None, begun_at: datetime, is_anew: bool) -> None:
    """Look at the next customers by id, and ask for those behind them."""
    last = await look_again(work, after, begun_at, is_anew=is_anew)
    if last is not None:
        work.later(GO_ON, after=str(last), begun_at=begun_at.isoformat(), is_anew=is_anew)


async def look_again(
    work: Work, after: UUID | None, begun_at: datetime, most: int = AT_ONCE, *, is_anew: bool = False
) -> UUID | None:
    """Compare the next customers by id with what the bitmaps say; the last one's id, or none at the end.

    At the end the bitmaps are believed, unless more came in in bulk since `begun_at`. `is_anew` is: they were
    empty before.
    """
    index = await _lock(work)
    if index is None:
        return None
    brand_id = work.actor.brand_id
    everybody = select(col(Customer.id)).where(col(Customer.brand_id) == brand_id)
    ids: Sequence[UUID] = (await work.session.scalars(along(everybody, col(Customer.id), after, most))).all()
    if ids:
        await bits.renew(work.session, index, ids, is_anew=is_anew)
        return ids[-1]
    index.built_at = index.built_at or clock.now()
    if index.stale_since is not None and index.stale_since <= begun_at - 2 * _NOTED_EVERY:
        index.stale_since = None
    return None


async def distrust(work: Work) -> None:
    """Something comes in in bulk that leaves no marks: the bitmaps are not exact until everybody was looked at."""
    at = clock.now()
    since = col(SegmentIndex.stale_since)
    await work.session.execute(
        update(SegmentIndex)
        .where(col(SegmentIndex.brand_id) == work.actor.brand_id, or_(since.is_(None), since < at - _NOTED_EVERY))
        .values(stale_since=at)
    )


async def _lock(work: Work, *, skip: bool = False) -> SegmentIndex | None:
    index: SegmentIndex | None = await work.session.scalar(
        select(SegmentIndex)
        .where(col(SegmentIndex.brand_id) == work.actor.brand_id)
        .with_for_update(skip_locked=skip)
        .execution_options(populate_existing=True)
    )
    return index
