"""Give open orders to whoever now holds the relationship; the credit stays where it is."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col

from kernel import bulk, clock
from kernel.work import Work
from mall.commands import steps
from mall.events import ServingMoved
from mall.models import Order, OrderStepKind
from mall.queries import orders
from mall.queries.orders import OrderRow


async def move_serving(work: Work, relationship_ids: Sequence[UUID], to_account_id: UUID) -> int:
    """Let an account serve the open orders of these relationships; returns how many changed hands.

    Part of moving the relationships, which the caller has locked and may move.
    """
    return await move_serving_many(work, dict.fromkeys(relationship_ids, to_account_id))


async def move_serving_many(work: Work, servers: Mapping[UUID, UUID]) -> int:
    """The same for relationships that go to different accounts: `servers` are accounts by relationship."""
    rows = await orders.lock_open(work.session, work.actor.brand_id, list(servers))
    return await _give(work, [(row, servers[row.relationship_id]) for row in rows])


async def _give(work: Work, servers: Sequence[tuple[OrderRow, UUID]]) -> int:
    """Let these orders, which are locked, be served by those accounts."""
    moving = [(row, account_id) for row, account_id in servers if row.serving_account_id != account_id]
    if not moving:
        return 0
    to = bulk.paired(work.session, {row.id: account_id for row, account_id in moving})
    await work.session.execute(
        update(Order)
        .where(col(Order.brand_id) == work.actor.brand_id, col(Order.id) == to.c.key)
        .values(serving_account_id=to.c.value, version=Order.version + 1)
        .execution_options(synchronize_session=False)
    )
    await steps.note_many(
        work, [row.id for row, _ in moving], OrderStepKind.SERVED, clock.now(), staff_id=work.actor.staff_id
    )
    for row, account_id in moving:
        work.record(
            ServingMoved(
                order_id=row.id,
                store_id=row.store_id,
                relationship_id=row.relationship_id,
                from_account_id=row.serving_account_id,
                to_account_id=account_id,
                version=row.version + 1,
            )
        )
    return len(moving)
