"""Refunds of an order that doesn't count are void, and count again if it comes back."""

from sqlalchemy import select
from sqlmodel import col

from kernel.work import Work
from mall.events import RefundVoided
from mall.models import COUNTED_STATES, Order, Refund


async def follow(work: Work, order: Order) -> None:
    """Let the order's refunds be void, or not, as its state asks for; the order is locked."""
    is_void = order.state not in COUNTED_STATES
    found = await work.session.scalars(
        select(Refund)
        .where(col(Refund.brand_id) == order.brand_id, col(Refund.order_id) == order.id, col(Refund.is_void) != is_void)
        .order_by(col(Refund.id))
    )
    for refund in found:
        refund.is_void = is_void
        refund.version += 1
        work.record(
            RefundVoided(
                refund_id=refund.id,
                store_id=refund.store_id,
                relationship_id=refund.relationship_id,
                version=refund.version,
            )
        )
