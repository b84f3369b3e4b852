"""Note that somebody of the store has turned to an order."""

from uuid import UUID

from kernel import clock, ids
from kernel.errors import Forbidden, require_version
from kernel.work import Work
from mall.commands.orders import changed
from mall.events import OrderAnswered
from mall.models import Order, OrderStep, OrderStepKind
from mall.policy import require_answerer
from mall.queries import orders


async def answer_order(work: Work, order_id: UUID, *, expected_version: int | None = None) -> Order:
    """Say that one has turned to the order: for the guide who holds its relationship, and the store's manager.

    Who did so first stays; a second call changes nothing. Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`.
    """
    order = await orders.lock(work.session, work.actor, order_id)
    require_answerer(work.actor, order)
    if order.answered_at is not None:
        return order
    require_version(order, expected_version)
    if work.actor.staff_id is None:
        raise Forbidden
    now = clock.now()
    order.answer(now, work.actor.staff_id)
    work.session.add(
        OrderStep(
            brand_id=order.brand_id,
            id=ids.new(),
            order_id=order.id,
            kind=OrderStepKind.ANSWERED,
            at=now,
            noted_at=now,
            staff_id=work.actor.staff_id,
        )
    )
    work.record(OrderAnswered(order_id=order.id, store_id=order.store_id, relationship_id=order.relationship_id))
    work.record(changed(order))
    return order
