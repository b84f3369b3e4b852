"""Where a tag is used: on which customers, in which rules and segments."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, String, and_, cast, false, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from customers.models import Customer
from customers.policy import visible_to as customers_visible_to
from kernel.actor import Actor
from tagging.models import CustomerTag, RuleState, Segment, Sharing, Tag, TagRule
from tagging.policy import keeps_library

MOST_NAMED = 100


@dataclass(frozen=True, slots=True)
class Named:
    """A rule or segment that names a tag."""

    id: UUID
    name: str


async def carriers(session: AsyncSession, actor: Actor, tag_id: UUID) -> int:
    """How many customers in sight carry the tag, or one that was merged into it."""
    return await _count(session, _in_sight(actor, _carriers(actor.brand_id, tag_id)))


async def carriers_of_both(session: AsyncSession, actor: Actor, tag_id: UUID, other_id: UUID) -> int:
    """How many customers in sight carry both."""
    both = _carriers(actor.brand_id, tag_id).intersect(_carriers(actor.brand_id, other_id))
    return await _count(session, _in_sight(actor, select(both.subquery().c.customer_id)))


async def carrying_several(session: AsyncSession, brand_id: UUID, group_id: UUID) -> int:
    """How many customers carry more than one tag in use of the group."""
    now_called = func.coalesce(col(Tag.merged_into_id), col(Tag.id))
    into = aliased(Tag)
    several = (
        select(col(CustomerTag.customer_id))
        .join(Tag, and_(col(Tag.brand_id) == brand_id, col(Tag.id) == col(CustomerTag.tag_id)))
        .join(into, and_(col(into.brand_id) == brand_id, col(into.id) == now_called))
        .where(col(CustomerTag.brand_id) == brand_id, col(into.group_id) == group_id, col(into.retired_at).is_(None))
        .group_by(col(CustomerTag.customer_id))
        .having(func.count(now_called.distinct()) > 1)
    )
    return await _count(session, several)


async def rules(session: AsyncSession, actor: Actor, tag_id: UUID) -> list[Named]:
    """The rules that set the tag or ask for it, by name; those who don't keep the library see none. At most 100."""
    found = await session.execute(
        select(col(TagRule.id), col(TagRule.name))
        .where(
            col(TagRule.brand_id) == actor.brand_id,
            _keeps_library(actor),
            col(TagRule.state) != RuleState.RETIRED,
            or_(
                col(TagRule.tag_id) == tag_id,
                cast(col(TagRule.condition), String).contains(str(tag_id)),
                cast(col(TagRule.enough), String).contains(str(tag_id)),
            ),
        )
        .order_by(col(TagRule.name), col(TagRule.id))
        .limit(MOST_NAMED)
    )
    return [Named(row.id, row.name) for row in found]


async def segments(session: AsyncSession, actor: Actor, tag_id: UUID) -> list[Named]:
    """The segments that ask for the tag, by name, of those that the actor may use. At most 100."""
    found = await session.execute(
        select(col(Segment.id), col(Segment.name))
        .where(
            col(Segment.brand_id) == actor.brand_id,
            or_(col(Segment.sharing) == Sharing.BRAND, col(Segment.owner_id) == actor.staff_id, _keeps_library(actor)),
            col(Segment.retired_at).is_(None),
            cast(col(Segment.tree), String).contains(str(tag_id)),
        )
        .order_by(col(Segment.name), col(Segment.id))
        .limit(MOST_NAMED)
    )
    return [Named(row.id, row.name) for row in found]


async def lock_rules_naming(session: AsyncSession, brand_id: UUID, tag_id: UUID) -> Sequence[TagRule]:
    """All rules that name the tag, retired ones too, locked in the order of their keys."""
    found = await session.scalars(
        select(TagRule)
        .where(
            col(TagRule.brand_id) == brand_id,
            or_(
                col(TagRule.tag_id) == tag_id,
                cast(col(TagRule.condition), String).contains(str(tag_id)),
                cast(col(TagRule.enough), String).contains(str(tag_id)),
            ),
        )
        .order_by(col(TagRule.id))
        .with_for_update(key_share=True)
    )
    return found.all()


async def lock_segments_naming(session: AsyncSession, brand_id: UUID, tag_id: UUID) -> Sequence[Segment]:
    """All segments that name the tag, retired ones too, locked in the order of their keys."""
    found = await session.scalars(
        select(Segment)
        .where(col(Segment.brand_id) == brand_id, cast(col(Segment.tree), String).contains(str(tag_id)))
        .order_by(col(Segment.id))
        .with_for_update(key_share=True)
    )
    return found.all()


def with_tag(tree: Any, old: UUID, new: UUID) -> Any:
    """The tree of an expression, naming the one where it named the other; of two alike in a list, one is left."""
    if isinstance(tree, dict):
        return {key: with_tag(value, old, new) for key, value in tree.items()}
    if isinstance(tree, list):
        changed = [with_tag(each, old, new) for each in tree]
        return list(_once(changed)) if changed != tree else tree
    return str(new) if tree == str(old) else tree


def _once(values: list[Any]) -> Iterator[Any]:
    for place, value in enumerate(values):
        if value not in values[:place] or isinstance(value, dict):
            yield value


def _keeps_library(actor: Actor) -> ColumnElement[bool]:
    return true() if keeps_library(actor) else false()


def _carriers(brand_id: UUID, tag_id: UUID) -> Select[UUID]:
    same = select(col(Tag.id)).where(
        col(Tag.brand_id) == brand_id, or_(col(Tag.id) == tag_id, col(Tag.merged_into_id) == tag_id)
    )
    return (
        select(col(CustomerTag.customer_id))
        .where(col(CustomerTag.brand_id) == brand_id, col(CustomerTag.tag_id).in_(same))
        .distinct()
    )


def _in_sight(actor: Actor, customer_ids: Select[UUID]) -> Select[UUID]:
    if keeps_library(actor):
        return customer_ids
    return select(col(Customer.id)).where(customers_visible_to(actor), col(Customer.id).in_(customer_ids))


async def _count(session: AsyncSession, rows: Select[UUID]) -> int:
    return int(await session.scalar(select(func.count()).select_from(rows.subquery())) or 0)
