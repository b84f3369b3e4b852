"""Give open orders to whoever now holds the relationship; the credit stays where it is."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col

from kernel import clock
from kernel.work import Work
from mall.commands import steps
from mall.events import ServingMoved
from mall.models import Order, OrderStepKind
from mall.queries import orders


async def move_serving(work: Work, relationship_ids: Sequence[UUID], to_account_id: UUID) -> int:
    """Let an account serve the open orders of these relationships; returns how many changed hands.

    Part of moving the relationships, which the caller has locked and may move.
    """
    brand_id = work.actor.brand_id
    rows = await orders.lock_open(work.session, brand_id, relationship_ids)
    moving = [row for row in rows if row.serving_account_id != to_account_id]
    if not moving:
        return 0
    await work.session.execute(
        update(Order)
        .where(col(Order.brand_id) == brand_id, col(Order.id).in_([row.id for row in moving]))
        .values(serving_account_id=to_account_id, version=Order.version + 1)
        .execution_options(synchronize_session=False)
    )
    at = clock.now()
    for row in moving:
        steps.note(work, row.id, OrderStepKind.SERVED, at, staff_id=work.actor.staff_id)
        work.record(
            ServingMoved(
                order_id=row.id,
                store_id=row.store_id,
                relationship_id=row.relationship_id,
                from_account_id=row.serving_account_id,
                to_account_id=to_account_id,
                version=row.version + 1,
            )
        )
    return len(moving)
