"""Reads of the tags that customers carry."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from customers.models import Customer
from customers.policy import visible_to as customers_visible_to
from kernel.actor import Actor
from tagging.models import CustomerTag, Tag, TagGroup
from tagging.policy import visible_to

CarriedRow = Row[*tuple[Any, ...]]

_CARRIED = (
    col(CustomerTag.customer_id),
    col(CustomerTag.set_by),
    col(CustomerTag.by_staff_id),
    col(CustomerTag.rule_id),
    col(CustomerTag.reason),
    col(CustomerTag.confidence),
    col(CustomerTag.set_at),
    col(CustomerTag.checked_at),
)


async def of_customers(
    session: AsyncSession, actor: Actor, customer_ids: Sequence[UUID]
) -> dict[UUID, list[CarriedRow]]:
    """The tags in use on those of the customers that are in sight, in the library's order, personal ones last.

    Other people's personal tags are left out. A tag that was merged is the one it was merged into already.
    """
    worn = aliased(Tag)
    found = await session.execute(
        select(
            *_CARRIED,
            col(TagGroup.shelf_life_days),
            *Tag.__table__.columns,  # type: ignore[attr-defined]  # set by SQLModel
        )
        .join(worn, (col(worn.brand_id) == col(CustomerTag.brand_id)) & (col(worn.id) == col(CustomerTag.tag_id)))
        .join(Tag, (col(Tag.brand_id) == col(worn.brand_id)) & (col(Tag.id) == _now_called(worn)))
        .join(Customer, _is_customer())
        .outerjoin(TagGroup, (col(TagGroup.brand_id) == col(Tag.brand_id)) & (col(TagGroup.id) == col(Tag.group_id)))
        .where(
            col(CustomerTag.brand_id) == actor.brand_id,
            col(CustomerTag.customer_id).in_(customer_ids),
            col(Tag.retired_at).is_(None),
            visible_to(actor),
            customers_visible_to(actor),
        )
        .order_by(
            col(CustomerTag.customer_id),
            col(Tag.owner_id).isnot(None),
            col(TagGroup.position),
            col(TagGroup.id),
            col(Tag.position),
            col(Tag.id),
            # Of several that became one: itself, or else the oldest.
            col(CustomerTag.tag_id) != col(Tag.id),
            col(CustomerTag.set_at),
        )
    )
    tags: dict[UUID, list[CarriedRow]] = defaultdict(list)
    for row in found:
        if not tags[row.customer_id] or tags[row.customer_id][-1].id != row.id:
            tags[row.customer_id].append(row)
    return dict(tags)


def carrying_all(actor: Actor, tag_ids: Sequence[UUID]) -> Select[UUID]:
    """The ids of the customers that carry all of these tags; nobody carries one that the actor can't see.

    For narrowing down a list that brings its own sight. A tag that was merged is the one it was merged into.
    """
    first, *others = dict.fromkeys(tag_ids)
    carried = aliased(CustomerTag)
    statement = _carrying(actor, carried, first)
    for tag_id in others:
        statement = statement.where(col(carried.customer_id).in_(_carrying(actor, aliased(CustomerTag), tag_id)))
    return statement


async def lock_customers(session: AsyncSession, actor: Actor, customer_ids: Sequence[UUID]) -> Sequence[UUID]:
    """Those of the customers that are in sight, locked in the order of their keys."""
    found = await session.scalars(
        select(col(Customer.id))
        .where(customers_visible_to(actor), col(Customer.id).in_(customer_ids))
        .order_by(col(Customer.id))
        .with_for_update(key_share=True)
    )
    return found.all()


def _carrying(actor: Actor, carried: type[CustomerTag], tag_id: UUID) -> Select[UUID]:
    asked, same = aliased(Tag), aliased(Tag)
    seen = (
        select(col(same.id))
        .join(Tag, (col(Tag.brand_id) == actor.brand_id) & (col(Tag.id) == _now_called(same)))
        .join(asked, (col(asked.brand_id) == actor.brand_id) & (_now_called(asked) == col(Tag.id)))
        .where(
            visible_to(actor),
            col(same.brand_id) == actor.brand_id,
            col(asked.id) == tag_id,
            col(Tag.retired_at).is_(None),
        )
    )
    return select(col(carried.customer_id)).where(
        col(carried.brand_id) == actor.brand_id, col(carried.tag_id).in_(seen)
    )


def _now_called(tag: type[Tag]) -> ColumnElement[UUID]:
    """The tag that it counts as: itself, or the one it was merged into."""
    return func.coalesce(col(tag.merged_into_id), col(tag.id))


def _is_customer() -> Any:
    return (col(Customer.brand_id) == col(CustomerTag.brand_id)) & (col(Customer.id) == col(CustomerTag.customer_id))
