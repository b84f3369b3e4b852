"""What changed for many readers, read in one snapshot: what several of them wait for is looked up once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kernel import feed
from kernel.actor import Actor
from kernel.feed import EntryRow, Op
from schema import positions
from schema.live import reading
from schema.live.reading import Batch, Key, News
from schema.positions import Position
from schema.scalars import Cursor

NEAR = 100  # entries that a reader may be behind to be read for together with others
_DEPTHS = (4, 25, NEAR)  # how many entries of a feed are fetched: one that has grown by one is not read back to NEAR


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads, and from where on; without a position from now on.

    Two readers are the same only if the whole actor is, but for the sign-in, which decides nothing about sight.
    """

    actor: Actor
    cursor: Cursor | None
    position: Position | None = field(compare=False)


def reader(actor: Actor, position: Position | None) -> Reader:
    cursor = positions.write(position) if position is not None else None
    return Reader(replace(actor, sign_in_id=None), cursor, position)


@dataclass(frozen=True, slots=True)
class Near:
    """A reader who is only some entries behind: from where, to where, and how many entries of which feeds."""

    position: Position
    ends: Position
    gaps: Mapping[UUID, int]

    def of(self, entries: Mapping[UUID, Sequence[EntryRow]]) -> list[EntryRow]:
        """Those of the feeds' entries that the reader has not taken yet, feed by feed in order."""
        places = self.position.places
        return [entry for feed_id in sorted(self.gaps) for entry in entries[feed_id] if entry.seq > places[feed_id].seq]


async def behind_all(session: AsyncSession, readers: Iterable[Reader]) -> dict[Reader, Batch]:
    """The next news for each reader. Who is missing from the answer has to be read for alone."""
    found: dict[Reader, Batch] = {}
    for brand_id, ours in groupby(sorted(readers, key=_brand_of), key=_brand_of):
        found |= await _of_brand(session, brand_id, list(ours))
    return found


async def _of_brand(session: AsyncSession, brand_id: UUID, readers: Sequence[Reader]) -> dict[Reader, Batch]:
    followed = {each: feed.followed_by(each.actor) for each in readers}
    feeds = await feed.heads(session, brand_id, {feed_id for theirs in followed.values() for feed_id in theirs})
    found: dict[Reader, Batch] = {}
    behind: dict[Reader, Near] = {}
    for each, theirs in followed.items():
        own = {feed_id: feeds[feed_id] for feed_id in theirs if feed_id in feeds}
        if len(own) < len(theirs):
            continue
        ends = Position(positions.ends(own))
        if each.position is None or each.position == ends:
            found[each] = Batch((), ends, is_last=True)
        elif reading.is_lost(own, each.position):
            found[each] = Batch((), ends, is_last=False, is_lost=True)
        elif (near := _near(each.position, ends)) is not None:
            behind[each] = near
    return found | await _resolved(session, brand_id, behind)


def _near(position: Position, ends: Position) -> Near | None:
    gaps = {feed_id: end.seq - position.places[feed_id].seq for feed_id, end in ends.places.items()}
    if position.inside is not None or sum(gaps.values()) > NEAR:
        return None
    return Near(position, ends, {feed_id: gap for feed_id, gap in gaps.items() if gap})


async def _resolved(session: AsyncSession, brand_id: UUID, behind: Mapping[Reader, Near]) -> dict[Reader, Batch]:
    entries = await _entries(session, brand_id, behind.values())
    theirs = {each: near.of(entries) for each, near in behind.items()}
    singly = {each: some for each, some in theirs.items() if all(entry.op != Op.WHOLE for entry in some)}
    rows = await _rows(session, singly)
    return {
        each: Batch(_news(some, behind[each].position, rows[each.actor]), behind[each].ends, is_last=True)
        for each, some in singly.items()
    }


def _news(entries: Sequence[EntryRow], position: Position, rows: Mapping[Key, Any]) -> list[News]:
    passed, _ = reading.places_behind(entries, position)
    return reading.each_once(passed, rows)


async def _entries(session: AsyncSession, brand_id: UUID, behind: Iterable[Near]) -> Mapping[UUID, Sequence[EntryRow]]:
    """The last entries of each feed, as many as the furthest behind of these needs."""
    depths: dict[UUID, int] = {}
    for near in behind:
        for feed_id, gap in near.gaps.items():
            depths[feed_id] = max(gap, depths.get(feed_id, 0))
    found: dict[UUID, list[EntryRow]] = {feed_id: [] for feed_id in depths}
    for low, high in zip((0, *_DEPTHS), _DEPTHS, strict=False):
        some = [feed_id for feed_id, depth in depths.items() if low < depth <= high]
        if some:
            for entry in await feed.latest(session, brand_id, some, high):
                found[entry.feed_id].append(entry)
    return found


async def _rows(session: AsyncSession, singly: Mapping[Reader, Sequence[EntryRow]]) -> dict[Actor, Mapping[Key, Any]]:
    """What each actor sees of the things that entries tell them of."""
    keys: dict[Actor, set[Key]] = {}
    for each, entries in singly.items():
        keys.setdefault(each.actor, set()).update(reading.keys_of(entries))
    return {actor: await reading.rows_of(session, actor, some) for actor, some in keys.items()}


def _brand_of(reader: Reader) -> UUID:
    return reader.actor.brand_id
