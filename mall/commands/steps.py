"""Write down what happens to an order, one line at a time."""

from datetime import datetime
from uuid import UUID

from kernel import clock, ids
from kernel.work import Work
from mall.models import OrderStep, OrderStepKind


def note(
    work: Work,
    order_id: UUID,
    kind: OrderStepKind,
    at: datetime,
    *,
    amount: int | None = None,
    staff_id: UUID | None = None,
) -> None:
    """Add a line to an order's timeline: `at` is when it was true, `amount` in minor units, `staff_id` who did it."""
    work.session.add(
        OrderStep(
            brand_id=work.actor.brand_id,
            id=ids.new(),
            order_id=order_id,
            kind=kind,
            at=at,
            noted_at=clock.now(),
            amount=amount,
            staff_id=staff_id,
        )
    )
