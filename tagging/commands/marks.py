"""Mark customers that have to be looked at again."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlmodel import col

from customers.models import Relationship
from customers.policy import is_live
from kernel import bulk, ids
from kernel.db import OneOf
from kernel.work import Work
from tagging.models import CustomerMark, MarkPurpose

_IDS = "ids"
_FEW = 50  # more are copied


async def mark(work: Work, purposes: Sequence[MarkPurpose], events: Sequence[Any]) -> None:
    """Leave a mark of each purpose for each customer the events are about, by `customer_id` or `relationship_id`."""
    brand_id = work.actor.brand_id
    rows = [
        {"brand_id": brand_id, "id": ids.new(), "purpose": purpose, "customer_id": customer_id}
        for customer_id in sorted(await _customers(work, events))
        for purpose in purposes
    ]
    if len(rows) > _FEW:
        await bulk.insert_rows(work.session, CustomerMark, rows)
    elif rows:
        await work.session.execute(insert(CustomerMark), rows)


async def mark_stores(work: Work, purpose: MarkPurpose, store_ids: Sequence[UUID]) -> None:
    """Leave a mark for each customer of these stores."""
    brand_id = work.actor.brand_id
    found = await work.session.scalars(
        select(col(Relationship.customer_id))
        .where(col(Relationship.brand_id) == brand_id, col(Relationship.store_id).in_(store_ids), is_live())
        .order_by(col(Relationship.customer_id))
    )
    its = {"brand_id": brand_id, "purpose": purpose}
    rows = [its | {"id": ids.new(), "customer_id": customer_id} for customer_id in found]
    await bulk.insert_rows(work.session, CustomerMark, rows)


async def take_away(work: Work, mark_ids: Iterable[UUID]) -> None:
    """Take these marks away: somebody looked at their customers after reading them."""
    await work.session.execute(
        delete(CustomerMark).where(
            col(CustomerMark.brand_id) == work.actor.brand_id, OneOf(col(CustomerMark.id), _IDS)
        ),
        {_IDS: list(mark_ids)},
        execution_options={"synchronize_session": False},
    )


async def _customers(work: Work, events: Sequence[Any]) -> set[UUID]:
    named = {event.customer_id for event in events if hasattr(event, "customer_id")} - {None}
    through = {event.relationship_id for event in events if not hasattr(event, "customer_id")} - {None}
    if through:
        found = await work.session.scalars(
            select(col(Relationship.customer_id)).where(
                col(Relationship.brand_id) == work.actor.brand_id, col(Relationship.id).in_(sorted(through))
            )
        )
        named |= set(found)
    return named
