"""See that somebody turns to an order of the mini-mall while the customer still thinks of it."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from customers.queries import relationships
from kernel import clock, jobs
from kernel.work import Work
from mall.queries import settings
from tasks.commands.adding import add_made
from tasks.commands.changing import of
from tasks.commands.telling import tell
from tasks.events import TaskCancelled, TaskCompleted
from tasks.models import Task, TaskKind, TaskSource
from tasks.models.judging.words import money
from tasks.queries import answers, hours
from tasks.queries import tasks as queries

ASK_FOR_ANSWER = "tasks.ask_for_answer"
TITLE = "新订单待回应"
REASON = "{ago}前下单 {amount}，还没有人回应"
ANSWERED = "已有人回应。"
MOOT = "订单已取消。"
PRIORITY = 90
DUE_WITHIN = timedelta(minutes=30)
KEPT_FOR = timedelta(days=1)
LATEST = timedelta(days=1)
"""After the payment; of what is heard of later than that nobody is reminded."""


async def time_answers(work: Work, order_ids: Sequence[UUID]) -> None:
    """Have it looked at, as long after the payment as the brand says, whether somebody has turned to these orders."""
    minutes = (await settings.setting_of(work.session, work.actor.brand_id)).answer_minutes
    if minutes:
        delay = timedelta(minutes=minutes)
        work.requests += [jobs.Request(ASK_FOR_ANSWER, {"order_id": str(key)}, delay) for key in order_ids]


async def ask_for_answer(work: Work, order_id: UUID) -> Task | None:
    """Make the holder's task of turning to an order; none if somebody has, or nobody need.

    Once for each order, due within half an hour, and whatever else there is to do for the customer on that day. In the
    store's quiet hours it is looked at again when these end.
    """
    brand_id, now, key = work.actor.brand_id, clock.now(), _key(order_id)
    subject = await answers.to_answer(work.session, brand_id, order_id)
    if subject is None or subject.paid_at < now - LATEST:
        return None
    there = await hours.of_store(work.session, brand_id, subject.store_id)
    if (quiet := there.heard_from(now, PRIORITY) - now) > timedelta():
        work.requests.append(jobs.Request(ASK_FOR_ANSWER, {"order_id": str(order_id)}, quiet))
        return None
    await relationships.hold_many(work.session, brand_id, {subject.relationship_id})
    # Who answers at this moment finds the task and closes it, or is found.
    if not await answers.is_still_open(work.session, brand_id, order_id):
        return None
    due_at = now + DUE_WITHIN
    row = {
        "kind": TaskKind.ORDER_FOLLOW_UP,
        "title": TITLE,
        "reason": REASON.format(ago=_ago(now - subject.paid_at), amount=money(subject.amount, subject.currency)),
        "relationship_id": subject.relationship_id,
        "priority": PRIORITY,
        "due_at": due_at,
        "alert_at": now,
        "escalates_at": due_at,
        "expires_at": due_at + KEPT_FOR,
        "source": TaskSource.RULE,
        "source_key": key,
    }
    await add_made(work, [row])
    return await queries.by_source_key(work.session, brand_id, key)


async def close_answered(work: Work, order_id: UUID) -> Task | None:
    """Close the task of turning to an order to which somebody has turned; none if there is none open."""
    task = await queries.lock_by_source_key(work.session, work.actor.brand_id, _key(order_id))
    if task is not None:
        task.complete(clock.now(), None, ANSWERED)
        await tell(work, of(task, TaskCompleted))
    return task


async def close_moot(work: Work, order_id: UUID) -> Task | None:
    """Take back the task of turning to an order that was cancelled; none if there is none open."""
    task = await queries.lock_by_source_key(work.session, work.actor.brand_id, _key(order_id))
    if task is not None:
        task.cancel(clock.now(), MOOT)
        await tell(work, of(task, TaskCancelled))
    return task


def _key(order_id: UUID) -> str:
    return f"unanswered:{order_id}"


def _ago(passed: timedelta) -> str:
    minutes = max(int(passed.total_seconds()) // 60, 0)
    return f"{minutes} 分钟" if minutes < 120 else f"{minutes // 60} 小时"
