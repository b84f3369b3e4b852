"""The tag library, and the tags that customers carry, in GraphQL."""

import asyncio
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import strawberry

from kernel.work import Work
from schema.context import Act, Info
from schema.customers import Customer, customer_of
from schema.directory import Staff, staff_of
from schema.fields import OUT_OF_SIGHT, field, mutation
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import given_id, read_id, shown_as
from schema.versioned import Versioned
from tagging import commands
from tagging.models import Choice, SetBy
from tagging.queries import library

strawberry.enum(Choice, description="Whether a customer may carry one tag of a group, or several.")
strawberry.enum(SetBy, description="What put a tag on a customer.")


@strawberry.type(description="A word for customers: the brand's (企业标签) in a group, or somebody's own (个人标签).")
class Tag(Versioned):
    name: str = strawberry.field(description="1 to 30 characters.")
    color: str = strawberry.field(description="As in `#8c8c8c`.")
    position: int = strawberry.field(description="Its place among the tags beside it: the lowest comes first.")
    retired_at: datetime | None = strawberry.field(description="Since when it isn't used any more, in UTC.")
    group_id: strawberry.Private[UUID | None]
    owner_id: strawberry.Private[UUID | None]

    @field("Its group; null for a personal tag.")
    async def group(self, info: Info) -> "TagGroup | None":
        return await group_of(info, self.group_id)

    @field("Whether it is the viewer's own: others never see it.")
    async def is_personal(self) -> bool:
        return self.owner_id is not None


@strawberry.type(description="A question that tags answer (标签组): style, size, family.")
class TagGroup(Versioned):
    name: str = strawberry.field(description="1 to 30 characters.")
    choice: Choice
    position: int = strawberry.field(description="Its place in the brand's library: the lowest comes first.")

    @field("Its tags in use, in their order.")
    async def tags(self, info: Info) -> list[Tag]:
        return shown_as(list[Tag], await info.context.load(library.tags_of_groups, self.id) or [])


@strawberry.type(
    description="All tags that the viewer can put on customers; at most 3,000 of the brand's, 100 personal."
)
class TagLibrary:
    @field("The brand's groups in their order.")
    async def groups(self, info: Info) -> list[TagGroup]:
        async with info.context.read() as session:
            return shown_as(list[TagGroup], await library.groups(session, info.context.actor))

    @field("The viewer's own tags.")
    async def personal(self, info: Info) -> list[Tag]:
        async with info.context.read() as session:
            return shown_as(list[Tag], await library.personal(session, info.context.actor))


@strawberry.type(description="A tag on a customer: who or what set it, and when.")
class CarriedTag:
    id: strawberry.ID = strawberry.field(description="The id of the tag.")
    name: str
    color: str = strawberry.field(description="As in `#8c8c8c`.")
    set_by: SetBy
    set_at: datetime = strawberry.field(description="In UTC.")
    group_id: strawberry.Private[UUID | None]
    by_staff_id: strawberry.Private[UUID | None]

    @field("Its group; null for a personal tag.")
    async def group(self, info: Info) -> TagGroup | None:
        return await group_of(info, self.group_id)

    @field(f"Who set it, if it was a person; {OUT_OF_SIGHT}.")
    async def by(self, info: Info) -> Staff | None:
        return await staff_of(info, self.by_staff_id)


@strawberry.type(description="The tag as it is after the change.")
class TagChanged:
    tag: Tag | None = seen()
    places: list[Place] = told()


@strawberry.type(description="The group as it is after the change.")
class TagGroupChanged:
    group: TagGroup | None = seen()
    places: list[Place] = told()


@strawberry.type(description="The groups in their new order.")
class TagGroupsOrdered:
    groups: list[TagGroup]
    places: list[Place] = told()


@strawberry.type(description="The customers whose tags changed, as they are now; those that had it so are left out.")
class CustomersTagged:
    customers: list[Customer]
    places: list[Place] = told()


TagResult = Annotated[TagChanged | Problem, strawberry.union("TagResult")]
TagGroupResult = Annotated[TagGroupChanged | Problem, strawberry.union("TagGroupResult")]
TagGroupsResult = Annotated[TagGroupsOrdered | Problem, strawberry.union("TagGroupsResult")]
CustomersTaggedResult = Annotated[CustomersTagged | Problem, strawberry.union("CustomersTaggedResult")]


@strawberry.type
class LibraryQueries:
    @field("The tag library as the viewer has it.")
    async def tags(self) -> TagLibrary:
        return TagLibrary()


async def tag_of(info: Info, tag_id: UUID | None) -> Tag | None:
    """The tag, if there is one in sight."""
    return shown_as(Tag, await info.context.load(library.by_ids, tag_id)) if tag_id else None


async def group_of(info: Info, group_id: UUID | None) -> TagGroup | None:
    """The group, if the brand has it."""
    return shown_as(TagGroup, await info.context.load(library.groups_by_ids, group_id)) if group_id else None


@strawberry.type
class LibraryMutations:
    @mutation(
        "Add a group at the end of the brand's library; for HQ: `FORBIDDEN`, `INVALID`, `TAG_NAME_TAKEN`, "
        "`TOO_MANY_TAGS`."
    )
    async def add_tag_group(
        self, info: Info, name: str, choice: Choice = Choice.MULTI, idempotency_key: str | None = None
    ) -> TagGroupResult:
        return await _group(info, idempotency_key, lambda work: commands.add_group(work, name=name, choice=choice))

    @mutation(
        "Call a group differently; for HQ: `FORBIDDEN`, `NOT_FOUND`, `INVALID`, `STALE_VERSION`, `TAG_NAME_TAKEN`.",
        edited=(TagGroup, group_of),
    )
    async def rename_tag_group(
        self,
        info: Info,
        id: strawberry.ID,
        name: str,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> TagGroupResult:
        return await _group(
            info,
            idempotency_key,
            lambda work: commands.rename_group(work, read_id(id), name=name, expected_version=expected_version),
        )

    @mutation(
        "Put the brand's groups in this order, naming each once; for HQ: `FORBIDDEN`, `NOT_FOUND`, `LIBRARY_CHANGED`."
    )
    async def order_tag_groups(
        self, info: Info, group_ids: list[strawberry.ID], idempotency_key: str | None = None
    ) -> TagGroupsResult:
        done = await info.context.mutate_many(info, idempotency_key, partial(_order, group_ids))
        groups = await asyncio.gather(*(group_of(info, group_id) for group_id in done.ids))
        return TagGroupsOrdered(groups=[group for group in groups if group is not None], places=done.places)

    @mutation(
        "Add a tag to a group of the brand (for HQ), or without a group to one's own: `FORBIDDEN`, `NOT_FOUND`, "
        "`INVALID`, `TAG_NAME_TAKEN`, `TOO_MANY_TAGS`."
    )
    async def add_tag(
        self,
        info: Info,
        name: str,
        group_id: strawberry.ID | None = None,
        color: str = "#8c8c8c",
        idempotency_key: str | None = None,
    ) -> TagResult:
        return await _tag(
            info,
            idempotency_key,
            lambda work: commands.add_tag(work, name=name, group_id=given_id(group_id), color=color),
        )

    @mutation(
        "Call a tag differently, or paint it differently; a brand tag is HQ's to change, a personal one its owner's: "
        "`NOT_FOUND`, `FORBIDDEN`, `INVALID`, `STALE_VERSION`, `TAG_NAME_TAKEN`, `TAG_RETIRED`.",
        edited=(Tag, tag_of),
    )
    async def edit_tag(
        self,
        info: Info,
        id: strawberry.ID,
        name: str | None = None,
        color: str | None = None,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> TagResult:
        return await _tag(
            info,
            idempotency_key,
            lambda work: commands.edit_tag(
                work, read_id(id), name=name, color=color, expected_version=expected_version
            ),
        )

    @mutation(
        "Use a tag no more; customers show it no longer, and its name is free: `NOT_FOUND`, `FORBIDDEN`, "
        "`STALE_VERSION`, `TAG_RETIRED`.",
        edited=(Tag, tag_of),
    )
    async def retire_tag(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> TagResult:
        return await _tag(
            info,
            idempotency_key,
            lambda work: commands.retire_tag(work, read_id(id), expected_version=expected_version),
        )

    @mutation(
        "Put 1 to 50 tags on 1 to 100 customers, on all or on none; in a single-choice group the new tag replaces the "
        "old one: `FORBIDDEN`, `NOT_FOUND`, `INVALID`, `TAG_RETIRED`, `ONLY_ONE_OF_GROUP`."
    )
    async def add_tags(
        self,
        info: Info,
        customer_ids: list[strawberry.ID],
        tag_ids: list[strawberry.ID],
        idempotency_key: str | None = None,
    ) -> CustomersTaggedResult:
        return await _customers(info, idempotency_key, partial(_put_on, customer_ids, tag_ids))

    @mutation("Take 1 to 50 tags off 1 to 100 customers, off all or off none: `FORBIDDEN`, `NOT_FOUND`, `INVALID`.")
    async def remove_tags(
        self,
        info: Info,
        customer_ids: list[strawberry.ID],
        tag_ids: list[strawberry.ID],
        idempotency_key: str | None = None,
    ) -> CustomersTaggedResult:
        return await _customers(info, idempotency_key, partial(_take_off, customer_ids, tag_ids))


async def _put_on(customer_ids: list[strawberry.ID], tag_ids: list[strawberry.ID], work: Work) -> list[UUID]:
    return await commands.add_tags(work, [read_id(each) for each in customer_ids], [read_id(each) for each in tag_ids])


async def _take_off(customer_ids: list[strawberry.ID], tag_ids: list[strawberry.ID], work: Work) -> list[UUID]:
    return await commands.remove_tags(
        work, [read_id(each) for each in customer_ids], [read_id(each) for each in tag_ids]
    )


async def _order(group_ids: list[strawberry.ID], work: Work) -> list[UUID]:
    return [group.id for group in await commands.order_groups(work, [read_id(each) for each in group_ids])]


async def _tag(info: Info, key: str | None, act: Act) -> TagChanged:
    done = await info.context.mutate(info, key, act)
    return TagChanged(tag=await tag_of(info, done.id), places=done.places)


async def _group(info: Info, key: str | None, act: Act) -> TagGroupChanged:
    done = await info.context.mutate(info, key, act)
    return TagGroupChanged(group=await group_of(info, done.id), places=done.places)


async def _customers(info: Info, key: str | None, act: Any) -> CustomersTagged:
    done = await info.context.mutate_many(info, key, act)
    found = await asyncio.gather(*(customer_of(info, customer_id) for customer_id in done.ids))
    return CustomersTagged(customers=[customer for customer in found if customer is not None], places=done.places)
