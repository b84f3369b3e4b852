"""Reads of the customers of a handover who wear a tag that is the leaver's own."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, Row, and_, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from customers.models import Relationship
from directory.models import Account
from handover.models import Handover, HandoverItem, HeldHere
from kernel.db import OneOf
from tagging.models import CustomerTag, Tag

WearerRow = Row[*tuple[Any, ...]]

MOST_LINES = 5_000


async def after(
    session: AsyncSession, handover: Handover, relationship_id: UUID | None
) -> tuple[Sequence[WearerRow], UUID | None]:
    """Of the next 5,000 who have moved those who wear such a tag, and not yet the one of the takeover guide.

    Where a handover is undone, those who wear both, of those who were given back. Rows of `relationship_id,
    customer_id, tag_id, to_staff_id`, those of one takeover guide beside each other: a chunk of them then concerns
    few people, whose feeds are locked while it is written. And where the next part begins, none at the end.
    """
    undone = handover.undoes_id
    here = HeldHere.MOVED if undone is None else HeldHere.UNDONE
    lines = select(col(HandoverItem.relationship_id)).where(
        col(HandoverItem.brand_id) == handover.brand_id,
        col(HandoverItem.handover_id) == (undone or handover.id),
        col(HandoverItem.here) == here,
    )
    if relationship_id is not None:
        lines = lines.where(col(HandoverItem.relationship_id) > relationship_id)
    part = (await session.scalars(lines.order_by(col(HandoverItem.relationship_id)).limit(MOST_LINES))).all()
    if not part:
        return [], None
    every = wearing(handover.brand_id, undone or handover.id, here, is_copied=undone is not None, of="relationship_ids")
    rows = await session.execute(every, {"relationship_ids": list(part)})
    return sorted(rows, key=attrgetter("to_staff_id")), part[-1]


def wearing(
    brand_id: UUID, handover_id: UUID, here: HeldHere, *, is_copied: bool = False, of: str | None = None
) -> Any:
    """Who wears a tag of whoever held them, and doesn't wear (or does) the same of whoever took them over.

    Of all who are like that here; with `of`, of those whose ids the parameter of that name lists.
    """
    moved = _moved(brand_id, handover_id, here, of, "moved_and_copied" if is_copied else "moved")
    own, worn = aliased(Tag), aliased(CustomerTag)
    copy = (
        exists()
        .where(
            col(worn.brand_id) == brand_id,
            col(worn.customer_id) == moved.c.customer_id,
            col(own.brand_id) == brand_id,
            col(own.id) == col(worn.tag_id),
            col(own.owner_id) == moved.c.to_staff_id,
            col(own.name) == col(Tag.name),
            col(own.retired_at).is_(None),
        )
        .correlate(moved, Tag)
    )
    return (
        select(moved.c.relationship_id, moved.c.customer_id, col(Tag.id).label("tag_id"), moved.c.to_staff_id)
        .join(
            CustomerTag,
            and_(col(CustomerTag.brand_id) == brand_id, col(CustomerTag.customer_id) == moved.c.customer_id),
        )
        .join(
            Tag,
            and_(
                col(Tag.brand_id) == brand_id,
                col(Tag.id) == col(CustomerTag.tag_id),
                col(Tag.owner_id) == moved.c.from_staff_id,
                col(Tag.retired_at).is_(None),
            ),
        )
        .where(copy if is_copied else ~copy)
        .order_by(moved.c.relationship_id, col(Tag.id))
    )


def _moved(brand_id: UUID, handover_id: UUID, here: HeldHere, of: str | None, name: str) -> CTE:
    """The customers who went from one person to another.

    They are looked up first, and whatever they wear then: how many have moved no statistics know.
    """
    former, present = aliased(Account), aliased(Account)
    # Where a store closes, the customer goes on in another relationship.
    of_item = col(Relationship.id) == func.coalesce(col(HandoverItem.successor_id), col(HandoverItem.relationship_id))
    columns: tuple[Any, ...] = (
        col(HandoverItem.relationship_id),
        col(Relationship.customer_id),
        col(former.staff_id).label("from_staff_id"),
        col(present.staff_id).label("to_staff_id"),
    )
    rows = (
        select(*columns)
        .join(Relationship, and_(col(Relationship.brand_id) == brand_id, of_item))
        .join(former, and_(col(former.brand_id) == brand_id, col(former.id) == col(HandoverItem.from_account_id)))
        .join(present, and_(col(present.brand_id) == brand_id, col(present.id) == col(HandoverItem.to_account_id)))
        .where(
            col(HandoverItem.brand_id) == brand_id,
            col(HandoverItem.handover_id) == handover_id,
            col(HandoverItem.here) == here,
            col(present.staff_id).is_not(None),
            col(present.staff_id) != col(former.staff_id),
        )
    )
    if of is not None:
        rows = rows.where(OneOf(col(HandoverItem.relationship_id), of))
    return rows.cte(name).prefix_with("MATERIALIZED")
