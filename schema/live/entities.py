"""The kinds of things that a phone keeps a copy of: how each is found in sight, and how it is shown."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
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
import mall.queries.credits
import mall.queries.orders
import mall.queries.refunds
import tagging.policy
import tagging.queries.library
import tasks.policy
import tasks.queries.tasks
from kernel.actor import Actor
from schema.customers import Customer, Note, Relationship, Visit
from schema.directory import Staff, Store
from schema.intake import ImportRun
from schema.mall import Credit, Order, Refund
from schema.tagging import Tag, TagGroup
from schema.tasks import Task
from schema.versioned import node

ByIds = Callable[[AsyncSession, Actor, Sequence[UUID]], Awaitable[Mapping[UUID, Any]]]
Walk = Callable[[AsyncSession, Actor, UUID | None, int], Awaitable[Sequence[Any]]]
WalkOf = Callable[..., Awaitable[Sequence[Any]]]


@dataclass(frozen=True, slots=True)
class Entity:
    """A kind of thing: its GraphQL type, the batch read that finds it in sight, and the walk over all in sight.

    `of_relationships` walks over those that come with certain relationships. `hangs_on_one` says that it is
    in sight through the relationship that it names, and so leaves with it. `is_local` says that only the feeds
    of a store tell of it: who works over stores keeps no copy.
    """

    graphql_type: type
    by_ids: ByIds
    walk: Walk
    of_relationships: WalkOf | None = None
    hangs_on_one: bool = False
    is_local: bool = True


@strawberry.enum(description="Which kind of thing.")
class EntityType(StrEnum):
    STORE = directory.policy.STORE
    STAFF = directory.policy.STAFF
    TAG_GROUP = tagging.policy.TAG_GROUP
    TAG = tagging.policy.TAG
    RELATIONSHIP = customers.policy.RELATIONSHIP
    CUSTOMER = customers.policy.CUSTOMER
    TASK = tasks.policy.TASK
    NOTE = customers.policy.NOTE
    VISIT = customers.policy.VISIT
    ORDER = mall.policy.ORDER
    REFUND = mall.policy.REFUND
    CREDIT = mall.policy.CREDIT
    IMPORT_RUN = intake.policy.IMPORT_RUN


# In the order in which a snapshot brings them: what others refer to comes first.
ENTITIES: dict[str, Entity] = {
    EntityType.STORE: Entity(Store, directory.queries.stores.by_ids, directory.queries.stores.walk),
    EntityType.STAFF: Entity(Staff, directory.queries.staff.by_ids, directory.queries.staff.walk, is_local=False),
    EntityType.TAG_GROUP: Entity(TagGroup, tagging.queries.library.groups_by_ids, tagging.queries.library.walk_groups),
    EntityType.TAG: Entity(Tag, tagging.queries.library.by_ids, tagging.queries.library.walk, is_local=False),
    EntityType.RELATIONSHIP: Entity(
        Relationship,
        customers.queries.relationships.by_ids,
        customers.queries.relationships.walk,
        of_relationships=customers.queries.relationships.walk,
    ),
    EntityType.CUSTOMER: Entity(
        Customer,
        customers.queries.customers.by_ids,
        customers.queries.customers.walk,
        of_relationships=customers.queries.customers.walk,
    ),
    # A closed task stays with whoever closed it; when the customer comes back to them, it names the customer again.
    EntityType.TASK: Entity(
        Task, tasks.queries.tasks.by_ids, tasks.queries.tasks.walk, of_relationships=tasks.queries.tasks.walk
    ),
    EntityType.NOTE: Entity(
        Note,
        customers.queries.records.notes_by_ids,
        customers.queries.records.walk_notes,
        of_relationships=customers.queries.records.walk_notes,
        hangs_on_one=True,
    ),
    EntityType.VISIT: Entity(
        Visit,
        customers.queries.records.visits_by_ids,
        customers.queries.records.walk_visits,
        of_relationships=customers.queries.records.walk_visits,
        hangs_on_one=True,
    ),
    EntityType.ORDER: Entity(
        Order,
        mall.queries.orders.by_ids,
        mall.queries.orders.walk,
        of_relationships=mall.queries.orders.walk,
        hangs_on_one=True,
    ),
    EntityType.REFUND: Entity(
        Refund,
        mall.queries.refunds.by_ids,
        mall.queries.refunds.walk,
        of_relationships=mall.queries.refunds.walk,
        hangs_on_one=True,
    ),
    # Earned without holding the relationship: it neither comes nor leaves with one.
    EntityType.CREDIT: Entity(Credit, mall.queries.credits.by_ids, mall.queries.credits.walk),
    EntityType.IMPORT_RUN: Entity(ImportRun, intake.queries.runs.by_ids, intake.queries.runs.walk, is_local=False),
}

ChangedNode = Annotated[
    Store
    | Staff
    | TagGroup
    | Tag
    | Relationship
    | Customer
    | Task
    | Note
    | Visit
    | Order
    | Refund
    | Credit
    | ImportRun,
    strawberry.union("ChangedNode", description="The thing as it is now."),
]


def kept_by(actor: Actor) -> list[str]:
    """The kinds of things that the actor's feeds tell of, so that a copy of them stays fresh."""
    return [name for name, entity in ENTITIES.items() if actor.store_id is not None or not entity.is_local]


def coming_with(relationship_ids: Sequence[UUID]) -> dict[str, Walk]:
    """The kinds of things that come with a relationship, and how to walk over those of these relationships."""
    return {
        name: partial(entity.of_relationships, of=relationship_ids)
        for name, entity in ENTITIES.items()
        if entity.of_relationships is not None
    }


def relationship_of(name: str, row: Any) -> UUID | None:
    """The relationship that the thing leaves with."""
    return row.relationship_id if ENTITIES[name].hangs_on_one else None


def node_of(name: str, row: Any) -> Any:
    """The row as an instance of its type, which is how a union tells one member from another."""
    return node(ENTITIES[name].graphql_type, row)
