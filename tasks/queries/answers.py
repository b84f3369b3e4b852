"""Reads of orders that wait for somebody to turn to them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Customer, Note, Relationship, Visit
from mall.models import OPEN_STATES, Order
from tasks.models import CONTACTS, Task, TaskState

Unanswered = Row[*tuple[Any, ...]]


async def to_answer(session: AsyncSession, brand_id: UUID, order_id: UUID) -> Unanswered | None:
    """An open order that nobody has turned to: whose it is, when it was paid, and what it comes to.

    `store_id` is that of the relationship. None where there is no such order any more, where somebody noted something
    about the customer since it was paid, saw them, or carried out a task of turning to them; and where the customer
    is not to be contacted.
    """
    found = await session.execute(
        select(
            col(Order.relationship_id),
            col(Relationship.store_id),
            col(Order.paid_at),
            col(Order.amount),
            col(Order.currency),
        )
        .join(
            Relationship,
            and_(col(Relationship.brand_id) == col(Order.brand_id), col(Relationship.id) == col(Order.relationship_id)),
        )
        .join(Customer, and_(col(Customer.brand_id) == col(Order.brand_id), col(Customer.id) == col(Order.customer_id)))
        .where(
            col(Order.brand_id) == brand_id,
            col(Order.id) == order_id,
            col(Order.state).in_(OPEN_STATES),
            col(Order.paid_at).is_not(None),
            col(Order.answered_at).is_(None),
            col(Customer.do_not_contact).is_(False),
        )
    )
    row = found.first()
    return None if row is None or await _in_touch(session, brand_id, row.relationship_id, row.paid_at) else row


async def is_still_open(session: AsyncSession, brand_id: UUID, order_id: UUID) -> bool:
    """Whether nobody has answered the order, which is kept so until the commit; its relationship is locked before."""
    found = await session.scalar(
        select(col(Order.id))
        .where(
            col(Order.brand_id) == brand_id,
            col(Order.id) == order_id,
            col(Order.state).in_(OPEN_STATES),
            col(Order.answered_at).is_(None),
        )
        .with_for_update(read=True)
    )
    return found is not None


async def _in_touch(session: AsyncSession, brand_id: UUID, relationship_id: UUID, since: datetime) -> bool:
    """Whether a person has noted something of the customer since then, seen them, or done a task of contact."""
    about = [
        exists().where(
            col(table.brand_id) == brand_id, col(table.relationship_id) == relationship_id, col(table.at) >= since
        )
        for table in (Note, Visit)
    ]
    done = exists().where(
        col(Task.brand_id) == brand_id,
        col(Task.relationship_id) == relationship_id,
        col(Task.state) == TaskState.DONE,
        col(Task.kind).in_(CONTACTS),
        col(Task.closed_at) >= since,
        # A purchase settles tasks too: this very one, and nobody has turned to anybody.
        col(Task.closed_by_id).is_not(None),
    )
    return bool(await session.scalar(select(or_(*about, done))))
