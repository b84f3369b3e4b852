"""Reads of the tag library."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Brand, Staff
from kernel.actor import Actor
from kernel.errors import Invalid, NotFound
from kernel.pages import along
from tagging.errors import TagRetired
from tagging.models import Tag, TagGroup
from tagging.policy import groups_visible_to, visible_to

MOST_BRAND_TAGS = 3_000
MOST_PERSONAL_TAGS = 100
MOST_GROUPS = 500
LONGEST_SOUGHT = 30

TagRow = Row[*tuple[Any, ...]]


async def groups(session: AsyncSession, actor: Actor) -> Sequence[TagRow]:
    """The brand's tag groups in use, in their order."""
    found = await session.execute(_groups(actor).where(col(TagGroup.retired_at).is_(None)).limit(MOST_GROUPS))
    return found.all()


async def groups_by_ids(session: AsyncSession, actor: Actor, group_ids: Sequence[UUID]) -> dict[UUID, TagRow]:
    """Those of the groups that the brand has, retired ones too."""
    found = await session.execute(_groups(actor).where(col(TagGroup.id).in_(group_ids)))
    return {row.id: row for row in found}


async def by_ids(session: AsyncSession, actor: Actor, tag_ids: Sequence[UUID]) -> dict[UUID, TagRow]:
    """Those of the tags that are in sight, retired ones too."""
    found = await session.execute(_tags(actor).where(col(Tag.id).in_(tag_ids)))
    return {row.id: row for row in found}


async def tags_of_groups(session: AsyncSession, actor: Actor, group_ids: Sequence[UUID]) -> dict[UUID, list[TagRow]]:
    """The tags in use of these groups, each in its order."""
    found = await session.execute(
        _tags(actor)
        .where(col(Tag.group_id).in_(group_ids), col(Tag.retired_at).is_(None))
        .order_by(col(Tag.position), col(Tag.id))
        .limit(MOST_BRAND_TAGS)
    )
    tags: dict[UUID, list[TagRow]] = defaultdict(list)
    for row in found:
        tags[row.group_id].append(row)
    return dict(tags)


async def personal(session: AsyncSession, actor: Actor) -> Sequence[TagRow]:
    """The actor's own tags that are in use."""
    found = await session.execute(
        _tags(actor)
        .where(col(Tag.owner_id) == actor.id, col(Tag.retired_at).is_(None))
        .order_by(col(Tag.position), col(Tag.id))
        .limit(MOST_PERSONAL_TAGS)
    )
    return found.all()


async def brand_tag(session: AsyncSession, actor: Actor, tag_id: UUID) -> TagRow:
    """The tag, which a rule may speak for: `NOT_FOUND`, `INVALID` for a personal one, `TAG_RETIRED`."""
    tag = (await by_ids(session, actor, [tag_id])).get(tag_id)
    if tag is None:
        raise NotFound
    if tag.group_id is None:
        raise Invalid(field="tagId", reason="a rule needs a tag of the brand.", reason_zh="规则只能使用企业标签。")
    if tag.retired_at is not None:
        raise TagRetired
    return tag


async def find(session: AsyncSession, actor: Actor, text: str, most: int) -> Sequence[TagRow]:
    """Tags in use, the brand's and one's own, whose name, synonyms or group's name hold the text.

    Whose name begins with it come first, then in the library's order. At most `most`; nothing for a text that no
    name can hold.
    """
    sought = text.strip().lower()
    if not 1 <= len(sought) <= LONGEST_SOUGHT or "\x00" in sought:
        return []
    rows = await session.execute(
        _tags(actor)
        .add_columns(col(TagGroup.name).label("group_name"))
        .outerjoin(TagGroup, (col(TagGroup.brand_id) == col(Tag.brand_id)) & (col(TagGroup.id) == col(Tag.group_id)))
        .where(col(Tag.retired_at).is_(None))
        .order_by(col(Tag.owner_id).isnot(None), col(TagGroup.position), col(TagGroup.id))
        .order_by(col(Tag.position), col(Tag.id))
        .limit(MOST_BRAND_TAGS + MOST_PERSONAL_TAGS)
    )
    # In here: the library is small, and neither engine folds the case of all scripts alike.
    found = [row for row in rows if any(sought in word.lower() for word in _words(row))]
    found.sort(key=lambda row: not row.name.lower().startswith(sought))
    return found[:most]


async def lock_library(session: AsyncSession, actor: Actor) -> None:
    """Let one writer at a time change the brand's library."""
    # Not the row's key, so that new rows that refer to the brand needn't wait.
    await session.execute(select(col(Brand.id)).where(col(Brand.id) == actor.brand_id).with_for_update(key_share=True))


async def lock_personal(session: AsyncSession, actor: Actor) -> None:
    """Let one writer at a time change the actor's own tags."""
    await session.execute(
        select(col(Staff.id))
        .where(col(Staff.brand_id) == actor.brand_id, col(Staff.id) == actor.staff_id)
        .with_for_update(key_share=True)
    )


async def lock_tag(session: AsyncSession, actor: Actor, tag_id: UUID) -> Tag:
    """The tag, kept from other writers until the commit. `NOT_FOUND` if it isn't in sight."""
    tag = await session.scalar(
        select(Tag).where(visible_to(actor), col(Tag.id) == tag_id).with_for_update(key_share=True)
    )
    if tag is None:
        raise NotFound
    return tag


async def lock_group(session: AsyncSession, actor: Actor, group_id: UUID) -> TagGroup:
    """The group, kept from other writers until the commit. `NOT_FOUND` if the brand has none such."""
    group = await session.scalar(
        select(TagGroup).where(groups_visible_to(actor), col(TagGroup.id) == group_id).with_for_update(key_share=True)
    )
    if group is None:
        raise NotFound
    return group


async def lock_groups(session: AsyncSession, actor: Actor) -> Sequence[TagGroup]:
    """All the brand's groups in use, locked in the order of their keys."""
    found = await session.scalars(
        select(TagGroup)
        .where(groups_visible_to(actor), col(TagGroup.retired_at).is_(None))
        .order_by(col(TagGroup.id))
        .with_for_update(key_share=True)
    )
    return found.all()


async def lock_tags_of_group(session: AsyncSession, actor: Actor, group_id: UUID) -> Sequence[Tag]:
    """The group's tags in use, locked in the order of their keys."""
    found = await session.scalars(
        select(Tag)
        .where(visible_to(actor), col(Tag.group_id) == group_id, col(Tag.retired_at).is_(None))
        .order_by(col(Tag.id))
        .with_for_update(key_share=True)
    )
    return found.all()


async def lock_brand_tags(session: AsyncSession, actor: Actor) -> Sequence[Tag]:
    """All the brand's tags in use, locked in the order of their keys."""
    found = await session.scalars(
        select(Tag)
        .where(visible_to(actor), col(Tag.owner_id).is_(None), col(Tag.retired_at).is_(None))
        .order_by(col(Tag.id))
        .with_for_update(key_share=True)
    )
    return found.all()


async def lock_tags(session: AsyncSession, actor: Actor, tag_ids: Sequence[UUID]) -> dict[UUID, Tag]:
    """These tags and all that were merged into them, locked in the order of their keys."""
    found = await session.scalars(
        select(Tag)
        .where(visible_to(actor), col(Tag.id).in_(tag_ids) | col(Tag.merged_into_id).in_(tag_ids))
        .order_by(col(Tag.id))
        .with_for_update(key_share=True)
    )
    return {tag.id: tag for tag in found}


async def in_use(session: AsyncSession, brand_id: UUID, owner_id: UUID | None) -> int:
    """How many tags the brand has in use, or one person of their own."""
    whose = col(Tag.owner_id).is_(None) if owner_id is None else col(Tag.owner_id) == owner_id
    count = await session.scalar(
        select(func.count()).select_from(Tag).where(col(Tag.brand_id) == brand_id, whose, col(Tag.retired_at).is_(None))
    )
    return int(count or 0)


async def last_position(session: AsyncSession, brand_id: UUID, group_id: UUID | None, owner_id: UUID | None) -> int:
    """The position of the last tag of a group, or of a person's own; 0 if there is none."""
    last = await session.scalar(
        select(func.max(col(Tag.position))).where(col(Tag.brand_id) == brand_id, _beside(group_id, owner_id))
    )
    return int(last or 0)


async def is_taken(session: AsyncSession, tag: Tag, name: str) -> bool:
    """Whether another tag in use beside this one has the name. Lock the library first."""
    found = await session.scalar(
        select(col(Tag.id)).where(
            col(Tag.brand_id) == tag.brand_id,
            _beside(tag.group_id, tag.owner_id),
            col(Tag.name) == name,
            col(Tag.id) != tag.id,
            col(Tag.retired_at).is_(None),
        )
    )
    return found is not None


async def walk(session: AsyncSession, actor: Actor, after: UUID | None, most: int) -> Sequence[TagRow]:
    """Tags by id, retired ones too: one's own, and in a store the brand's, which its feed tells of."""
    rows = _tags(actor).where(or_(col(Tag.owner_id) == actor.id, literal(actor.store_id is not None)))
    return (await session.execute(along(rows, col(Tag.id), after, most))).all()


async def walk_groups(session: AsyncSession, actor: Actor, after: UUID | None, most: int) -> Sequence[TagRow]:
    """Tag groups by id."""
    return (await session.execute(along(_groups(actor), col(TagGroup.id), after, most))).all()


def _words(row: TagRow) -> list[str]:
    return [row.name, *row.synonyms, *([row.group_name] if row.group_name else [])]


def _beside(group_id: UUID | None, owner_id: UUID | None) -> ColumnElement[bool]:
    return col(Tag.owner_id) == owner_id if owner_id is not None else col(Tag.group_id) == group_id


def _tags(actor: Actor) -> Select[*tuple[Any, ...]]:
    return select(*Tag.__table__.columns).where(visible_to(actor))  # type: ignore[attr-defined]  # set by SQLModel


def _groups(actor: Actor) -> Select[*tuple[Any, ...]]:
    columns = TagGroup.__table__.columns  # type: ignore[attr-defined]  # set by SQLModel
    return select(*columns).where(groups_visible_to(actor)).order_by(col(TagGroup.position), col(TagGroup.id))
