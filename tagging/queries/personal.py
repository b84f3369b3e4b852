"""Reads of people's own tags, of several people at once."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from directory.models import Staff
from kernel.db import OneOf
from tagging.models import CustomerTag, Tag

TagRow = Row[*tuple[Any, ...]]

_COLUMNS = tuple(Tag.__table__.columns)  # type: ignore[attr-defined]  # set by SQLModel


async def lock_owners(session: AsyncSession, brand_id: UUID, staff_ids: Collection[UUID]) -> None:
    """Let one writer at a time change the own tags of these people; in the order of keys."""
    await session.execute(
        select(col(Staff.id))
        .where(col(Staff.brand_id) == brand_id, OneOf(col(Staff.id), "staff_ids"))
        .order_by(col(Staff.id))
        .with_for_update(key_share=True),
        {"staff_ids": list(staff_ids)},
    )


async def tags(session: AsyncSession, brand_id: UUID, tag_ids: Collection[UUID]) -> dict[UUID, TagRow]:
    """Those of the tags that are somebody's own and in use; whoever owns them."""
    found = await session.execute(
        select(*_COLUMNS).where(
            col(Tag.brand_id) == brand_id,
            OneOf(col(Tag.id), "tag_ids"),
            col(Tag.owner_id).is_not(None),
            col(Tag.retired_at).is_(None),
        ),
        {"tag_ids": list(tag_ids)},
    )
    return {row.id: row for row in found}


async def namesakes(
    session: AsyncSession, brand_id: UUID, owner_ids: Collection[UUID], tag_ids: Collection[UUID]
) -> dict[tuple[UUID, UUID], UUID]:
    """For a person and a tag, the person's own tag in use of the same name, where there is one."""
    other = aliased(Tag)
    found = await session.execute(
        select(col(other.owner_id), col(Tag.id), col(other.id))
        .join(other, (col(other.brand_id) == col(Tag.brand_id)) & (col(other.name) == col(Tag.name)))
        .where(
            col(Tag.brand_id) == brand_id,
            OneOf(col(Tag.id), "tag_ids"),
            OneOf(_owner(other), "owner_ids"),
            col(other.retired_at).is_(None),
        ),
        {"tag_ids": list(tag_ids), "owner_ids": list(owner_ids)},
    )
    return {(owner_id, tag_id): other_id for owner_id, tag_id, other_id in found if owner_id}


async def in_use(session: AsyncSession, brand_id: UUID, owner_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many tags each of these people has in use; who has none is left out."""
    found = await session.execute(
        select(col(Tag.owner_id), func.count())
        .where(col(Tag.brand_id) == brand_id, OneOf(_owner(Tag), "owner_ids"), col(Tag.retired_at).is_(None))
        .group_by(col(Tag.owner_id)),
        {"owner_ids": list(owner_ids)},
    )
    return {owner_id: count for owner_id, count in found if owner_id}


async def known(session: AsyncSession, brand_id: UUID, tag_ids: Collection[UUID]) -> set[UUID]:
    """Those of the ids that a tag has, retired or not."""
    found = await session.scalars(
        select(col(Tag.id)).where(col(Tag.brand_id) == brand_id, OneOf(col(Tag.id), "tag_ids")),
        {"tag_ids": list(tag_ids)},
    )
    return set(found)


async def unworn(session: AsyncSession, brand_id: UUID, tag_ids: Collection[UUID]) -> Sequence[Tag]:
    """Those of the tags in use that no customer wears, locked in the order of their keys."""
    is_worn = exists().where(col(CustomerTag.brand_id) == col(Tag.brand_id), col(CustomerTag.tag_id) == col(Tag.id))
    found = await session.scalars(
        select(Tag)
        .where(col(Tag.brand_id) == brand_id, OneOf(col(Tag.id), "tag_ids"), col(Tag.retired_at).is_(None), ~is_worn)
        .order_by(col(Tag.id))
        .with_for_update(key_share=True),
        {"tag_ids": list(tag_ids)},
    )
    return found.all()


def _owner(tag: type[Tag]) -> Any:
    """Whose own it is: nobody's, in a group."""
    return tag.owner_id
