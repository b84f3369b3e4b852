"""What changed for whom: the answer to a phone that polls, and the stream to one that listens."""

import asyncio
import dataclasses
import random
from collections.abc import AsyncIterator
from datetime import datetime
from enum import Enum
from typing import cast

import strawberry

from kernel import feed
from kernel.actor import Actor
from kernel.db import is_away
from kernel.errors import Forbidden
from schema import positions
from schema.context import Context, Info, Waiter
from schema.fields import field, subscription
from schema.live import reading
from schema.live.entities import ChangedNode, EntityType, node_of, relationship_of
from schema.live.reading import Batch, News
from schema.positions import Place, Position
from schema.scalars import Cursor
from schema.sharing import Event, Kept

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0
_dice = random.SystemRandom()


@strawberry.enum(description="What to do with your copy.")
class ChangeOp(Enum):
    PUT = strawberry.enum_value("put", description="Take the node in place of what you have.")
    DEL = strawberry.enum_value("del", description="Forget it: it is gone, or not yours to see any more.")


@strawberry.type(description="One thing changed.")
class Change:
    op: ChangeOp
    entity_type: EntityType
    id: strawberry.ID
    version: int = strawberry.field(description="The version of the node; of a forgotten thing the last that is known.")
    at: datetime = strawberry.field(description="When it changed, in UTC.")
    relationship_id: strawberry.ID | None = strawberry.field(
        description="The relationship that it belongs to: when that is to be forgotten, forget this with it."
    )
    node: ChangedNode | None = strawberry.field(description="The thing as it is now; null if it is to be forgotten.")
    place: strawberry.Private[Position]

    @field("The place right after this change: whoever has taken it over may go on from here.")
    def position(self) -> Cursor:
        return positions.write(self.place)


@strawberry.type(description="What changed for you behind a cursor, and where to go on.")
class Changes:
    changes: list[Change]
    must_refetch: bool = strawberry.field(
        description="The cursor is of no use any more: take a new `snapshot`, and go on from its cursor."
    )
    up_to_date: bool = strawberry.field(description="Whether there was nothing more at that moment.")
    place: strawberry.Private[Position]
    kept: strawberry.Private[Kept] = dataclasses.field(default_factory=dict)

    @field("The place behind all of these changes: send it as `after`.")
    def cursor(self) -> Cursor:
        return positions.write(self.place)

    @field("How far each feed has been told. A change of yours has come once these reach the `places` of its answer.")
    def places(self) -> list[Place]:
        return positions.shown(self.place.places)


@strawberry.type
class LiveSubscriptions:
    @subscription(
        "What changes for you from a cursor on, or from now on without one. The first answer comes at once. "
        "After `mustRefetch` the stream ends. `FORBIDDEN` for machines."
    )
    async def changes(self, info: Info, after: Cursor | None = None) -> AsyncIterator[Changes]:
        context = info.context
        require_follower(context.actor)
        # Registered before the first read: what is committed between the two then wakes us.
        with context.hub.watch(feed.followed_by(context.actor)) as waiter:
            batch = await _first(context, after)
            while True:
                place, is_last, is_over = batch.place, batch.up_to_date, batch.must_refetch
                yield cast(Changes, Event(batch))
                del batch  # the next may be hours away: until then nothing is held but the place
                if is_over:
                    return
                batch = await _news(context, waiter, place, is_last)


async def begun(context: Context, after: Cursor | None, first: int) -> Changes:
    """What is behind a cursor; without one nothing yet, but the cursor of now."""
    if after is not None:
        return await _behind(context, positions.read(after), first)
    async with context.read() as session:
        feeds = await positions.heads(session, context.actor)
    return Changes(changes=[], must_refetch=False, up_to_date=True, place=Position(positions.ends(feeds)))


async def _first(context: Context, after: Cursor | None) -> Changes:
    position = positions.read(after) if after is not None else None
    if after is not None and position is None:
        return await begun(context, after, feed.BATCH)  # not a cursor: there is nothing to share
    return await _next(context, position)


async def _news(context: Context, waiter: Waiter, place: Position, is_last: bool) -> Changes:
    """The next batch that says something."""
    while True:
        if is_last:
            waiter.reached = place.places
            await waiter.changed()
        batch = await _next(context, place)
        if batch.must_refetch or batch.place != place or not is_last:
            return batch


async def _next(context: Context, position: Position | None) -> Changes:
    """The next batch, read together with whoever else waits for one. While the database is away, it is waited for."""
    pause = _FIRST_PAUSE
    while True:
        try:
            batch: Changes = await context.readings.behind(context.actor, position)
            return batch
        except Exception as error:
            if not is_away(error):
                raise
        # Not all in one moment: a database that comes back has enough to do.
        await asyncio.sleep(_dice.uniform(pause / 2, pause))
        pause = min(2 * pause, _LONGEST_PAUSE)


def require_follower(actor: Actor) -> None:
    """Machines follow nothing: `FORBIDDEN`."""
    if not actor.is_staff:
        raise Forbidden


async def _behind(context: Context, position: Position | None, first: int) -> Changes:
    async with context.read() as session:
        return told(await reading.behind(session, context.actor, position, first))


def told(batch: Batch) -> Changes:
    """The batch as it is shown."""
    return Changes(
        changes=[_change(news) for news in batch.news],
        must_refetch=batch.is_lost,
        up_to_date=batch.is_last,
        place=batch.position,
    )


def _change(news: News) -> Change:
    row = news.row
    belongs_to = None if row is None else relationship_of(news.kind, row)
    return Change(
        op=ChangeOp.DEL if row is None else ChangeOp.PUT,
        entity_type=EntityType(news.kind),
        id=strawberry.ID(str(news.id)),
        version=news.version,
        at=news.at,
        relationship_id=strawberry.ID(str(belongs_to)) if belongs_to else None,
        node=None if row is None else node_of(news.kind, row),
        place=news.behind,
    )
