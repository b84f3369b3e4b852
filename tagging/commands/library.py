"""Keep the brand's tag groups and tags, and one's own tags."""

import re
from collections.abc import Sequence
from uuid import UUID

from kernel import bulk, clock, ids
from kernel.errors import Invalid, NotFound, require_text, require_version
from kernel.work import Work
from tagging.errors import LibraryChanged, TagNameTaken, TooManyTags
from tagging.events import TagChanged, TagGroupChanged
from tagging.models import Choice, Tag, TagGroup
from tagging.policy import require_author, require_librarian, require_person
from tagging.queries import library

LONGEST_NAME = 30
GREY = "#8c8c8c"
_COLOR = re.compile(r"#[0-9a-f]{6}")


async def add_group(work: Work, *, name: str, choice: Choice = Choice.MULTI) -> TagGroup:
    """Add a group at the end of the brand's library.

    Raises `FORBIDDEN`, `INVALID`, `TAG_NAME_TAKEN`, `TOO_MANY_TAGS`.
    """
    require_librarian(work.actor)
    name = require_text("name", name, longest=LONGEST_NAME)
    await library.lock_library(work.session, work.actor)
    groups = await library.groups(work.session, work.actor)
    if len(groups) >= library.MOST_GROUPS:
        raise TooManyTags(most=library.MOST_GROUPS)
    last = max((group.position for group in groups), default=0)
    group = TagGroup(brand_id=work.actor.brand_id, id=ids.new(), name=name, choice=choice, position=last + 1)
    if not await bulk.insert_missing(work.session, TagGroup, [group.model_dump()]):
        raise TagNameTaken
    work.record(TagGroupChanged(group_id=group.id, version=group.version))
    return group


async def rename_group(work: Work, group_id: UUID, *, name: str, expected_version: int | None = None) -> TagGroup:
    """Call a group differently.

    Raises `FORBIDDEN`, `NOT_FOUND`, `INVALID`, `STALE_VERSION`, `TAG_NAME_TAKEN`.
    """
    require_librarian(work.actor)
    name = require_text("name", name, longest=LONGEST_NAME)
    await library.lock_library(work.session, work.actor)
    group = await library.lock_group(work.session, work.actor, group_id)
    require_version(group, expected_version)
    if name == group.name:
        return group
    if any(other.name == name for other in await library.groups(work.session, work.actor)):
        raise TagNameTaken
    group.name = name
    group.version += 1
    work.record(TagGroupChanged(group_id=group.id, version=group.version))
    return group


async def order_groups(work: Work, group_ids: Sequence[UUID]) -> Sequence[TagGroup]:
    """Put the groups in this order; every group is named once.

    Raises `FORBIDDEN`, `LIBRARY_CHANGED`.
    """
    require_librarian(work.actor)
    await library.lock_library(work.session, work.actor)
    groups = {group.id: group for group in await library.lock_groups(work.session, work.actor)}
    if len(group_ids) != len(groups) or set(group_ids) != set(groups):
        raise LibraryChanged
    for position, group_id in enumerate(group_ids, 1):
        group = groups[group_id]
        if group.position != position:
            group.position = position
            group.version += 1
            work.record(TagGroupChanged(group_id=group.id, version=group.version))
    return [groups[group_id] for group_id in group_ids]


async def add_tag(work: Work, *, name: str, group_id: UUID | None = None, color: str = GREY) -> Tag:
    """Add a tag to a group of the brand, or without a group to the actor's own tags.

    Names have 1 to 30 characters; a brand has at most 3,000 tags in use, a person 100 of their own.
    Raises `FORBIDDEN`, `NOT_FOUND`, `INVALID`, `TAG_NAME_TAKEN`, `TOO_MANY_TAGS`.
    """
    name, color = require_text("name", name, longest=LONGEST_NAME), _checked_color(color)
    owner_id = await (_claim_brand_place(work, group_id) if group_id else _claim_own_place(work))
    tag = Tag(brand_id=work.actor.brand_id, id=ids.new(), group_id=group_id, owner_id=owner_id, name=name, color=color)
    tag.position = await library.last_position(work.session, tag.brand_id, group_id, owner_id) + 1
    if not await bulk.insert_missing(work.session, Tag, [tag.model_dump()]):
        raise TagNameTaken
    work.record(TagChanged(tag_id=tag.id, owner_id=tag.owner_id, version=tag.version))
    return tag


async def edit_tag(
    work: Work,
    tag_id: UUID,
    *,
    name: str | None = None,
    color: str | None = None,
    expected_version: int | None = None,
) -> Tag:
    """Call a tag differently, or paint it differently.

    Raises `NOT_FOUND`, `FORBIDDEN`, `INVALID`, `STALE_VERSION`, `TAG_NAME_TAKEN`, `TAG_RETIRED`.
    """
    name = require_text("name", name, longest=LONGEST_NAME) if name is not None else None
    color = _checked_color(color) if color is not None else None
    tag = await _lock(work, tag_id)
    require_version(tag, expected_version)
    if name not in (None, tag.name) and await library.is_taken(work.session, tag, name):
        raise TagNameTaken
    if tag.change(name=name, color=color):
        work.record(TagChanged(tag_id=tag.id, owner_id=tag.owner_id, version=tag.version))
    return tag


async def retire_tag(work: Work, tag_id: UUID, *, expected_version: int | None = None) -> Tag:
    """Use a tag no more: customers that carry it show it no longer.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `TAG_RETIRED`.
    """
    tag = await _lock(work, tag_id)
    require_version(tag, expected_version)
    tag.retire(clock.now())
    work.record(TagChanged(tag_id=tag.id, owner_id=tag.owner_id, version=tag.version))
    return tag


async def _lock(work: Work, tag_id: UUID) -> Tag:
    # The library before the tag, as everywhere: two who want one name then wait instead of racing for it.
    seen = (await library.by_ids(work.session, work.actor, [tag_id])).get(tag_id)
    if seen is None:
        raise NotFound
    require_author(work.actor, seen.owner_id)
    await (library.lock_personal if seen.owner_id else library.lock_library)(work.session, work.actor)
    return await library.lock_tag(work.session, work.actor, tag_id)


async def _claim_brand_place(work: Work, group_id: UUID) -> None:
    require_librarian(work.actor)
    await library.lock_library(work.session, work.actor)
    await library.lock_group(work.session, work.actor, group_id)
    if await library.in_use(work.session, work.actor.brand_id, None) >= library.MOST_BRAND_TAGS:
        raise TooManyTags(most=library.MOST_BRAND_TAGS)


async def _claim_own_place(work: Work) -> UUID:
    owner_id = require_person(work.actor)
    await library.lock_personal(work.session, work.actor)
    if await library.in_use(work.session, work.actor.brand_id, owner_id) >= library.MOST_PERSONAL_TAGS:
        raise TooManyTags(most=library.MOST_PERSONAL_TAGS)
    return owner_id


def _checked_color(color: str) -> str:
    tidy = color.strip().lower()
    if not _COLOR.fullmatch(tidy):
        raise Invalid(field="color", reason="write it as #rrggbb.", reason_zh="请写成 #rrggbb。")
    return tidy
