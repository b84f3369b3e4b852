"""Keep the brand's tags, and one's own."""

from collections.abc import Sequence
from typing import Any, TypedDict, Unpack
from uuid import UUID

from kernel import bulk, clock, ids
from kernel.errors import NotFound, require_text, require_version
from kernel.work import Work
from tagging.commands.wording import GREY, LONGEST_NAME, checked_color, checked_synonyms
from tagging.errors import LibraryChanged, TagNameTaken, TooManyTags
from tagging.events import TagChanged, TagRetired
from tagging.models import MOST_SYNONYMS, Tag
from tagging.policy import require_author, require_librarian, require_person
from tagging.queries import library


class TagChanges(TypedDict, total=False):
    """What is to be different about a tag; what is left out stays."""

    name: str
    color: str
    synonyms: Sequence[str]


async def add_tag(
    work: Work, *, name: str, group_id: UUID | None = None, color: str = GREY, synonyms: Sequence[str] = ()
) -> Tag:
    """Add a tag to a group of the brand, or without a group to the actor's own tags.

    Names have 1 to 30 characters, and so have up to 10 synonyms; a brand has at most 3,000 tags in use, a person
    100 of their own. Raises `FORBIDDEN`, `NOT_FOUND`, `INVALID`, `TAG_RETIRED`, `TAG_NAME_TAKEN`, `TOO_MANY_TAGS`.
    """
    name, color = require_text("name", name, longest=LONGEST_NAME), checked_color(color)
    words = [word for word in checked_synonyms(synonyms) if word != name]
    owner_id = await (_claim_brand_place(work, group_id) if group_id else _claim_own_place(work))
    tag = Tag(
        brand_id=work.actor.brand_id,
        id=ids.new(),
        group_id=group_id,
        owner_id=owner_id,
        name=name,
        color=color,
        synonyms=words,
    )
    tag.position = await library.last_position(work.session, tag.brand_id, group_id, owner_id) + 1
    if not await bulk.insert_missing(work.session, Tag, [tag.model_dump()]):
        raise TagNameTaken
    work.record(TagChanged(tag_id=tag.id, owner_id=tag.owner_id, version=tag.version))
    return tag


async def edit_tag(
    work: Work, tag_id: UUID, *, expected_version: int | None = None, **changes: Unpack[TagChanges]
) -> Tag:
    """Call a tag differently, paint it differently, or give it other synonyms.

    A tag that got more than 10 synonyms by merging keeps as many as it has.
    Raises `NOT_FOUND`, `FORBIDDEN`, `INVALID`, `STALE_VERSION`, `TAG_NAME_TAKEN`, `TAG_RETIRED`.
    """
    values: dict[str, Any] = dict(changes)
    if "name" in values:
        values["name"] = require_text("name", values["name"], longest=LONGEST_NAME)
    if "color" in values:
        values["color"] = checked_color(values["color"])
    tag = await _lock(work, tag_id)
    require_version(tag, expected_version)
    if "synonyms" in values:
        values["synonyms"] = checked_synonyms(values["synonyms"], max(MOST_SYNONYMS, len(tag.synonyms)))
    if values.get("name", tag.name) != tag.name and await library.is_taken(work.session, tag, values["name"]):
        raise TagNameTaken
    if tag.change(values):
        work.record(TagChanged(tag_id=tag.id, owner_id=tag.owner_id, version=tag.version))
    return tag


async def order_tags(work: Work, group_id: UUID, tag_ids: Sequence[UUID]) -> Sequence[Tag]:
    """Put the tags in use of a group in this order; every one is named once.

    Raises `FORBIDDEN`, `NOT_FOUND`, `LIBRARY_CHANGED`.
    """
    require_librarian(work.actor)
    await library.lock_library(work.session, work.actor)
    tags = {tag.id: tag for tag in await library.lock_tags_of_group(work.session, work.actor, group_id)}
    await library.lock_group(work.session, work.actor, group_id)
    if len(tag_ids) != len(tags) or set(tag_ids) != set(tags):
        raise LibraryChanged
    for position, tag_id in enumerate(tag_ids, 1):
        tag = tags[tag_id]
        if tag.change({"position": position}):
            work.record(TagChanged(tag_id=tag.id, owner_id=None, version=tag.version))
    return [tags[tag_id] for tag_id in tag_ids]


async def retire_tag(work: Work, tag_id: UUID, *, expected_version: int | None = None) -> Tag:
    """Use a tag no more: customers that carry it show it no longer.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `TAG_RETIRED`.
    """
    tag = await _lock(work, tag_id)
    require_version(tag, expected_version)
    tag.retire(clock.now())
    work.record(TagChanged(tag_id=tag.id, owner_id=tag.owner_id, version=tag.version))
    work.record(TagRetired(tag_id=tag.id))
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
    group = await library.lock_group(work.session, work.actor, group_id)
    group.require_in_use()
    if await library.in_use(work.session, work.actor.brand_id, None) >= library.MOST_BRAND_TAGS:
        raise TooManyTags(most=library.MOST_BRAND_TAGS)


async def _claim_own_place(work: Work) -> UUID:
    owner_id = require_person(work.actor)
    await library.lock_personal(work.session, work.actor)
    if await library.in_use(work.session, work.actor.brand_id, owner_id) >= library.MOST_PERSONAL_TAGS:
        raise TooManyTags(most=library.MOST_PERSONAL_TAGS)
    return owner_id
