"""What follows for tasks when something happens below."""

from uuid import UUID

from kernel import jobs
from kernel.work import Work
from mall.events import MINI_MALL, OrderPlaced
from tasks import commands

FOLLOW_UP_ORDER = "tasks.follow_up_order"


def on_order_placed(event: OrderPlaced) -> jobs.Request | None:
    """A customer who ordered in the mini-mall is asked after it; at the till, somebody was there."""
    if event.channel != MINI_MALL or event.relationship_id is None:
        return None
    return jobs.Request(FOLLOW_UP_ORDER, {"order_id": str(event.order_id)})


async def follow_up_order(work: Work, order_id: str) -> None:
    await commands.follow_up_order(work, UUID(order_id))
