"""Keep feeds short: forget what was superseded, and what nobody can ask for any more.

A reader learns of each thing at its last entry, so an earlier one may go. Only what was told of whole
stays until the thing has left or is told of whole again: a later change of it doesn't bring what hangs on it.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel import clock
from kernel.db import Database
from kernel.feed import FURTHEST_BEHIND, Feed, FeedEvent, Op

KEPT = timedelta(days=60)
WORTH = 500  # entries that a feed has grown by: fewer are not worth the look
FEEDS_AT_ONCE = 500
_PIECE = 1_000  # entries deleted in one transaction: some ten milliseconds


async def due(session: AsyncSession) -> Sequence[tuple[UUID, UUID]]:
    """Brand and id of feeds that have grown enough since they were compacted last, of whatever brand."""
    found = await session.execute(
        select(col(Feed.brand_id), col(Feed.feed_id))
        .where(col(Feed.head) - col(Feed.compacted) >= WORTH)
        .order_by(col(Feed.brand_id), col(Feed.feed_id))
        .limit(FEEDS_AT_ONCE)
    )
    return [(row.brand_id, row.feed_id) for row in found]


async def compact(db: Database, brand_id: UUID, feed_id: UUID) -> int:
    """Shorten one feed, in transactions too short to hold up its writers; returns how many entries went.

    What will go is written down before it goes: a reader from below the floor is sent back to the start and
    never steps over a gap, and a check knows up to where there may be gaps.
    """
    async with db.write() as session:
        head, floor = await _announce(session, brand_id, feed_id)
    gone = 0
    while True:
        async with db.read() as session:
            superfluous = await _superfluous(session, brand_id, feed_id, head, floor)
        if not superfluous:
            return gone
        async with db.write() as session:
            await session.execute(
                delete(FeedEvent).where(*_of(FeedEvent, brand_id, feed_id), col(FeedEvent.seq).in_(superfluous))
            )
        gone += len(superfluous)


async def _announce(session: AsyncSession, brand_id: UUID, feed_id: UUID) -> tuple[int, int]:
    """Raise the floor as high as it may be, and note that the feed is compacted up to its head; returns both."""
    stale = (
        select(func.max(col(FeedEvent.seq)))
        .where(*_of(FeedEvent, brand_id, feed_id), col(FeedEvent.at) < clock.now() - KEPT)
        .scalar_subquery()
    )
    head, floor, old = (
        await session.execute(select(col(Feed.head), col(Feed.floor), stale).where(*_of(Feed, brand_id, feed_id)))
    ).one()
    floor = max(floor, head - FURTHEST_BEHIND, old or 0)
    await session.execute(update(Feed).where(*_of(Feed, brand_id, feed_id)).values(floor=floor, compacted=head))
    return head, floor


async def _superfluous(session: AsyncSession, brand_id: UUID, feed_id: UUID, head: int, floor: int) -> Sequence[int]:
    """Which entries nobody needs: those up to the floor, and those that a later one up to the head supersedes."""
    thing = (col(FeedEvent.entity_type), col(FeedEvent.entity_id))
    is_whole = col(FeedEvent.op) == Op.WHOLE.value
    decides = case((col(FeedEvent.op).in_([Op.WHOLE.value, Op.DEL.value]), col(FeedEvent.seq)))
    entries = (
        select(
            col(FeedEvent.seq),
            is_whole.label("is_whole"),
            func.max(col(FeedEvent.seq)).over(partition_by=thing).label("last"),
            func.max(decides).over(partition_by=thing).label("last_decisive"),
        )
        .where(*_of(FeedEvent, brand_id, feed_id), col(FeedEvent.seq) <= head)
        .subquery()
    )
    superseded = or_(
        and_(~entries.c.is_whole, entries.c.seq < entries.c.last),
        and_(entries.c.is_whole, entries.c.seq < entries.c.last_decisive),
    )
    found = await session.scalars(
        select(entries.c.seq).where(or_(entries.c.seq <= floor, superseded)).order_by(entries.c.seq).limit(_PIECE)
    )
    return found.all()


def _of(
    table: type[Feed] | type[FeedEvent], brand_id: UUID, feed_id: UUID
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return col(table.brand_id) == brand_id, col(table.feed_id) == feed_id
