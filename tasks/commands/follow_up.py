"""Have the guide ask after a new order."""

from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from kernel import clock
from kernel.work import Work
from tasks.commands.tasks import add
from tasks.models import Task, TaskKind, TaskSource
from tasks.queries import tasks as queries

TITLE = "下单跟进"
REASON = "顾客在小程序商城下了单，问问是否满意、有没有需要帮忙的。"
DUE_BY = time(18)


async def follow_up_order(work: Work, order_id: UUID) -> Task | None:
    """Make the holder's to-do of asking after an order, due the store's next day at six in the evening.

    Once per order. None for an order that has gone or was cancelled, a guest's, or that of a customer
    who is not to be contacted.
    """
    subject = await queries.to_follow_up(work.session, work.actor.brand_id, order_id)
    if subject is None:
        return None
    return await add(
        work,
        title=TITLE,
        reason=REASON,
        kind=TaskKind.ORDER_FOLLOW_UP,
        relationship_id=subject.relationship_id,
        due_at=_next_evening(clock.now(), subject.time_zone),
        source=TaskSource.RULE,
        source_key=f"order:{order_id}",
    )


def _next_evening(now: datetime, time_zone: str) -> datetime:
    tomorrow = clock.store_day(now, time_zone) + timedelta(days=1)
    return datetime.combine(tomorrow, DUE_BY, ZoneInfo(time_zone))
