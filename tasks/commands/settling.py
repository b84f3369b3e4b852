"""Close what asked a customer to come back, once they have bought."""

from collections.abc import Sequence
from uuid import UUID

from kernel import clock, jobs
from kernel.work import Work
from tasks.commands.changing import of
from tasks.commands.telling import tell
from tasks.events import TaskCompleted
from tasks.models import Outcome, Task
from tasks.queries import purchases
from tasks.queries.purchases import Settled

SETTLE_BY_ORDER = "tasks.settle_by_order"
AT_ONCE = 200
STORES_AT_ONCE = 20


async def ask_to_settle(work: Work, order_ids: Sequence[UUID]) -> None:
    """Ask for the job below for those of the orders, paid in this commit, whose customers something asks back."""
    # Few have such a task, and a job costs more than looking.
    wanted = await purchases.asked_back(work.session, work.actor.brand_id, order_ids)
    work.requests += [jobs.Request(SETTLE_BY_ORDER, {"order_id": str(order_id)}) for order_id in wanted]


async def settle_by_order(work: Work, order_id: UUID) -> list[Task]:
    """Close the open tasks about the order's customer that it has settled, with the outcome that they bought.

    Those are revisits, retention, welcome and campaign tasks that were made before the order was placed; an order
    that was cancelled meanwhile settles none. What is closed stays so when the order is cancelled later.
    """
    return await _settle(work, await purchases.lock_of_order(work.session, work.actor.brand_id, order_id, AT_ONCE))


async def settle_by_loaded(work: Work, after: UUID | None) -> tuple[bool, UUID | None]:
    """Close what orders have settled that were loaded without a word for each, in the next 20 stores by id.

    At most 200 tasks at once. Returns whether there is more to look at, and behind which store.
    """
    brand_id = work.actor.brand_id
    stores = await purchases.stores_after(work.session, brand_id, after, STORES_AT_ONCE)
    if not stores:
        return False, None
    closed = await _settle(work, await purchases.lock_of_stores(work.session, brand_id, stores, AT_ONCE))
    return True, after if len(closed) == AT_ONCE else stores[-1]


async def _settle(work: Work, found: Sequence[Settled]) -> list[Task]:
    at, closed = clock.now(), []
    for task, order_id in found:
        task.complete(at, Outcome.BOUGHT, None, order_id=order_id)
        closed.append(task)
    await tell(work, *(of(task, TaskCompleted) for task in closed))
    return closed
