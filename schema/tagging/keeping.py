"""Keeping the tag library, in GraphQL."""

import asyncio
from functools import partial
from typing import Annotated
from uuid import UUID

import strawberry

from kernel.actor import Role
from kernel.work import Work
from schema.context import Act, Info
from schema.fields import mutation
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import given_id, read_id
from schema.tagging.library import Tag, TagGroup, group_of, tag_of
from tagging import commands
from tagging.commands.groups import GroupChanges
from tagging.commands.tags import TagChanges
from tagging.models import Choice


@strawberry.type(description="The tag as it is after the change.")
class TagChanged:
    tag: Tag | None = seen()
    places: list[Place] = told()


@strawberry.type(description="The tag that stays, as it is after the merger.")
class TagsMerged:
    tag: Tag | None = seen()
    places: list[Place] = told()


@strawberry.type(description="The tags of the group in their new order.")
class TagsOrdered:
    tags: list[Tag]
    places: list[Place] = told()


@strawberry.type(description="The group as it is after the change.")
class TagGroupChanged:
    group: TagGroup | None = seen()
    places: list[Place] = told()


@strawberry.type(description="The groups in their new order.")
class TagGroupsOrdered:
    groups: list[TagGroup]
    places: list[Place] = told()


TagResult = Annotated[TagChanged | Problem, strawberry.union("TagResult")]
TagMergeResult = Annotated[TagsMerged | Problem, strawberry.union("TagMergeResult")]
TagsResult = Annotated[TagsOrdered | Problem, strawberry.union("TagsResult")]
TagGroupResult = Annotated[TagGroupChanged | Problem, strawberry.union("TagGroupResult")]
TagGroupsResult = Annotated[TagGroupsOrdered | Problem, strawberry.union("TagGroupsResult")]


@strawberry.type
class GroupMutations:
    @mutation(
        "Add a group at the end of the brand's library; for HQ: `FORBIDDEN`, `INVALID`, `TAG_NAME_TAKEN`, "
        "`TOO_MANY_TAGS`. A shelf life has 1 to 3,650 days; without one its tags are believed for ever."
    )
    async def add_tag_group(
        self,
        info: Info,
        name: str,
        choice: Choice = Choice.MULTI,
        color: str = "#8c8c8c",
        shelf_life_days: int | None = None,
        idempotency_key: str | None = None,
    ) -> TagGroupResult:
        return await _group(
            info,
            idempotency_key,
            lambda work: commands.add_group(
                work, name=name, choice=choice, color=color, shelf_life_days=shelf_life_days
            ),
        )

    @mutation(
        "Call a group differently; for HQ: `FORBIDDEN`, `NOT_FOUND`, `INVALID`, `STALE_VERSION`, `TAG_RETIRED`, "
        "`TAG_NAME_TAKEN`.",
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
        "Change what a group asks, of whom, and for how long an answer is believed; what is left out stays, and null "
        "is no shelf life. A multi-choice group becomes a single-choice one when no customer carries two of its tags. "
        "`roles` and `storeIds` say who may put its tags on customers: none is everybody, and who works in no store "
        "is bound by the role alone. For HQ: `FORBIDDEN`, `NOT_FOUND`, `INVALID`, `STALE_VERSION`, `TAG_RETIRED`, "
        "`TAG_NAME_TAKEN`, `SOME_CARRY_SEVERAL`.",
        edited=(TagGroup, group_of),
    )
    async def edit_tag_group(
        self,
        info: Info,
        id: strawberry.ID,
        name: str | None = None,
        color: str | None = None,
        choice: Choice | None = None,
        shelf_life_days: strawberry.Maybe[int | None] = None,
        roles: list[Role] | None = None,
        store_ids: list[strawberry.ID] | None = None,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> TagGroupResult:
        changes = GroupChanges()
        if name is not None:
            changes["name"] = name
        if color is not None:
            changes["color"] = color
        if choice is not None:
            changes["choice"] = choice
        if shelf_life_days is not None:
            changes["shelf_life_days"] = shelf_life_days.value
        if roles is not None:
            changes["roles"] = roles
        if store_ids is not None:
            changes["store_ids"] = [read_id(each) for each in store_ids]
        return await _group(
            info,
            idempotency_key,
            lambda work: commands.edit_group(work, read_id(id), expected_version=expected_version, **changes),
        )

    @mutation(
        "Use a group and its tags no more; customers show them no longer, and the names are free. For HQ: `FORBIDDEN`, "
        "`NOT_FOUND`, `STALE_VERSION`, `TAG_RETIRED`.",
        edited=(TagGroup, group_of),
    )
    async def retire_tag_group(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> TagGroupResult:
        return await _group(
            info,
            idempotency_key,
            lambda work: commands.retire_group(work, read_id(id), expected_version=expected_version),
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


@strawberry.type
class TagMutations:
    @mutation(
        "Add a tag to a group of the brand (for HQ), or without a group to one's own: `FORBIDDEN`, `NOT_FOUND`, "
        "`INVALID`, `TAG_RETIRED`, `TAG_NAME_TAKEN`, `TOO_MANY_TAGS`."
    )
    async def add_tag(
        self,
        info: Info,
        name: str,
        group_id: strawberry.ID | None = None,
        color: str = "#8c8c8c",
        synonyms: list[str] | None = None,
        idempotency_key: str | None = None,
    ) -> TagResult:
        return await _tag(
            info,
            idempotency_key,
            lambda work: commands.add_tag(
                work, name=name, group_id=given_id(group_id), color=color, synonyms=synonyms or ()
            ),
        )

    @mutation(
        "Call a tag differently, paint it differently, or give it other synonyms, up to 10 of 1 to 30 characters; a "
        "brand tag is HQ's to change, a personal one its owner's: `NOT_FOUND`, `FORBIDDEN`, `INVALID`, "
        "`STALE_VERSION`, `TAG_NAME_TAKEN`, `TAG_RETIRED`.",
        edited=(Tag, tag_of),
    )
    async def edit_tag(
        self,
        info: Info,
        id: strawberry.ID,
        name: str | None = None,
        color: str | None = None,
        synonyms: list[str] | None = None,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> TagResult:
        changes = TagChanges()
        if name is not None:
            changes["name"] = name
        if color is not None:
            changes["color"] = color
        if synonyms is not None:
            changes["synonyms"] = synonyms
        return await _tag(
            info,
            idempotency_key,
            lambda work: commands.edit_tag(work, read_id(id), expected_version=expected_version, **changes),
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
        "Put the tags in use of a group in this order, naming each once; for HQ: `FORBIDDEN`, `NOT_FOUND`, "
        "`LIBRARY_CHANGED`."
    )
    async def order_tags(
        self,
        info: Info,
        group_id: strawberry.ID,
        tag_ids: list[strawberry.ID],
        idempotency_key: str | None = None,
    ) -> TagsResult:
        done = await info.context.mutate_many(info, idempotency_key, partial(_order_tags, group_id, tag_ids))
        tags = await asyncio.gather(*(tag_of(info, tag_id) for tag_id in done.ids))
        return TagsOrdered(tags=[tag for tag in tags if tag is not None], places=done.places)

    @mutation(
        "Merge one tag into another, which from now on stands for both: the one that goes is retired, its name becomes "
        "a synonym, and rules, segments and customers name the one that stays. `previewTagMerge` says what would "
        "change; `expectedVersion` is that of the tag that goes. Both are of one group, or the one that stays is in a "
        "multi-choice one, or both are one's own: `NOT_FOUND`, `FORBIDDEN`, `INVALID`, `STALE_VERSION`, "
        "`TAG_RETIRED`, `TAGS_DONT_MERGE`, `TOO_MANY_SYNONYMS`.",
        edited=(Tag, tag_of),
    )
    async def merge_tags(
        self,
        info: Info,
        from_id: strawberry.ID,
        into_id: strawberry.ID,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> TagMergeResult:
        done = await info.context.mutate(
            info,
            idempotency_key,
            lambda work: commands.merge_tags(
                work, read_id(from_id), read_id(into_id), expected_version=expected_version
            ),
        )
        return TagsMerged(tag=await tag_of(info, done.id), places=done.places)


async def _order(group_ids: list[strawberry.ID], work: Work) -> list[UUID]:
    return [group.id for group in await commands.order_groups(work, [read_id(each) for each in group_ids])]


async def _order_tags(group_id: strawberry.ID, tag_ids: list[strawberry.ID], work: Work) -> list[UUID]:
    ordered = await commands.order_tags(work, read_id(group_id), [read_id(each) for each in tag_ids])
    return [tag.id for tag in ordered]


async def _tag(info: Info, key: str | None, act: Act) -> TagChanged:
    done = await info.context.mutate(info, key, act)
    return TagChanged(tag=await tag_of(info, done.id), places=done.places)


async def _group(info: Info, key: str | None, act: Act) -> TagGroupChanged:
    done = await info.context.mutate(info, key, act)
    return TagGroupChanged(group=await group_of(info, done.id), places=done.places)
