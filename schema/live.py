"""What changed for whom: read from the feeds after a cursor, resolved with the reader's own sight."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, StrEnum
from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

import customers.policy
import customers.queries.customers
import customers.queries.records
import customers.queries.relationships
import directory.policy
import directory.queries.staff
import directory.queries.stores
import intake.policy
import intake.queries.runs
import mall.policy
import mall.queries.orders
import mall.queries.refunds
import tagging.policy
import tagging.queries.library
import tasks.policy
import tasks.queries
from kernel import feed
from kernel.actor import Actor
from kernel.errors import Forbidden
from kernel.feed import Feed
from kernel.pages import BadPageSize
from schema import positions
from schema.context import Context, Info
from schema.customers import Customer, Note, Relationship, Visit
from schema.directory import Staff, Store
from schema.fields import field, subscription
from schema.intake import ImportRun
from schema.mall import Order, Refund
from schema.positions import Position
from schema.scalars import Cursor
from schema.tagging import Tag, TagGroup
from schema.tasks import Task

log = logging.getLogger(__name__)

ByIds = Callable[[AsyncSession, Actor, Sequence[UUID]], Awaitable[Mapping[UUID, Any]]]


@dataclass(frozen=True, slots=True)
class Entity:
    """A kind of thing that feeds speak of: its GraphQL type, and the batch read that finds it in sight."""

    graphql_type: type
    by_ids: ByIds


@strawberry.enum(description="Which kind of thing changed.")
class EntityType(StrEnum):
    CUSTOMER = customers.policy.CUSTOMER
    RELATIONSHIP = customers.policy.RELATIONSHIP
    NOTE = customers.policy.NOTE
    VISIT = customers.policy.VISIT
    TASK = tasks.policy.TASK
    STAFF = directory.policy.STAFF
    STORE = directory.policy.STORE
    ORDER = mall.policy.ORDER
    REFUND = mall.policy.REFUND
    TAG = tagging.policy.TAG
    TAG_GROUP = tagging.policy.TAG_GROUP
    IMPORT_RUN = intake.policy.IMPORT_RUN


ENTITIES: dict[str, Entity] = {
    EntityType.CUSTOMER: Entity(Customer, customers.queries.customers.by_ids),
    EntityType.RELATIONSHIP: Entity(Relationship, customers.queries.relationships.by_ids),
    EntityType.NOTE: Entity(Note, customers.queries.records.notes_by_ids),
    EntityType.VISIT: Entity(Visit, customers.queries.records.visits_by_ids),
    EntityType.TASK: Entity(Task, tasks.queries.by_ids),
    EntityType.STAFF: Entity(Staff, directory.queries.staff.by_ids),
    EntityType.STORE: Entity(Store, directory.queries.stores.by_ids),
    EntityType.ORDER: Entity(Order, mall.queries.orders.by_ids),
    EntityType.REFUND: Entity(Refund, mall.queries.refunds.by_ids),
    EntityType.TAG: Entity(Tag, tagging.queries.library.by_ids),
    EntityType.TAG_GROUP: Entity(TagGroup, tagging.queries.library.groups_by_ids),
    EntityType.IMPORT_RUN: Entity(ImportRun, intake.queries.runs.by_ids),
}

ChangedNode = Annotated[
    Customer | Relationship | Note | Visit | Task | Staff | Store | Order | Refund | Tag | TagGroup | ImportRun,
    strawberry.union("ChangedNode", description="The thing as it is now."),
]


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
    node: ChangedNode | None = strawberry.field(description="The thing as it is now; null if it is to be forgotten.")
    place: strawberry.Private[Position]

    @field("The place right after this change: whoever has taken it over may go on from here.")
    def position(self) -> Cursor:
        return positions.write(self.place)


@strawberry.type(description="What changed for you behind a cursor, and where to go on.")
class Changes:
    changes: list[Change]
    must_refetch: bool = strawberry.field(
        description="The cursor is of no use any more: read everything anew, and go on from `cursor`."
    )
    up_to_date: bool = strawberry.field(description="Whether there was nothing more at that moment.")
    place: strawberry.Private[Position]

    @field("The place behind all of these changes: send it as `after`.")
    def cursor(self) -> Cursor:
        return positions.write(self.place)


@strawberry.type
class LiveQueries:
    @field(
        "What changed for you after a cursor, at most `first` (1 to 500) things. Without a cursor: nothing yet, "
        "and the cursor of now. For phones that poll, or that a push has woken. `BAD_PAGE_SIZE`, `FORBIDDEN`."
    )
    async def changes(self, info: Info, after: Cursor | None = None, first: int = 100) -> Changes:
        _require_follower(info.context.actor)
        if not 1 <= first <= feed.BATCH:
            raise BadPageSize(most=feed.BATCH)
        return await _start(info.context, after, first)


@strawberry.type
class LiveSubscriptions:
    @subscription(
        "What changes for you from a cursor on, or from now on without one. The first answer comes at once. "
        "After `mustRefetch` the stream ends. `FORBIDDEN` for machines."
    )
    async def changes(self, info: Info, after: Cursor | None = None) -> AsyncIterator[Changes]:
        context = info.context
        _require_follower(context.actor)
        # Registered before the first read: what is committed between the two then wakes us.
        with context.hub.watch(feed.followed_by(context.actor)) as waiter:
            batch = await _start(context, after, feed.BATCH)
            yield batch
            while not batch.must_refetch:
                if batch.up_to_date:
                    waiter.reached = batch.place
                    await waiter.changed()
                previous, batch = batch, await _behind(context, batch.place, feed.BATCH)
                if batch.must_refetch or batch.place != previous.place or not previous.up_to_date:
                    yield batch


async def _start(context: Context, after: Cursor | None, first: int) -> Changes:
    if after is None:
        async with context.read() as session:
            feeds = await positions.heads(session, context.actor)
        return Changes(changes=[], must_refetch=False, up_to_date=True, place=positions.ends(feeds))
    return await _behind(context, positions.read(after), first)


async def _behind(context: Context, position: Position | None, first: int) -> Changes:
    """The next batch, all of it from one snapshot."""
    actor = context.actor
    async with context.read() as session:
        feeds = await positions.heads(session, actor)
        ends = positions.ends(feeds)
        if position is None or _is_lost(feeds, position):
            return Changes(changes=[], must_refetch=True, up_to_date=False, place=ends)
        behind = {feed_id: place.seq for feed_id, place in position.items() if place.seq < feeds[feed_id].head}
        entries = await feed.after(session, actor.brand_id, behind, first)
        up_to_date = len(entries) < first
        changes, place = await _resolve(session, actor, entries, position)
    # Behind a short batch there is nothing, even where superseded entries have left a gap.
    return Changes(changes=changes, must_refetch=False, up_to_date=up_to_date, place=ends if up_to_date else place)


async def _resolve(
    session: AsyncSession, actor: Actor, entries: Sequence[Any], position: Position
) -> tuple[list[Change], Position]:
    """Each thing once, at its last entry, as the actor sees it now; and the place behind all entries.

    What an entry says was to be done is not looked at: one feed may drop what another feed of the same
    reader brings. Whether the thing is in sight at this moment decides, and lets nobody see more than that.
    """
    last = {(entry.entity_type, entry.entity_id): entry for entry in entries}
    rows = await _rows(session, actor, last)
    changes: list[Change] = []
    place = dict(position)
    for entry in entries:
        key = (entry.entity_type, entry.entity_id)
        place[entry.feed_id] = replace(place[entry.feed_id], seq=entry.seq)
        if last[key] is entry and entry.entity_type in ENTITIES:
            changes.append(_change(entry, rows.get(key), dict(place)))
    return changes, place


async def _rows(session: AsyncSession, actor: Actor, keys: Iterable[tuple[str, UUID]]) -> dict[tuple[str, UUID], Any]:
    by_type: dict[str, list[UUID]] = {}
    for name, entity_id in keys:
        by_type.setdefault(name, []).append(entity_id)
    found: dict[tuple[str, UUID], Any] = {}
    for name, entity_ids in by_type.items():
        entity = ENTITIES.get(name)
        if entity is None:
            # Written by a newer program beside this one, or a line is missing in the table above.
            log.error("unknown_entity_type", extra={"entity_type": name})
            continue
        rows = await entity.by_ids(session, actor, entity_ids)
        found.update({(name, entity_id): row for entity_id, row in rows.items()})
    return found


def _change(entry: Any, row: Any, place: Position) -> Change:
    return Change(
        op=ChangeOp.DEL if row is None else ChangeOp.PUT,
        entity_type=EntityType(entry.entity_type),
        id=strawberry.ID(str(entry.entity_id)),
        version=entry.entity_ver if row is None else row.version,
        at=entry.at,
        node=None if row is None else _node(ENTITIES[entry.entity_type].graphql_type, row),
        place=place,
    )


def _node(graphql_type: type, row: Any) -> Any:
    """The row as an instance of its type, which is how a union tells one member from another."""
    node: Any = object.__new__(graphql_type)
    node.__dict__.update(row._mapping)
    return node


def _is_lost(feeds: Mapping[UUID, Feed], position: Position) -> bool:
    """Whether the reader has to start over: also when they follow other feeds now than they did then."""
    return feeds.keys() != position.keys() or any(
        feed.must_refetch(feeds[feed_id], place) for feed_id, place in position.items()
    )


def _require_follower(actor: Actor) -> None:
    if not actor.is_staff:
        raise Forbidden
