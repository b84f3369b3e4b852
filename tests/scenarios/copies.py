"""A phone's copy, of every field that the schema has, kept by the client contract."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from types import SimpleNamespace
from typing import Any, cast

from graphql import (
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
)
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.actor import Actor
from kernel.db import Database
from kernel.work import Ground
from schema.live import Readings
from schema.live.entities import ENTITIES, EntityType
from schema.root import schema
from tests.asking import context
from tests.scenarios.documents import GRAPH

Key = tuple[str, str]
Node = dict[str, Any]

# The kind of thing that a type's nodes are, by the type's name.
KINDS = {entity.graphql_type.__name__: EntityType(name).name for name, entity in ENTITIES.items()}
TYPES = {kind: cast(GraphQLObjectType, GRAPH.type_map[name]) for name, kind in KINDS.items()}

# What no change tells of: a phone keeps its id, and asks for the rest when it shows it.
READ_WHEN_SHOWN = {
    "Region": "the tree is HQ's, and a store's region is a line on a page that is seldom opened",
    "Product": "an order's line says what was sold; the catalogue is looked up, not copied",
}

# What isn't copied at all: it is asked for when it is shown.
NOT_COPIED = {
    "Account.partnerUserId": "says by which name the partner knows it, which is no matter to a phone",
    "Account.version": "grows with that name alone",
    "Customer.purchases": "figures over all stores of the brand: a phone hears of its own store's orders only",
    "Order.timeline": "grows with the order, and is looked at one order at a time",
    "Task.history": "grows with the task, and is looked at one task at a time",
    "Task.closedByOrder": "an order comes into sight and goes out of it without the task's changing",
    "Order.creditHistory": "grows with the order, and is looked at one order at a time",
    "Order.isOffHours": "goes by the store's hours, which change without the order's changing",
    "Order.isCrossCity": "goes by the store's city, which changes without the order's changing",
    "Order.share": "what comes of a link, and whether it is live, changes without the order's changing",
    "Relationship.briefing": "says again what the customer, orders, tasks and notes of the copy say",
    "Credit.order": "an order comes into sight and goes out of it without the credit's changing",
    "Task.influence": "figures over all stores of the brand: a phone hears of its own store's orders only",
}


@dataclass(slots=True)
class Held:
    """One thing of a copy."""

    version: int
    relationship: str | None
    node: Node


Copy = dict[Key, Held]


@dataclass
class Phone:
    """Somebody's copy and the place up to which it is kept; a lean one keeps versions only."""

    copy: Copy = field(default_factory=dict)
    cursor: str = ""
    is_lean: bool = False

    async def start(self, ground: Ground, actor: Actor) -> None:
        """Take everything; the old copy stays until the new one is whole."""
        self.copy, self.cursor = await snapshot(ground, actor, is_lean=self.is_lean)

    async def catch_up(self, ground: Ground, actor: Actor, size: int) -> int:
        """Take all changes in batches of that size, starting over if need be; returns how many changes came."""
        count = 0
        while True:
            batch = await changes(ground, actor, self.cursor, size, is_lean=self.is_lean)
            if batch["mustRefetch"]:
                await self.start(ground, actor)
                return count
            for change in batch["changes"]:
                apply(self.copy, change)
            count += len(batch["changes"])
            self.cursor = batch["cursor"]
            if batch["upToDate"]:
                return count


async def snapshot(ground: Ground, actor: Actor, *, is_lean: bool = False) -> tuple[Copy, str]:
    """Everything that the person's feeds tell of, as it is now, and where its changes go on."""
    copy: Copy = {}
    taken = await page(ground, actor, None, is_lean=is_lean)
    while True:
        for item in taken["items"]:
            put(copy, item)
        if taken["next"] is None:
            return copy, taken["cursor"]
        taken = await page(ground, actor, taken["next"], is_lean=is_lean)


async def page(
    ground: Ground, actor: Actor, after: str | None, first: int = 500, *, is_lean: bool = False
) -> dict[str, Any]:
    """A page of a snapshot. Raises `BAD_CURSOR` behind a page of somebody who has another post now."""
    taken: dict[str, Any] = (await _asked(ground, actor, _snapshot(is_lean), after, first))["snapshot"]
    return taken


async def changes(ground: Ground, actor: Actor, after: str, first: int, *, is_lean: bool = False) -> dict[str, Any]:
    """A batch of changes behind a cursor."""
    batch: dict[str, Any] = (await _asked(ground, actor, _changes(is_lean), after, first))["changes"]
    return batch


async def first_heard(ground: Ground, readings: Readings, actor: Actor, after: str, *, is_lean: bool) -> dict[str, Any]:
    """The first answer of a subscription, read together with whoever else listens at that moment."""
    listening = replace(context(ground, actor), readings=readings)
    stream = await schema.subscribe(_subscription(is_lean), {"after": after}, listening)
    assert isinstance(stream, AsyncGenerator), stream
    try:
        answer = await anext(stream)
    finally:
        await stream.aclose()
    assert answer.data is not None, answer.errors
    batch: dict[str, Any] = answer.data["changes"]
    return batch


async def _asked(ground: Ground, actor: Actor, document: str, after: str | None, first: int) -> dict[str, Any]:
    answer = await schema.execute(document, {"after": after, "first": first}, context(ground, actor))
    if answer.errors:
        raise answer.errors[0].original_error or answer.errors[0]
    assert answer.data is not None
    return answer.data


def apply(copy: Copy, change: dict[str, Any]) -> None:
    """What the contract says to do with a change."""
    if change["op"] == "PUT":
        put(copy, change)
        return
    copy.pop((change["entityType"], change["id"]), None)
    if change["entityType"] == "RELATIONSHIP":
        for key in [key for key, held in copy.items() if held.relationship == change["id"]]:
            del copy[key]


def put(copy: Copy, item: dict[str, Any]) -> None:
    """Take a thing over; never a lower version in place of a higher one."""
    key = (item["entityType"], item["id"])
    known = copy.get(key)
    if known is None or known.version <= item["version"]:
        copy[key] = Held(item["version"], item["relationshipId"], _plain(item["node"]))


@asynccontextmanager
async def at_one_moment(ground: Ground) -> AsyncIterator[Ground]:
    """The same ground, where all is read from one snapshot, one after the other: nobody waits for it here."""
    turn = asyncio.Lock()
    async with ground.db.read() as session:

        @asynccontextmanager
        async def read() -> AsyncIterator[AsyncSession]:
            async with turn:
                yield session

        yield replace(ground, db=cast(Database, SimpleNamespace(read=read)))


def documents() -> list[str]:
    """All that phones ask for here."""
    return [document(is_lean) for document in (_snapshot, _changes, _subscription) for is_lean in (False, True)]


@cache
def _snapshot(is_lean: bool) -> str:
    return f"""
query ($after: Cursor, $first: Int!) {{ snapshot(after: $after, first: $first) {{
  next cursor items {{ entityType id version relationshipId node {_node(is_lean)} }} }} }}"""


@cache
def _changes(is_lean: bool) -> str:
    return f"query ($after: Cursor, $first: Int!) {{ changes(after: $after, first: $first) {_batch(is_lean)} }}"


@cache
def _subscription(is_lean: bool) -> str:
    return f"subscription ($after: Cursor) {{ changes(after: $after) {_batch(is_lean)} }}"


def _batch(is_lean: bool) -> str:
    return f"""{{
  cursor upToDate mustRefetch
  changes {{ op entityType id version relationshipId position node {_node(is_lean)} }} }}"""


def _node(is_lean: bool) -> str:
    union = cast(GraphQLUnionType, GRAPH.type_map["ChangedNode"])
    members = "" if is_lean else " ".join(f"... on {each.name} {_all_of(each)}" for each in union.types)
    return f"{{ __typename {members} }}"


def _all_of(kind: GraphQLObjectType) -> str:
    # Each field goes by its type too: two types of a union may have fields of one name that don't agree.
    return "{" + " ".join(f"{_mark(kind)}_{name}:{_field(kind, name)}" for name in fields_of(kind)) + "}"


def _mark(kind: GraphQLObjectType) -> str:
    """A word for a type, as short as can be: long documents are parsed and validated anew whenever they are sent."""
    return f"t{list(GRAPH.type_map).index(kind.name)}"


def _field(kind: GraphQLObjectType, name: str) -> str:
    """Of a thing that has a copy of its own the id; lists of values, such as a customer's tags, as a whole."""
    target = get_named_type(kind.fields[name].type)
    if not isinstance(target, GraphQLObjectType):
        return name
    if target.name in KINDS or target.name in READ_WHEN_SHOWN:
        return f"{name}{{id}}"
    is_named = "id" in target.fields and not isinstance(get_nullable_type(kind.fields[name].type), GraphQLList)
    return f"{name} {_leaves_of(target) if is_named else _all_of(target)}"


def _leaves_of(kind: GraphQLObjectType) -> str:
    leaves = [name for name in fields_of(kind) if is_leaf_type(get_named_type(kind.fields[name].type))]
    return "{" + " ".join(f"{_mark(kind)}_{name}:{name}" for name in leaves) + "}"


def fields_of(kind: GraphQLObjectType) -> list[str]:
    """The fields that can be asked for without saying more, and that are worth keeping."""
    return [
        name
        for name, definition in kind.fields.items()
        if f"{kind.name}.{name}" not in NOT_COPIED
        and not any(
            isinstance(argument.type, GraphQLNonNull) and argument.default_value is None
            for argument in definition.args.values()
        )
    ]


def _plain(value: Any) -> Any:
    """The answer without the type's word before each field's."""
    if isinstance(value, dict):
        return {name.rpartition("_")[2]: _plain(each) for name, each in value.items() if name != "__typename"}
    return [_plain(each) for each in value] if isinstance(value, list) else value
