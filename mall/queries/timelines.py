"""What happened to orders, in the order in which it did."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel.actor import Actor
from mall.models import Order, OrderStep, OrderStepKind
from mall.policy import visible_to

MOST = 200


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a timeline. `noted_at` is none for what is known from the order itself, as one out of a file."""

    kind: OrderStepKind
    at: datetime
    noted_at: datetime | None = None
    amount: int | None = None
    staff_id: UUID | None = None


async def of_orders(session: AsyncSession, actor: Actor, order_ids: Sequence[UUID]) -> dict[UUID, list[Step]]:
    """What happened to those of the orders that are in sight, the oldest first: of each the last 200 things."""
    place = func.row_number().over(
        partition_by=col(OrderStep.order_id), order_by=(col(OrderStep.noted_at).desc(), col(OrderStep.id).desc())
    )
    ranked = (
        select(col(OrderStep.id), place.label("place"))
        .where(col(OrderStep.brand_id) == actor.brand_id, col(OrderStep.order_id).in_(order_ids))
        .subquery()
    )
    found = await session.execute(
        select(
            col(Order.id),
            col(Order.placed_at),
            col(Order.paid_at),
            col(Order.completed_at),
            col(OrderStep.kind),
            col(OrderStep.at),
            col(OrderStep.noted_at),
            col(OrderStep.amount),
            col(OrderStep.staff_id),
        )
        .outerjoin(
            OrderStep,
            (col(OrderStep.brand_id) == col(Order.brand_id))
            & (col(OrderStep.order_id) == col(Order.id))
            & col(OrderStep.id).in_(select(ranked.c.id).where(ranked.c.place <= MOST)),
        )
        .where(col(Order.id).in_(order_ids), visible_to(actor))
        .order_by(col(Order.id), col(OrderStep.at), col(OrderStep.noted_at), col(OrderStep.id))
    )
    steps: dict[UUID, list[Step]] = defaultdict(list)
    known: dict[UUID, list[Step]] = {}
    for order_id, placed_at, paid_at, completed_at, kind, at, noted_at, amount, staff_id in found:
        known[order_id] = list(_known(placed_at, paid_at, completed_at))
        if kind is not None:
            steps[order_id].append(Step(kind, at, noted_at, amount, staff_id))
    return {order_id: _whole(steps[order_id], known[order_id]) for order_id in known}


def _known(placed_at: datetime, paid_at: datetime | None, completed_at: datetime | None) -> Iterable[Step]:
    for kind, at in (
        (OrderStepKind.PLACED, placed_at),
        (OrderStepKind.PAID, paid_at),
        (OrderStepKind.COMPLETED, completed_at),
    ):
        if at is not None:
            yield Step(kind, at)


def _whole(steps: list[Step], known: list[Step]) -> list[Step]:
    """What was written down, and before it what the order itself says of the time when nobody wrote."""
    written = {step.kind for step in steps}
    if len(steps) >= MOST:
        return steps
    missing = [step for step in known if step.kind not in written]
    return sorted([*missing, *steps], key=lambda step: step.at)[-MOST:]
