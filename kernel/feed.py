"""Give each change the next position of its feed.

A feed's row stays locked until commit, so positions are handed out in commit order and a reader's
cursor can never step over an unseen entry. Entries hold keys only: what a reader gets is resolved
with that reader's own sight at the moment of reading.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, ColumnElement, Row, Uuid, and_, bindparam, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from kernel import bulk, clock, ids
from kernel.actor import Actor, Role
from kernel.db import OneOf, UtcDateTime

BATCH = 500
FURTHEST_BEHIND = 10_000
_FEW_FEEDS = 2  # a statement for each costs less than locking them all before
_FEW = 50  # entries: more are written faster as a stream, fewer as a statement

EntryRow = Row[UUID, int, str, UUID, str, int, datetime]


class Op(StrEnum):
    """What an entry is about.

    `WHOLE` says that the entity is new to the readers of the feed with all that hangs on it: one entry
    for a customer with ten years of orders. Readers are told of all of it.
    """

    PUT = "put"
    DEL = "del"
    WHOLE = "whole"


class Feed(SQLModel, table=True):
    """One log: of a staff member, of a store, or of a store's managers.

    Entries up to `floor` are gone. Of those up to `compacted`, superseded ones are.
    """

    __tablename__ = "feed"

    brand_id: UUID = Field(primary_key=True)
    feed_id: UUID = Field(primary_key=True)
    epoch: UUID
    head: int = Field(default=0, sa_type=BigInteger)
    floor: int = Field(default=0, sa_type=BigInteger)
    compacted: int = Field(default=0, sa_type=BigInteger)


class Span(Protocol):
    """From where to where a feed can be read, and in which of its lives."""

    @property
    def epoch(self) -> UUID: ...
    @property
    def head(self) -> int: ...
    @property
    def floor(self) -> int: ...


class FeedRow(NamedTuple):
    """A feed as it was read: with thousands of readers, rows that nothing has to keep track of."""

    feed_id: UUID
    epoch: UUID
    head: int
    floor: int
    compacted: int


class FeedEvent(SQLModel, table=True):
    """One entry: an entity changed. Superseded entries for the same entity may be compacted away."""

    __tablename__ = "feed_event"

    brand_id: UUID = Field(primary_key=True)
    feed_id: UUID = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    entity_type: str = Field(max_length=32)
    entity_id: UUID
    op: str = Field(max_length=8)
    entity_ver: int
    at: datetime = Field(sa_type=UtcDateTime)


_ENTRY = (
    col(FeedEvent.feed_id),
    col(FeedEvent.seq),
    col(FeedEvent.entity_type),
    col(FeedEvent.entity_id),
    col(FeedEvent.op),
    col(FeedEvent.entity_ver),
    col(FeedEvent.at),
)


# Put together once: for each round of readers that takes longer than asking.
_BRAND = bindparam("brand_id", type_=Uuid())
_HEADS = select(col(Feed.feed_id), col(Feed.epoch), col(Feed.head), col(Feed.floor), col(Feed.compacted)).where(
    col(Feed.brand_id) == _BRAND, OneOf(col(Feed.feed_id), "feed_ids")
)
_ALL_HEADS = select(col(Feed.feed_id), col(Feed.epoch), col(Feed.head)).where(OneOf(col(Feed.feed_id), "feed_ids"))
_LOCK = (
    select(col(Feed.feed_id))
    .where(col(Feed.brand_id) == _BRAND, OneOf(col(Feed.feed_id), "feed_ids"))
    .order_by(col(Feed.feed_id))
    .with_for_update(key_share=True)
)
_LATEST = (
    select(*_ENTRY)
    .join(Feed, and_(col(Feed.brand_id) == col(FeedEvent.brand_id), col(Feed.feed_id) == col(FeedEvent.feed_id)))
    .where(
        col(Feed.brand_id) == _BRAND,
        OneOf(col(Feed.feed_id), "feed_ids"),
        col(FeedEvent.seq) > col(Feed.head) - bindparam("depth", type_=BigInteger()),
    )
    .order_by(col(FeedEvent.feed_id), col(FeedEvent.seq))
)


@dataclass(frozen=True, slots=True)
class Entry:
    """What one feed is to say of one entity."""

    feed_id: UUID
    entity_type: str
    entity_id: UUID
    version: int
    op: Op = Op.PUT


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reader stands in one feed."""

    epoch: UUID
    seq: int


def of_staff(staff_id: UUID) -> UUID:
    """The feed of what concerns one staff member."""
    return staff_id


def of_store(store_id: UUID) -> UUID:
    """The feed of what concerns everybody in a store: the tag library, who works here."""
    return store_id


def of_desk(store_id: UUID) -> UUID:
    """The feed of a store's managers: everything that happens in the store."""
    return ids.derived(store_id, "desk")


def followed_by(actor: Actor) -> list[UUID]:
    """The feeds that a person hears of: their own, the store's, and for a store manager the desk's.

    Whoever covers for a colleague follows that one's feed, too: all that the colleague's accounts hold is told there.
    The desk's feed tells a manager of it anyway.
    """
    if actor.staff_id is None:
        return []
    followed = {of_staff(actor.staff_id)}
    if actor.store_id is not None:
        followed.add(of_store(actor.store_id))
        if actor.role is Role.STORE_MANAGER:
            followed.add(of_desk(actor.store_id))
        else:
            followed.update(of_staff(each.staff_id) for each in actor.covered)
    return sorted(followed)


async def open_feeds(session: AsyncSession, brand_id: UUID, feed_ids: Iterable[UUID]) -> None:
    """Start new feeds, empty and with an epoch of their own."""
    rows = [{"brand_id": brand_id, "feed_id": feed_id, "epoch": uuid4(), "head": 0, "floor": 0} for feed_id in feed_ids]
    if rows:
        await session.execute(insert(Feed), rows)


async def append(session: AsyncSession, brand_id: UUID, entries: Sequence[Entry]) -> dict[UUID, Place]:
    """Write entries at the head of their feeds and return where these end now. Call it last before the commit.

    Feeds are locked in sorted order; two writers that share feeds then wait for each other
    instead of for ever.
    """
    by_feed: dict[UUID, list[Entry]] = {}
    for entry in entries:
        by_feed.setdefault(entry.feed_id, []).append(entry)
    at = clock.now()
    grow = _grow_each if len(by_feed) <= _FEW_FEEDS else _grow_many
    heads = await grow(session, brand_id, {feed_id: len(by_feed[feed_id]) for feed_id in sorted(by_feed)})
    if missing := by_feed.keys() - heads.keys():
        raise LookupError(f"no feed {min(missing)}: whoever made its owner forgot to open it")
    rows: list[dict[str, Any]] = []
    for feed_id, place in heads.items():
        batch = by_feed[feed_id]
        rows.extend(_row(brand_id, entry, seq, at) for seq, entry in enumerate(batch, place.seq - len(batch) + 1))
    if len(rows) > _FEW:
        await bulk.insert_rows(session, FeedEvent, rows)
    elif rows:
        await session.execute(insert(FeedEvent), rows)
    return heads


async def _grow_each(session: AsyncSession, brand_id: UUID, counts: Mapping[UUID, int]) -> dict[UUID, Place]:
    """Move the heads of these feeds on by so much, one after the other; those that are there, and where they end."""
    heads: dict[UUID, Place] = {}
    for feed_id, count in counts.items():
        found = await session.execute(
            update(Feed)
            .where(col(Feed.brand_id) == brand_id, col(Feed.feed_id) == feed_id)
            .values(head=Feed.head + count)
            .returning(col(Feed.epoch), col(Feed.head))
            .execution_options(synchronize_session=False)
        )
        for epoch, head in found:
            heads[feed_id] = Place(epoch, head)
    return heads


async def _grow_many(session: AsyncSession, brand_id: UUID, counts: Mapping[UUID, int]) -> dict[UUID, Place]:
    """The same for all of them at once. They are locked first: an update takes rows in whatever order it meets them."""
    await session.execute(_LOCK, {"brand_id": brand_id, "feed_ids": list(counts)})
    more = bulk.paired(session, counts, BigInteger())
    found = await session.execute(
        update(Feed)
        .where(col(Feed.brand_id) == brand_id, col(Feed.feed_id) == more.c.key)
        .values(head=Feed.head + more.c.value)
        .returning(col(Feed.feed_id), col(Feed.epoch), col(Feed.head))
        .execution_options(synchronize_session=False)
    )
    places = {feed_id: Place(epoch, head) for feed_id, epoch, head in found}
    return {feed_id: places[feed_id] for feed_id in counts if feed_id in places}


def _row(brand_id: UUID, entry: Entry, seq: int, at: datetime) -> dict[str, Any]:
    return {
        "brand_id": brand_id,
        "feed_id": entry.feed_id,
        "seq": seq,
        "entity_type": entry.entity_type,
        "entity_id": entry.entity_id,
        "op": entry.op.value,
        "entity_ver": entry.version,
        "at": at,
    }


async def heads(session: AsyncSession, brand_id: UUID, feed_ids: Iterable[UUID]) -> dict[UUID, FeedRow]:
    """The present state of these feeds."""
    found = await session.execute(_HEADS, {"brand_id": brand_id, "feed_ids": sorted(set(feed_ids))})
    return {row[0]: FeedRow(*row) for row in found}


async def all_heads(session: AsyncSession, feed_ids: Iterable[UUID]) -> dict[UUID, Place]:
    """Where each of these feeds ends, whatever brand it belongs to. Only for waking readers."""
    found = await session.execute(_ALL_HEADS, {"feed_ids": list(feed_ids)})
    return {feed_id: Place(epoch, head) for feed_id, epoch, head in found}


async def after(
    session: AsyncSession, brand_id: UUID, places: Mapping[UUID, int], limit: int = BATCH
) -> Sequence[EntryRow]:
    """Entries behind these places, feed by feed in order, at most `limit`."""
    if not places:
        return []
    behind = [and_(col(FeedEvent.feed_id) == feed_id, col(FeedEvent.seq) > seq) for feed_id, seq in places.items()]
    return await _entries(session, col(FeedEvent.brand_id) == brand_id, or_(*behind), limit=limit)


async def between(session: AsyncSession, brand_id: UUID, feed_id: UUID, behind: int, until: int) -> Sequence[EntryRow]:
    """The entries of a part of one feed, at most 500; the last of the part is in it."""
    return await _entries(
        session,
        col(FeedEvent.brand_id) == brand_id,
        col(FeedEvent.feed_id) == feed_id,
        col(FeedEvent.seq) > behind,
        col(FeedEvent.seq) <= until,
        limit=BATCH,
    )


async def latest(session: AsyncSession, brand_id: UUID, feed_ids: Iterable[UUID], depth: int) -> Sequence[EntryRow]:
    """The entries at the last so many places of each of these feeds, feed by feed in order."""
    found = await session.execute(_LATEST, {"brand_id": brand_id, "feed_ids": sorted(set(feed_ids)), "depth": depth})
    return found.all()


async def _entries(session: AsyncSession, *wanted: ColumnElement[bool], limit: int) -> Sequence[EntryRow]:
    found = await session.execute(
        select(*_ENTRY).where(*wanted).order_by(col(FeedEvent.feed_id), col(FeedEvent.seq)).limit(limit)
    )
    return found.all()


def must_refetch(feed: Span, place: Place) -> bool:
    """Whether a reader at that place has to start over: another epoch, a place that never was, or too far behind."""
    return (
        feed.epoch != place.epoch
        or place.seq > feed.head
        or place.seq < feed.floor
        or feed.head - place.seq > FURTHEST_BEHIND
    )


async def new_epoch(session: AsyncSession, brand_id: UUID | None = None, feed_ids: Iterable[UUID] | None = None) -> int:
    """Send every reader back to the start, or those of some feeds, after a restore or a bulk import; returns how many.

    What the feeds said before is of no use to anybody then: the floor is at the head.
    """
    chosen = select(col(Feed.brand_id), col(Feed.feed_id)).order_by(col(Feed.feed_id))
    if brand_id is not None:
        chosen = chosen.where(col(Feed.brand_id) == brand_id)
    if feed_ids is not None:
        chosen = chosen.where(col(Feed.feed_id).in_(sorted(feed_ids)))
    keys = (await session.execute(chosen.with_for_update())).all()
    for brand, feed_id in keys:
        await session.execute(
            update(Feed)
            .where(col(Feed.brand_id) == brand, col(Feed.feed_id) == feed_id)
            .values(epoch=uuid4(), floor=col(Feed.head))
        )
    return len(keys)
