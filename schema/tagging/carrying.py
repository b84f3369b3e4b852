"""Putting tags on customers and taking them off, in GraphQL."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import strawberry

from kernel.work import Work
from schema.context import Info
from schema.customers import Customer, customer_of
from schema.fields import mutation
from schema.payloads import told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import read_id
from tagging import commands


@strawberry.type(description="The customers whose tags changed, as they are now; those that had it so are left out.")
class CustomersTagged:
    customers: list[Customer]
    places: list[Place] = told()


CustomersTaggedResult = Annotated[CustomersTagged | Problem, strawberry.union("CustomersTaggedResult")]


@strawberry.type
class CarryingMutations:
    @mutation(
        "Put 1 to 50 tags on 1 to 100 customers, on all or on none; in a single-choice group the new tag replaces the "
        "old one, and one that is there is confirmed, once in 24 hours. The reason has up to 200 characters: "
        "`FORBIDDEN`, `TAG_NOT_FOR_YOU`, `NOT_FOUND`, `INVALID`, `TAG_RETIRED`, `ONLY_ONE_OF_GROUP`."
    )
    async def add_tags(
        self,
        info: Info,
        customer_ids: list[strawberry.ID],
        tag_ids: list[strawberry.ID],
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> CustomersTaggedResult:
        act = partial(_on_many, commands.add_tags, customer_ids, tag_ids, reason)
        return await _customers(info, idempotency_key, act)

    @mutation(
        "Say that 1 to 50 tags are still right on 1 to 100 customers, which makes them good for another shelf life; "
        "what a customer doesn't carry is no matter. Limits and refusals as for `addTags`: `FORBIDDEN`, "
        "`TAG_NOT_FOR_YOU`, `NOT_FOUND`, `INVALID`, `TAG_RETIRED`."
    )
    async def confirm_tags(
        self,
        info: Info,
        customer_ids: list[strawberry.ID],
        tag_ids: list[strawberry.ID],
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> CustomersTaggedResult:
        act = partial(_on_many, commands.confirm_tags, customer_ids, tag_ids, reason)
        return await _customers(info, idempotency_key, act)

    @mutation("Take 1 to 50 tags off 1 to 100 customers, off all or off none: `FORBIDDEN`, `NOT_FOUND`, `INVALID`.")
    async def remove_tags(
        self,
        info: Info,
        customer_ids: list[strawberry.ID],
        tag_ids: list[strawberry.ID],
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> CustomersTaggedResult:
        act = partial(_on_many, commands.remove_tags, customer_ids, tag_ids, reason)
        return await _customers(info, idempotency_key, act)


async def _on_many(
    command: Callable[..., Awaitable[list[UUID]]],
    customer_ids: list[strawberry.ID],
    tag_ids: list[strawberry.ID],
    reason: str | None,
    work: Work,
) -> list[UUID]:
    return await command(
        work, [read_id(each) for each in customer_ids], [read_id(each) for each in tag_ids], reason=reason
    )


async def _customers(info: Info, key: str | None, act: Any) -> CustomersTagged:
    done = await info.context.mutate_many(info, key, act)
    found = await asyncio.gather(*(customer_of(info, customer_id) for customer_id in done.ids))
    return CustomersTagged(customers=[customer for customer in found if customer is not None], places=done.places)
