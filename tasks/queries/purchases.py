"""Reads of the open tasks that a purchase has settled."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import Row, Select, and_, exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Store
from mall.models import COUNTED_STATES, Order
from tasks.models import Task, TaskKind, TaskState

SETTLED_BY_PURCHASES = (TaskKind.REVISIT, TaskKind.RETENTION, TaskKind.WELCOME, TaskKind.CAMPAIGN)
"""What asks for turning to a customer so that they come back; whoever ordered is asked after it all the same."""

Settled = Row[Task, UUID]
"""A task, and the first order that was placed since it was made."""


async def asked_back(session: AsyncSession, brand_id: UUID, order_ids: Sequence[UUID]) -> Sequence[UUID]:
    """Those of the orders about whose customers there is an open task that a purchase settles."""
    asking = exists().where(
        col(Task.brand_id) == col(Order.brand_id),
        col(Task.customer_id) == col(Order.customer_id),
        col(Task.state) == TaskState.PENDING,
        col(Task.kind).in_(SETTLED_BY_PURCHASES),
    )
    found = await session.scalars(
        select(col(Order.id))
        .where(col(Order.brand_id) == brand_id, col(Order.id).in_(order_ids), asking)
        .order_by(col(Order.id))
    )
    return found.all()


async def lock_of_order(session: AsyncSession, brand_id: UUID, order_id: UUID, most: int) -> Sequence[Settled]:
    """Open tasks about the customer of an order that a purchase has settled, locked in the order of their keys."""
    customer = select(col(Order.customer_id)).where(col(Order.brand_id) == brand_id, col(Order.id) == order_id)
    settled = _settled(brand_id).where(col(Task.customer_id) == customer.scalar_subquery())
    return (await session.execute(settled.limit(most))).all()


async def lock_of_stores(
    session: AsyncSession, brand_id: UUID, store_ids: Collection[UUID], most: int
) -> Sequence[Settled]:
    """Open tasks of these stores that a purchase has settled, locked in the order of their keys."""
    settled = _settled(brand_id).where(col(Task.store_id).in_(store_ids))
    return (await session.execute(settled.limit(most))).all()


async def stores_after(session: AsyncSession, brand_id: UUID, after: UUID | None, most: int) -> Sequence[UUID]:
    """The brand's stores by id, behind one of them."""
    stores = select(col(Store.id)).where(col(Store.brand_id) == brand_id)
    if after is not None:
        stores = stores.where(col(Store.id) > after)
    return (await session.scalars(stores.order_by(col(Store.id)).limit(most))).all()


def _settled(brand_id: UUID) -> Select[Task, UUID]:
    bought = (
        select(col(Order.id))
        .where(
            col(Order.brand_id) == col(Task.brand_id),
            col(Order.customer_id) == col(Task.customer_id),
            col(Order.placed_at) > col(Task.created_at),
            col(Order.state).in_(COUNTED_STATES),
        )
        .order_by(col(Order.placed_at), col(Order.id))
        .limit(1)
        .correlate(Task)
        .scalar_subquery()
    )
    wanted = and_(
        col(Task.brand_id) == brand_id,
        col(Task.state) == TaskState.PENDING,
        col(Task.kind).in_(SETTLED_BY_PURCHASES),
        bought.is_not(None),
    )
    return (
        select(Task, bought.label("order_id"))
        .where(wanted)
        .order_by(col(Task.id))
        .with_for_update(of=Task, key_share=True)
    )
