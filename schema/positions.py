"""A reader's place in all the feeds that they follow, and the opaque cursor that stands for it."""

import base64
import binascii
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import feed
from kernel.actor import Actor
from kernel.feed import FeedRow
from schema.scalars import Cursor, Seq

Places = Mapping[UUID, feed.Place]


@dataclass(frozen=True, slots=True)
class Step:
    """How far a walk over things is: the kind of thing, and the last one taken of it."""

    kind: str
    last: UUID | None = None


@dataclass(frozen=True, slots=True)
class Inside:
    """A reader is in the midst of what entries of one feed, up to `until`, tell of whole."""

    feed_id: UUID
    until: int
    step: Step


@dataclass(frozen=True, slots=True)
class Position:
    """The last entry taken of each feed, and how far into the next ones that are taken piece by piece."""

    places: Places
    inside: Inside | None = None


_PLAIN, _INSIDE, _WALK = b"\x01", b"\x02", b"\x03"
_ENTRY = struct.Struct(">16s16sQ")
_WITHIN = struct.Struct(">16sQ")
_NONE = UUID(int=0)


@strawberry.type(description="How far one feed has come: compare it only with a place in the feed of the same name.")
class Place:
    feed: strawberry.ID = strawberry.field(description="Opaque; a feed that starts over gets another name.")
    seq: Seq


def write(position: Position) -> Cursor:
    """The cursor for a position."""
    if position.inside is None:
        return _encoded(_PLAIN + _entries(position.places))
    inside = position.inside
    within = _WITHIN.pack(inside.feed_id.bytes, inside.until) + _packed(inside.step)
    return _encoded(_INSIDE + bytes([len(position.places)]) + _entries(position.places) + within)


def read(cursor: Cursor) -> Position | None:
    """The position that a cursor stands for; `None` for one that this server never gave."""
    raw = _decoded(cursor)
    try:
        if raw[:1] == _PLAIN:
            return Position(_places(raw[1:]))
        if raw[:1] == _INSIDE:
            places, rest = _split(raw)
            feed_id, until = _WITHIN.unpack_from(rest)
            return Position(places, Inside(UUID(bytes=feed_id), until, _step(rest[_WITHIN.size :])))
    except (struct.error, ValueError, IndexError):
        return None
    return None


def write_walk(places: Places, step: Step) -> Cursor:
    """Where the next page of a snapshot begins, which was begun at those places of the feeds."""
    return _encoded(_WALK + bytes([len(places)]) + _entries(places) + _packed(step))


def read_walk(cursor: Cursor) -> tuple[Places, Step] | None:
    """The same the other way round; `None` for what this server never gave."""
    raw = _decoded(cursor)
    try:
        if raw[:1] != _WALK:
            return None
        places, rest = _split(raw)
        return places, _step(rest)
    except (struct.error, ValueError, IndexError):
        return None


async def heads(session: AsyncSession, actor: Actor) -> dict[UUID, FeedRow]:
    """The present state of all feeds that the actor follows: which ones follows from the sign-in alone."""
    followed = feed.followed_by(actor)
    found = await feed.heads(session, actor.brand_id, followed)
    missing = set(followed) - found.keys()
    if missing:
        raise LookupError(f"no feed {missing}: whoever made its owner forgot to open it")
    return found


async def here(session: AsyncSession, actor: Actor) -> Cursor:
    """The cursor of now. What is read after it can't be older, so catching up from it misses nothing."""
    return write(Position(ends(await heads(session, actor))))


async def still_good(session: AsyncSession, actor: Actor, places: Places) -> Places:
    """Places of an earlier day in the feeds that the actor follows today.

    A feed that has started over since is told of its present head: whoever has read as far has what was
    there before, and nobody reaches a place in a feed that is no more.
    """
    feeds = await feed.heads(session, actor.brand_id, places.keys() & set(feed.followed_by(actor)))
    return {
        feed_id: places[feed_id] if places[feed_id].epoch == log.epoch else feed.Place(log.epoch, log.head)
        for feed_id, log in feeds.items()
    }


def stored(places: Places) -> list[tuple[str, str, int]]:
    """The places as JSON, to be kept with what they belong to."""
    return [(str(feed_id), str(place.epoch), place.seq) for feed_id, place in sorted(places.items())]


def restored(kept: Sequence[Sequence[Any]]) -> Places:
    """The places that were stored."""
    return {UUID(feed_id): feed.Place(UUID(epoch), seq) for feed_id, epoch, seq in kept}


def shown(places: Places) -> list[Place]:
    """The places as a client sees them. A feed goes by its epoch, so that its owner's id is told to nobody."""
    return [Place(feed=strawberry.ID(str(place.epoch)), seq=Seq(place.seq)) for _, place in sorted(places.items())]


def ends(feeds: Mapping[UUID, FeedRow]) -> Places:
    """The places at the end of these feeds."""
    return {feed_id: feed.Place(log.epoch, log.head) for feed_id, log in feeds.items()}


def _encoded(raw: bytes) -> Cursor:
    return Cursor(base64.urlsafe_b64encode(raw).decode().rstrip("="))


def _decoded(cursor: Cursor) -> bytes:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


def _entries(places: Places) -> bytes:
    return b"".join(
        _ENTRY.pack(feed_id.bytes, place.epoch.bytes, place.seq) for feed_id, place in sorted(places.items())
    )


def _places(raw: bytes) -> Places:
    return {UUID(bytes=feed_id): feed.Place(UUID(bytes=epoch), seq) for feed_id, epoch, seq in _ENTRY.iter_unpack(raw)}


def _split(raw: bytes) -> tuple[Places, bytes]:
    end = 2 + raw[1] * _ENTRY.size
    return _places(raw[2:end]), raw[end:]


def _packed(step: Step) -> bytes:
    return (step.last or _NONE).bytes + step.kind.encode()


def _step(raw: bytes) -> Step:
    last = UUID(bytes=raw[:16])
    return Step(raw[16:].decode(), last if last != _NONE else None)
