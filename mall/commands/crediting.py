"""Decide who earned an order, once it is paid, and keep the parts adding up to what it comes to."""

from sqlalchemy import select
from sqlmodel import col

from kernel import clock, ids
from kernel.work import Work
from mall.models import WHOLE, Credit, CreditReason, Order
from mall.models.parts import shared_out
from mall.queries import parties


async def decide(work: Work, order: Order) -> None:
    """Give the credit of an order that has been paid."""
    guide = None
    if order.relationship_id is not None:
        at = order.paid_at or order.placed_at
        guide = await parties.guide_at(work.session, order.brand_id, order.relationship_id, at)
    work.session.add(
        Credit(
            brand_id=order.brand_id,
            id=ids.new(),
            order_id=order.id,
            store_id=order.store_id,
            account_id=guide,
            reason=CreditReason.HOLDER if guide else CreditReason.STORE,
            points=WHOLE,
            amount=order.amount,
            decided_at=max(clock.now(), order.placed_at),
        )
    )


async def is_decided(work: Work, order: Order) -> bool:
    """Whether somebody has the credit of the order already."""
    found = await work.session.scalar(
        select(col(Credit.part))
        .where(col(Credit.brand_id) == order.brand_id, col(Credit.order_id) == order.id)
        .limit(1)
    )
    return found is not None


async def share_again(work: Work, order: Order) -> None:
    """Let the parts add up to what the order comes to now; who has them stays."""
    parts = list(
        await work.session.scalars(
            select(Credit)
            .where(col(Credit.brand_id) == order.brand_id, col(Credit.order_id) == order.id)
            .order_by(col(Credit.part))
        )
    )
    for part, amount in zip(parts, shared_out(order.amount, [part.points for part in parts]), strict=True):
        if part.amount != amount:
            part.amount = amount
            part.version += 1
