"""Who sees which customers: whoever holds a relationship, and those who answer for its store."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, false, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.events import (
    CustomerChanged,
    RecordEvent,
    RelationshipAdded,
    RelationshipEvent,
    RelationshipReassigned,
    RelationshipSucceeded,
    ThingsLeft,
    VisitNoted,
)
from customers.models import Customer, Holding, Note, Relationship, Visit
from directory import policy as directory
from directory.policy import in_sight
from kernel import feed
from kernel.actor import Actor, Role, Scope
from kernel.db import OneOf
from kernel.errors import Forbidden

CUSTOMER = "customer"
RELATIONSHIP = "relationship"
NOTE = "note"
VISIT = "visit"


def is_live(relationship: type[Relationship] = Relationship) -> ColumnElement[bool]:
    """That a relationship hasn't ended with its store: what has ended is history, and nobody's customer any more."""
    return col(relationship.ended_at).is_(None)


def relationships_visible_to(actor: Actor) -> ColumnElement[bool]:
    """A guide sees what the accounts hold that they serve; managers their stores; HQ, and machines that may, all.

    Nobody sees those that ended with their store.
    """
    ours = and_(col(Relationship.brand_id) == actor.brand_id, is_live())
    if not _sees_customers(actor):
        return and_(ours, false())
    if actor.role is Role.GUIDE:
        return and_(ours, col(Relationship.holder_id).in_(actor.served_ids))
    return and_(in_sight(actor, col(Relationship.brand_id), col(Relationship.store_id)), is_live())


def relationship_ids_of(actor: Actor) -> Select[UUID]:
    """The ids of the relationships in sight, for tables that hang on them."""
    return select(col(Relationship.id)).where(relationships_visible_to(actor))


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """A customer is seen through a relationship; HQ and machines whose scopes say so see all of the brand's."""
    ours = col(Customer.brand_id) == actor.brand_id
    if not _sees_customers(actor):
        return and_(ours, false())
    if actor.role in (Role.HQ, Role.SERVICE, Role.SYSTEM):
        return ours
    through = exists().where(col(Relationship.customer_id) == col(Customer.id), relationships_visible_to(actor))
    return and_(ours, through)


def notes_visible_to(actor: Actor) -> ColumnElement[bool]:
    return and_(col(Note.brand_id) == actor.brand_id, col(Note.relationship_id).in_(relationship_ids_of(actor)))


def visits_visible_to(actor: Actor) -> ColumnElement[bool]:
    return and_(col(Visit.brand_id) == actor.brand_id, col(Visit.relationship_id).in_(relationship_ids_of(actor)))


def holdings_visible_to(actor: Actor) -> ColumnElement[bool]:
    return and_(col(Holding.brand_id) == actor.brand_id, col(Holding.relationship_id).in_(relationship_ids_of(actor)))


def require_writer(actor: Actor) -> None:
    """What is known of a customer is kept by whoever sees them, and by machines that may write it."""
    if not actor.may(Scope.CUSTOMERS_WRITE):
        raise Forbidden


def require_serves(actor: Actor, relationship: Relationship) -> None:
    """Whoever holds the relationship writes about it, or covers for them, or a manager of its store."""
    if actor.role is Role.SYSTEM:
        return
    if actor.role is Role.STORE_MANAGER and actor.store_id == relationship.store_id:
        return
    if relationship.holder_id not in actor.served_ids:
        raise Forbidden


def require_may_reassign(actor: Actor) -> None:
    """Managers say who holds a relationship, each of those they see."""
    if actor.role not in (Role.STORE_MANAGER, Role.REGIONAL_MANAGER, Role.HQ, Role.SYSTEM):
        raise Forbidden


def require_may_rank(actor: Actor) -> None:
    """Which store comes first for a customer concerns several stores, so it is decided above them."""
    if actor.role not in (Role.REGIONAL_MANAGER, Role.HQ, Role.SYSTEM):
        raise Forbidden


async def customer_seen_by(
    session: AsyncSession, brand_id: UUID, events: Sequence[CustomerChanged]
) -> list[feed.Entry]:
    """Whoever holds a relationship with the customer, in any store, and the desks of those stores."""
    feeds = await feeds_of_customers(session, brand_id, {event.customer_id for event in events})
    return [
        feed.Entry(feed_id, CUSTOMER, event.customer_id, event.version)
        for event in events
        for feed_id in sorted(feeds[event.customer_id])
    ]


async def feeds_of_customers(
    session: AsyncSession, brand_id: UUID, customer_ids: Iterable[UUID]
) -> dict[UUID, set[UUID]]:
    """The feeds that hear of each customer. Who holds a relationship stays so until the commit.

    A holder who came in between would have read the customer as it was before, and never hear of the change.
    """
    wanted = sorted(set(customer_ids))
    found = await session.execute(
        select(col(Relationship.customer_id), col(Relationship.holder_id))
        .where(col(Relationship.brand_id) == brand_id, OneOf(col(Relationship.customer_id), "wanted"), is_live())
        .order_by(col(Relationship.id))
        .with_for_update(read=True),
        {"wanted": wanted},
    )
    holders = found.all()
    watchers = await directory.watchers(session, brand_id, {account_id for _, account_id in holders})
    feeds: dict[UUID, set[UUID]] = {customer_id: set() for customer_id in wanted}
    for customer_id, account_id in holders:
        watcher = watchers[account_id]
        feeds[customer_id] |= {watcher.desk} if watcher.own is None else {watcher.own, watcher.desk}
    return feeds


async def seen_by(session: AsyncSession, brand_id: UUID, events: Sequence[RelationshipEvent]) -> list[feed.Entry]:
    """Whoever holds the relationship, and the managers of its store.

    A new one is new to all of them with everything that hangs on it.
    """
    watchers = await directory.watchers(session, brand_id, {event.account_id for event in events})
    entries: list[feed.Entry] = []
    for event in events:
        op = feed.Op.WHOLE if isinstance(event, RelationshipAdded) else feed.Op.PUT
        entries += watchers[event.account_id].entries(RELATIONSHIP, event.relationship_id, event.version, op)
    return entries


async def moved_seen_by(
    session: AsyncSession, brand_id: UUID, events: Sequence[RelationshipReassigned]
) -> list[feed.Entry]:
    """Whoever held the relationship forgets it and the customer; whoever holds it now hears of all that hangs on it."""
    accounts = {account_id for event in events for account_id in (event.from_account_id, event.to_account_id)}
    watchers = await directory.watchers(session, brand_id, accounts)
    versions = await _versions(session, brand_id, {event.customer_id for event in events})
    entries: list[feed.Entry] = []
    for event in events:
        former, holder = watchers[event.from_account_id].own, watchers[event.to_account_id]
        if former and former != holder.own:
            entries.append(feed.Entry(former, RELATIONSHIP, event.relationship_id, event.version, feed.Op.DEL))
            known = versions[event.customer_id]
            entries.append(feed.Entry(former, CUSTOMER, event.customer_id, known, feed.Op.DEL))
        if holder.own and former != holder.own:
            entries.append(feed.Entry(holder.own, RELATIONSHIP, event.relationship_id, event.version, feed.Op.WHOLE))
        entries.append(feed.Entry(holder.desk, RELATIONSHIP, event.relationship_id, event.version))
    return entries


async def succeeded_seen_by(
    session: AsyncSession, brand_id: UUID, events: Sequence[RelationshipSucceeded]
) -> list[feed.Entry]:
    """Whoever held it, and the desk of the store that closes, forget it and the customer; the others hear of it all."""
    accounts = {account_id for event in events for account_id in (event.from_account_id, event.to_account_id)}
    watchers = await directory.watchers(session, brand_id, accounts)
    entries: list[feed.Entry] = []
    for event in events:
        former, holder = watchers[event.from_account_id], watchers[event.to_account_id]
        entries += former.entries(RELATIONSHIP, event.relationship_id, event.version, feed.Op.DEL)
        entries += former.entries(CUSTOMER, event.customer_id, event.customer_version, feed.Op.DEL)
        entries += holder.entries(RELATIONSHIP, event.successor_id, event.successor_version, feed.Op.WHOLE)
    return entries


async def left_seen_by(session: AsyncSession, brand_id: UUID, events: Sequence[ThingsLeft]) -> list[feed.Entry]:
    """Whoever holds the relationship, and the managers of its store, forget the things."""
    watchers = await directory.watchers(session, brand_id, {event.account_id for event in events})
    return [
        entry
        for event in events
        for kind, thing_id, version in event.things
        for entry in watchers[event.account_id].entries(kind, thing_id, version, feed.Op.DEL)
    ]


async def _versions(session: AsyncSession, brand_id: UUID, customer_ids: Iterable[UUID]) -> dict[UUID, int]:
    found = await session.execute(
        select(col(Customer.id), col(Customer.version)).where(
            col(Customer.brand_id) == brand_id, OneOf(col(Customer.id), "customer_ids")
        ),
        {"customer_ids": sorted(customer_ids)},
    )
    return dict(found.all())


async def record_seen_by(session: AsyncSession, brand_id: UUID, events: Sequence[RecordEvent]) -> list[feed.Entry]:
    """As the relationship that a note or visit hangs on; a visit also renews its last contact."""
    watchers = await directory.watchers(session, brand_id, {event.account_id for event in events})
    entries: list[feed.Entry] = []
    for event in events:
        holder = watchers[event.account_id]
        if isinstance(event, VisitNoted):
            entries += holder.entries(VISIT, event.visit_id, event.visit_version)
            entries += holder.entries(RELATIONSHIP, event.relationship_id, event.version)
        else:
            entries += holder.entries(NOTE, event.note_id, event.version)
    return entries


def _sees_customers(actor: Actor) -> bool:
    return actor.may(Scope.CUSTOMERS_READ, Scope.CUSTOMERS_WRITE)
