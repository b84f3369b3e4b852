"""Write down what happens to an order, one line at a time."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from kernel import bulk, clock, ids
from kernel.work import Work
from mall.models import COUNTED_STATES, Order, OrderState, OrderStep, OrderStepKind
from mall.models.contents import LinesSaid

_FURTHER = {state: place for place, state in enumerate(OrderState)}


class Before(NamedTuple):
    """An order as it was before newer news of it."""

    state: OrderState
    paid_at: datetime | None
    amount: int
    lines: LinesSaid


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


async def note_many(
    work: Work, order_ids: Sequence[UUID], kind: OrderStepKind, at: datetime, *, staff_id: UUID | None
) -> None:
    """The same line for many orders, which are written already."""
    noted_at = clock.now()
    lines = [
        {
            "brand_id": work.actor.brand_id,
            "id": ids.new(),
            "order_id": order_id,
            "kind": kind,
            "at": at,
            "noted_at": noted_at,
            "staff_id": staff_id,
        }
        for order_id in order_ids
    ]
    await bulk.insert_rows(work.session, OrderStep, lines)


def note_placed(work: Work, order: Order) -> None:
    """The first that is heard of an order, with all that happened to it until then."""
    note(work, order.id, OrderStepKind.PLACED, order.placed_at)
    if order.paid_at is not None:
        note(work, order.id, OrderStepKind.PAID, order.paid_at)
    if order.state not in (OrderState.PENDING, OrderState.PAID):
        note(work, order.id, OrderStepKind(order.state.value), _reached_at(order))


def note_heard(work: Work, order: Order, before: Before, lines: LinesSaid) -> None:
    """What newer news made of an order: another payment, other contents, another state."""
    at = order.news_at or order.placed_at
    if order.paid_at is not None and before.paid_at is None:
        note(work, order.id, OrderStepKind.PAID, order.paid_at)
    if (order.amount, lines) != (before.amount, before.lines):
        note(work, order.id, OrderStepKind.AMENDED, at, amount=order.amount)
    if order.state is before.state:
        return
    if order.state is OrderState.PENDING:
        note(work, order.id, OrderStepKind.UNPAID, at)
    elif order.state in COUNTED_STATES and _FURTHER[order.state] < _FURTHER[before.state]:
        note(work, order.id, OrderStepKind.REOPENED, at)
    elif order.state is not OrderState.PAID:
        note(work, order.id, OrderStepKind(order.state.value), _reached_at(order))


def _reached_at(order: Order) -> datetime:
    """When the order came into its state."""
    completed_at = order.completed_at if order.state is OrderState.COMPLETED else None
    return completed_at or order.news_at or order.placed_at
