"""Have the guide ask after an order that has reached the customer."""

from dataclasses import asdict
from datetime import timedelta
from uuid import UUID

from kernel import clock
from kernel.work import Work
from tasks.commands.adding import add_made
from tasks.models import Task, TaskKind, TaskSource
from tasks.queries import hours
from tasks.queries import tasks as queries

TITLE = "收货跟进"
REASON = "顾客在小程序商城买的已经收到，问问是否满意、有没有需要帮忙的。"
PRIORITY = 50
FURTHEST = 7  # days after the delivery: later than that, nobody need ask


async def follow_up_order(work: Work, order_id: UUID) -> Task | None:
    """Make the holder's to-do of asking after an order, for the first day from tomorrow on that nobody has claimed.

    Once per order, and within a week of the delivery. None if every day of it is claimed, or has gone; and for an
    order that isn't completed, a guest's, or that of a customer who is not to be contacted.
    """
    brand_id, now, key = work.actor.brand_id, clock.now(), f"order:{order_id}"
    subject = await queries.to_follow_up(work.session, brand_id, order_id)
    if subject is None:
        return None
    there = await hours.of_store(work.session, brand_id, subject.store_id)
    tomorrow = there.day_of(now) + timedelta(days=1)
    last = there.day_of(subject.completed_at) + timedelta(days=FURTHEST)
    for days in range((last - tomorrow).days + 1):
        day = tomorrow + timedelta(days=days)
        row = {
            "kind": TaskKind.ORDER_FOLLOW_UP,
            "title": TITLE,
            "reason": REASON,
            "relationship_id": subject.relationship_id,
            "priority": PRIORITY,
            "contact_day": day,
            "source": TaskSource.RULE,
            "source_key": key,
        }
        await add_made(work, [row | asdict(there.times(day, now, PRIORITY))])
        # Somebody else's, if it was made before: then the day is no matter.
        made = await queries.by_source_key(work.session, brand_id, key)
        if made is not None:
            return made
    return None
