"""The tag library, and the tags that customers carry, as they look in GraphQL."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import strawberry

from kernel import clock
from kernel.actor import Role
from schema.context import Info
from schema.directory import Staff, Store, staff_of, store_of
from schema.fields import OUT_OF_SIGHT, field
from schema.paging import Connection, connection, page_of
from schema.scalars import Cursor, shown_as, sought_id
from schema.versioned import Versioned
from tagging.models import Choice, SetBy, TagChangeKind
from tagging.policy import is_for, keeps_library
from tagging.queries import history, library, use

strawberry.enum(Choice, description="Whether a customer may carry one tag of a group, or several.")
strawberry.enum(SetBy, description="What put a tag on a customer.")
strawberry.enum(
    TagChangeKind,
    description="What happened to a tag on a customer. `REPLACED` is by another tag of its single-choice group.",
)


@strawberry.type(description="A word for customers: the brand's (企业标签) in a group, or somebody's own (个人标签).")
class Tag(Versioned):
    name: str = strawberry.field(description="1 to 30 characters.")
    color: str = strawberry.field(description="As in `#8c8c8c`.")
    position: int = strawberry.field(description="Its place among the tags beside it: the lowest comes first.")
    synonyms: list[str] = strawberry.field(
        description="Other words by which it is found: up to 10, and up to 50 when others were merged into it."
    )
    retired_at: datetime | None = strawberry.field(description="Since when it isn't used any more, in UTC.")
    group_id: strawberry.Private[UUID | None]
    owner_id: strawberry.Private[UUID | None]
    merged_into_id: strawberry.Private[UUID | None]

    @field("Its group; null for a personal tag.")
    async def group(self, info: Info) -> "TagGroup | None":
        return await group_of(info, self.group_id)

    @field("Whether it is the viewer's own: others never see it.")
    async def is_personal(self) -> bool:
        return self.owner_id is not None

    @field("The tag that it was merged into, and counts as; null for one that wasn't. That one is in no other.")
    async def merged_into(self, info: Info) -> "Tag | None":
        return await tag_of(info, self.merged_into_id)


@strawberry.type(description="A question that tags answer (标签组): style, size, family.")
class TagGroup(Versioned):
    name: str = strawberry.field(description="1 to 30 characters.")
    choice: Choice
    color: str = strawberry.field(description="As in `#8c8c8c`.")
    position: int = strawberry.field(description="Its place in the brand's library: the lowest comes first.")
    shelf_life_days: int | None = strawberry.field(
        description="For how many days one of its tags is believed after it was checked (保鲜期), 1 to 3,650; "
        "null is for ever."
    )
    retired_at: datetime | None = strawberry.field(description="Since when it isn't used any more, in UTC.")
    store_ids: strawberry.Private[list[str]]

    @field("Its tags in use, in their order.")
    async def tags(self, info: Info) -> list[Tag]:
        return shown_as(list[Tag], await info.context.load(library.tags_of_groups, self.id) or [])

    @field("Who may put its tags on customers; none is everybody.")
    async def roles(self) -> list[Role]:
        names: list[str] = self.roles  # type: ignore[assignment]  # a column of the row
        return [Role(name) for name in names]

    @field("Where its tags may be put on customers; none is everywhere. Null for whoever doesn't keep the library.")
    async def stores(self, info: Info) -> list[Store] | None:
        if not keeps_library(info.context.actor):
            return None
        found = await asyncio.gather(*(store_of(info, UUID(store_id)) for store_id in self.store_ids))
        return [store for store in found if store is not None]

    @field("Whether the viewer may put its tags on customers: `addTags` refuses with `TAG_NOT_FOR_YOU` otherwise.")
    async def is_for_me(self, info: Info) -> bool:
        group: Any = self
        return is_for(info.context.actor, group)


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


@strawberry.type(description="A tag on a customer: who or what set it, when and why, and until when it is believed.")
class CarriedTag:
    id: strawberry.ID = strawberry.field(description="The id of the tag.")
    name: str
    color: str = strawberry.field(description="As in `#8c8c8c`.")
    set_by: SetBy
    set_at: datetime = strawberry.field(description="In UTC.")
    reason: str | None = strawberry.field(description="Why, in at most 200 characters.")
    confidence: int = strawberry.field(description="From 1 to 100, which is what a person says.")
    checked_at: datetime = strawberry.field(description="When it was set, or last confirmed, in UTC.")
    group_id: strawberry.Private[UUID | None]
    by_staff_id: strawberry.Private[UUID | None]
    shelf_life_days: strawberry.Private[int | None]

    @field("Its group; null for a personal tag.")
    async def group(self, info: Info) -> TagGroup | None:
        return await group_of(info, self.group_id)

    @field(f"Who set it, if it was a person; {OUT_OF_SIGHT}.")
    async def by(self, info: Info) -> Staff | None:
        return await staff_of(info, self.by_staff_id)

    @field("Until when it is believed, in UTC: so many days after it was checked as its group says. Null is for ever.")
    async def valid_until(self) -> datetime | None:
        return _valid_until(self.checked_at, self.shelf_life_days)

    @field("Whether that is past: it should be checked.")
    async def is_stale(self) -> bool:
        until = _valid_until(self.checked_at, self.shelf_life_days)
        return until is not None and until <= clock.now()


@strawberry.type(description="A line of the history of a customer's tags; it never changes.")
class TagChange:
    id: strawberry.ID
    kind: TagChangeKind
    at: datetime = strawberry.field(description="In UTC.")
    set_by: SetBy = strawberry.field(description="What kind of somebody or something did it.")
    reason: str | None = strawberry.field(description="Why, in at most 200 characters.")
    confidence: int = strawberry.field(description="From 1 to 100, which is what a person says.")
    tag_id: strawberry.Private[UUID]
    other_tag_id: strawberry.Private[UUID | None]
    by_staff_id: strawberry.Private[UUID | None]

    @field("The tag, as it is called now.")
    async def tag(self, info: Info) -> Tag | None:
        return await tag_of(info, self.tag_id)

    @field("The tag that took its place, where one did: by replacing it, or because it was merged into that one.")
    async def other_tag(self, info: Info) -> Tag | None:
        return await tag_of(info, self.other_tag_id)

    @field(f"Who did it, if it was a person; {OUT_OF_SIGHT}.")
    async def by(self, info: Info) -> Staff | None:
        return await staff_of(info, self.by_staff_id)


@strawberry.type(description="What names a tag: a rule, or a segment.")
class NamingTag:
    id: strawberry.ID
    name: str


@strawberry.type(description="Where a tag is used.")
class TagUse:
    tag_id: strawberry.Private[UUID]

    @field("How many customers in sight carry it.")
    async def customers(self, info: Info) -> int:
        async with info.context.read() as session:
            return await use.carriers(session, info.context.actor, self.tag_id)

    @field("The rules that set it or ask for it, at most 100; none for whoever doesn't keep the library.")
    async def rules(self, info: Info) -> list[NamingTag]:
        async with info.context.read() as session:
            return shown_as(list[NamingTag], await use.rules(session, info.context.actor, self.tag_id))

    @field("The segments that ask for it, of those that the viewer may use; at most 100.")
    async def segments(self, info: Info) -> list[NamingTag]:
        async with info.context.read() as session:
            return shown_as(list[NamingTag], await use.segments(session, info.context.actor, self.tag_id))


@strawberry.type(description="What merging one tag into another would do.")
class TagMergePreview:
    from_id: strawberry.Private[UUID]
    into_id: strawberry.Private[UUID]

    @field("Where the tag that goes is used: these customers would change, these rules and segments name the other.")
    async def goes(self) -> TagUse:
        return TagUse(tag_id=self.from_id)

    @field("Where the tag that stays is used.")
    async def stays(self) -> TagUse:
        return TagUse(tag_id=self.into_id)

    @field("How many customers in sight carry both.")
    async def both(self, info: Info) -> int:
        async with info.context.read() as session:
            return await use.carriers_of_both(session, info.context.actor, self.from_id, self.into_id)


@strawberry.type
class LibraryQueries:
    @field("The tag library as the viewer has it.")
    async def tags(self) -> TagLibrary:
        return TagLibrary()

    @field(
        "Tags in use, of the brand's and one's own, whose name, synonyms or group's name hold the text; whose name "
        "begins with it come first. 1 to 100; the text has 1 to 30 characters, or nothing is found."
    )
    async def find_tags(self, info: Info, text: str, first: int = 20) -> list[Tag]:
        async with info.context.read() as session:
            found = await library.find(session, info.context.actor, text, page_of(first, None).first)
        return shown_as(list[Tag], found)

    @field("Where a tag is used; null if there is none in sight.")
    async def tag_use(self, info: Info, id: strawberry.ID) -> TagUse | None:
        tag = await tag_of(info, sought_id(id))
        return TagUse(tag_id=UUID(str(tag.id))) if tag is not None else None

    @field("What `mergeTags` would do; null if one of the two isn't in sight. Nothing is changed.")
    async def preview_tag_merge(
        self, info: Info, from_id: strawberry.ID, into_id: strawberry.ID
    ) -> TagMergePreview | None:
        tags = [await tag_of(info, sought_id(each)) for each in (from_id, into_id)]
        goes, stays = (UUID(str(tag.id)) if tag is not None else None for tag in tags)
        return TagMergePreview(from_id=goes, into_id=stays) if goes and stays else None

    @field("What became of a customer's tags, newest first; at most 100 a page. Others' personal tags are left out.")
    async def tag_history(
        self, info: Info, customer_id: strawberry.ID, first: int = 20, after: Cursor | None = None
    ) -> Connection[TagChange]:
        page, sought = page_of(first, after), sought_id(customer_id)
        rows: Sequence[Any] = []
        if sought is not None:
            async with info.context.read() as session:
                rows = await history.page(session, info.context.actor, sought, page)
        return connection(TagChange, rows, page, history.place)


async def tag_of(info: Info, tag_id: UUID | None) -> Tag | None:
    """The tag, if there is one in sight."""
    return shown_as(Tag, await info.context.load(library.by_ids, tag_id)) if tag_id else None


async def group_of(info: Info, group_id: UUID | None) -> TagGroup | None:
    """The group, if the brand has it."""
    return shown_as(TagGroup, await info.context.load(library.groups_by_ids, group_id)) if group_id else None


def _valid_until(checked_at: datetime, days: int | None) -> datetime | None:
    return checked_at + timedelta(days=days) if days is not None else None
