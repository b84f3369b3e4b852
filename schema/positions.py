"""A reader's place in all the feeds that they follow, and the opaque cursor that stands for it."""

import base64
import binascii
import struct
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import feed
from kernel.actor import Actor
from kernel.feed import Feed
from schema.scalars import Cursor, Seq

Position = Mapping[UUID, feed.Place]

_FORMAT = b"\x01"
_ENTRY = struct.Struct(">16s16sQ")


@strawberry.type(description="How far one feed has come: compare it only with a place in the feed of the same name.")
class Place:
    feed: strawberry.ID = strawberry.field(description="Opaque; a feed that starts over gets another name.")
    seq: Seq


def write(position: Position) -> Cursor:
    """The cursor for a position."""
    entries = (_ENTRY.pack(feed_id.bytes, place.epoch.bytes, place.seq) for feed_id, place in sorted(position.items()))
    return Cursor(base64.urlsafe_b64encode(_FORMAT + b"".join(entries)).decode().rstrip("="))


def read(cursor: Cursor) -> Position | None:
    """The position that a cursor stands for; `None` for one that this server never gave."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if raw[:1] != _FORMAT or (len(raw) - 1) % _ENTRY.size:
        return None
    return {
        UUID(bytes=feed_id): feed.Place(UUID(bytes=epoch), seq) for feed_id, epoch, seq in _ENTRY.iter_unpack(raw[1:])
    }


async def heads(session: AsyncSession, actor: Actor) -> dict[UUID, Feed]:
    """The present state of all feeds that the actor follows: which ones follows from the sign-in alone."""
    followed = feed.followed_by(actor)
    found = await feed.heads(session, actor.brand_id, followed)
    missing = set(followed) - found.keys()
    if missing:
        raise LookupError(f"no feed {missing}: whoever made its owner forgot to open it")
    return found


async def here(session: AsyncSession, actor: Actor) -> Cursor:
    """The cursor of now. What is read after it can't be older, so catching up from it misses nothing."""
    return write(ends(await heads(session, actor)))


async def still_good(session: AsyncSession, actor: Actor, position: Position) -> Position:
    """A position of an earlier day in the feeds that the actor follows today.

    A feed that has started over since is told of its present head: whoever has read as far has what was
    there before, and nobody reaches a place in a feed that is no more.
    """
    feeds = await feed.heads(session, actor.brand_id, position.keys() & set(feed.followed_by(actor)))
    return {
        feed_id: position[feed_id] if position[feed_id].epoch == log.epoch else feed.Place(log.epoch, log.head)
        for feed_id, log in feeds.items()
    }


def stored(position: Position) -> list[tuple[str, str, int]]:
    """The position as JSON, to be kept with what it belongs to."""
    return [(str(feed_id), str(place.epoch), place.seq) for feed_id, place in sorted(position.items())]


def restored(places: Sequence[Sequence[Any]]) -> Position:
    """The position that was stored."""
    return {UUID(feed_id): feed.Place(UUID(epoch), seq) for feed_id, epoch, seq in places}


def ends(feeds: Mapping[UUID, Feed]) -> Position:
    """The position at the end of these feeds."""
    return {feed_id: feed.Place(log.epoch, log.head) for feed_id, log in feeds.items()}


def shown(position: Position) -> list[Place]:
    """The position as a client sees it. A feed goes by its epoch, so that its owner's id is told to nobody."""
    return [Place(feed=strawberry.ID(str(place.epoch)), seq=Seq(place.seq)) for _, place in sorted(position.items())]
