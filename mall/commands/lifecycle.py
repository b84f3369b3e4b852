"""Move an order on: shipped, completed, cancelled."""

from uuid import UUID

from kernel import clock
from kernel.errors import require_version
from kernel.work import Work
from mall.commands import crediting, steps
from mall.commands.orders import cancelled, changed, completed
from mall.errors import OrderRefunded
from mall.models import Order, OrderState, OrderStepKind
from mall.policy import require_canceller, require_keeper
from mall.queries import orders, refunds


async def ship_order(work: Work, order_id: UUID, *, expected_version: int | None = None) -> Order:
    """Say that an order is on its way.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `ORDER_MOVED_ON`.
    """
    order = await orders.lock(work.session, work.actor, order_id)
    require_keeper(work.actor, order)
    return await _advance(work, order, OrderState.SHIPPED, expected_version)


async def complete_order(work: Work, order_id: UUID, *, expected_version: int | None = None) -> Order:
    """Say that the customer has got everything.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `ORDER_MOVED_ON`.
    """
    order = await orders.lock(work.session, work.actor, order_id)
    require_keeper(work.actor, order)
    return await _advance(work, order, OrderState.COMPLETED, expected_version)


async def cancel_order(work: Work, order_id: UUID, *, expected_version: int | None = None) -> Order:
    """Take an open order back as a whole; it counts in no figure any more.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `ORDER_MOVED_ON`, `ORDER_REFUNDED`.
    """
    order = await orders.lock(work.session, work.actor, order_id)
    require_canceller(work.actor, order)
    # Before the refunds: who cancels what they saw unrefunded is told that they saw an older order.
    require_version(order, expected_version)
    if await refunds.total_of(work.session, order.brand_id, order.id):
        raise OrderRefunded
    return await _advance(work, order, OrderState.CANCELLED, expected_version)


async def _advance(work: Work, order: Order, state: OrderState, expected_version: int | None) -> Order:
    require_version(order, expected_version)
    order.advance(state, clock.now())
    steps.note(
        work, order.id, OrderStepKind(state.value), order.news_at or order.placed_at, staff_id=work.actor.staff_id
    )
    crediting.tell_elsewhere(work, order, await crediting.credits_of(work, order))
    if state is OrderState.COMPLETED:
        work.record(completed(order))
    if state is OrderState.CANCELLED:
        work.record(cancelled(order))
    work.record(changed(order))
    return order
