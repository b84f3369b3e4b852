"""What has to be read, and kept as it is until the commit, before the tags of customers are changed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from customers.models import Customer
from kernel.db import OneOf
from tagging.models import Choice, CustomerTag, Tag, TagGroup, TagSuggestion

Worn = Row[*tuple[Any, ...]]

_CUSTOMERS = "customer_ids"


@dataclass(frozen=True, slots=True)
class TagToPut:
    """A tag in use, and what its group says of it."""

    id: UUID
    group_id: UUID | None
    group: str
    choice: Choice
    shelf_life_days: int | None


async def lock(session: AsyncSession, brand_id: UUID, customer_ids: Collection[UUID]) -> Sequence[UUID]:
    """Those of the customers that the brand has, locked in the order of their keys.

    This serialises all who change their tags: what is read of those from here on stays true.
    """
    found = await session.scalars(
        select(col(Customer.id))
        .where(col(Customer.brand_id) == brand_id, OneOf(col(Customer.id), _CUSTOMERS))
        .order_by(col(Customer.id))
        .with_for_update(key_share=True),
        {_CUSTOMERS: list(customer_ids)},
    )
    return found.all()


async def tags_to_put(session: AsyncSession, brand_id: UUID, tag_ids: Collection[UUID]) -> dict[UUID, TagToPut]:
    """Those of the tags that are in use, or the ones they were merged into, by the id that was asked for.

    Until the commit none of them is retired or merged, and no group changes its choice or shelf life: whoever
    looks for the customers that carry one, to change them, waits for this transaction.
    """
    asked = await _shared_tags(session, brand_id, tag_ids)
    now_called = {row.id: row.merged_into_id or row.id for row in asked.values()}
    tags = asked | await _shared_tags(session, brand_id, set(now_called.values()) - set(asked))
    # Tags before their groups, as everywhere.
    groups = await _shared_groups(session, brand_id, {row.group_id for row in tags.values()} - {None})
    in_use = {row.id: _to_put(row, groups) for row in tags.values() if row.retired_at is None}
    return {one: in_use[tag_id] for one, tag_id in now_called.items() if tag_id in in_use}


async def resolved(session: AsyncSession, brand_id: UUID, tag_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Each of the tags that there are, with the one that it counts as: itself, or the one it was merged into."""
    found = await session.execute(
        select(col(Tag.id), func.coalesce(col(Tag.merged_into_id), col(Tag.id))).where(
            col(Tag.brand_id) == brand_id, col(Tag.id).in_(set(tag_ids))
        )
    )
    return dict(found.all())


async def worn(
    session: AsyncSession, brand_id: UUID, customer_ids: Collection[UUID], tag_ids: Collection[UUID]
) -> Sequence[Worn]:
    """These tags on these customers, locked: nobody is asked to check one until the commit."""
    if not tag_ids:
        return []
    found = await session.execute(
        _worn(brand_id).where(OneOf(col(CustomerTag.tag_id), "tag_ids")),
        {_CUSTOMERS: list(customer_ids), "tag_ids": list(set(tag_ids))},
    )
    return found.all()


async def worn_beside(
    session: AsyncSession, brand_id: UUID, customer_ids: Collection[UUID], tags: Collection[TagToPut]
) -> Sequence[Worn]:
    """The same, and with a tag of a single-choice group all tags of that group, retired ones too."""
    wanted = {tag.id for tag in tags}
    if not wanted:
        return []
    which: ColumnElement[bool] = col(CustomerTag.tag_id).in_(wanted)
    if singles := {tag.group_id for tag in tags if tag.choice is Choice.SINGLE}:
        which |= col(Tag.group_id).in_(singles)
    found = await session.execute(_worn(brand_id).where(which), {_CUSTOMERS: list(customer_ids)})
    return found.all()


async def to_catch_up(session: AsyncSession, brand_id: UUID, customer_ids: Collection[UUID]) -> Sequence[Worn]:
    """Tags on these customers that were merged into others: what they are to carry instead, and its shelf life."""
    into = aliased(Tag)
    found = await session.execute(
        _worn(brand_id)
        .add_columns(
            col(Tag.merged_into_id).label("into_id"),
            col(Tag.merged_by_id).label("merged_by_id"),
            col(TagGroup.shelf_life_days).label("shelf_life_days"),
        )
        .join(into, (col(into.brand_id) == brand_id) & (col(into.id) == col(Tag.merged_into_id)))
        .outerjoin(TagGroup, (col(TagGroup.brand_id) == brand_id) & (col(TagGroup.id) == col(into.group_id))),
        {_CUSTOMERS: list(customer_ids)},
    )
    return found.all()


async def suggested(session: AsyncSession, brand_id: UUID, tag_id: UUID, most: int) -> Sequence[UUID]:
    """The first customers for whom the tag is or was suggested, in the order of their keys."""
    found = await session.scalars(
        select(col(TagSuggestion.customer_id))
        .where(col(TagSuggestion.brand_id) == brand_id, col(TagSuggestion.tag_id) == tag_id)
        .distinct()
        .order_by(col(TagSuggestion.customer_id))
        .limit(most)
    )
    return found.all()


def _worn(brand_id: UUID) -> Select[*tuple[Any, ...]]:
    columns = CustomerTag.__table__.columns  # type: ignore[attr-defined]  # set by SQLModel
    return (
        select(*columns, col(Tag.group_id), col(Tag.retired_at))
        .join(Tag, (col(Tag.brand_id) == brand_id) & (col(Tag.id) == col(CustomerTag.tag_id)))
        .where(col(CustomerTag.brand_id) == brand_id, OneOf(col(CustomerTag.customer_id), _CUSTOMERS))
        .order_by(col(CustomerTag.customer_id), col(CustomerTag.tag_id))
        .with_for_update(of=CustomerTag)
    )


async def _shared_tags(session: AsyncSession, brand_id: UUID, tag_ids: Collection[UUID]) -> dict[UUID, Any]:
    """The tags, which nobody changes until the commit."""
    if not tag_ids:
        return {}
    found = await session.execute(
        select(col(Tag.id), col(Tag.group_id), col(Tag.retired_at), col(Tag.merged_into_id))
        .where(col(Tag.brand_id) == brand_id, col(Tag.id).in_(tag_ids))
        .order_by(col(Tag.id))
        .with_for_update(read=True)
    )
    return {row.id: row for row in found}


async def _shared_groups(session: AsyncSession, brand_id: UUID, group_ids: Collection[UUID]) -> dict[UUID, Any]:
    """The groups, which nobody changes until the commit."""
    if not group_ids:
        return {}
    found = await session.execute(
        select(col(TagGroup.id), col(TagGroup.name), col(TagGroup.choice), col(TagGroup.shelf_life_days))
        .where(col(TagGroup.brand_id) == brand_id, col(TagGroup.id).in_(group_ids))
        .order_by(col(TagGroup.id))
        .with_for_update(read=True)
    )
    return {row.id: row for row in found}


def _to_put(tag: Any, groups: Mapping[UUID, Any]) -> TagToPut:
    if tag.group_id is None:
        return TagToPut(tag.id, None, "", Choice.MULTI, None)
    group = groups[tag.group_id]
    return TagToPut(tag.id, group.id, group.name, group.choice, group.shelf_life_days)


async def carrying(session: AsyncSession, brand_id: UUID, tag_id: UUID, most: int) -> Sequence[UUID]:
    """The first customers that carry the tag, in the order of their keys."""
    found = await session.scalars(
        select(col(CustomerTag.customer_id))
        .where(col(CustomerTag.brand_id) == brand_id, col(CustomerTag.tag_id) == tag_id)
        .order_by(col(CustomerTag.customer_id))
        .limit(most)
    )
    return found.all()
