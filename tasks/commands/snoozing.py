"""Put tasks off, and note that they were opened."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import partial
from uuid import UUID

from kernel import clock
from kernel.db import flush_or_refuse
from kernel.work import Work
from tasks.commands.changing import for_each, of, require_within_reach, take
from tasks.commands.telling import tell
from tasks.errors import ContactTaken
from tasks.events import TaskSeen, TaskSnoozed
from tasks.models import Task
from tasks.policy import require_own
from tasks.queries import hours
from tasks.queries import tasks as queries
from tasks.queries.tasks import Claim


async def snooze(work: Work, task_id: UUID, *, until: datetime, expected_version: int | None = None) -> Task:
    """Put a task out of sight until a later time.

    It is due then if it was due before, and escalates and expires as much later as it is due. A claim of the customer
    for a day goes along to the store's day of that time.
    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `TASK_CLOSED`, `SNOOZE_IN_THE_PAST`, `CONTACT_TAKEN`.
    """
    [task] = await snooze_many(work, [task_id], until=until, expected_version=expected_version)
    return task


async def snooze_many(
    work: Work, task_ids: Sequence[UUID], *, until: datetime, expected_version: int | None = None
) -> list[Task]:
    """Put 1 to 100 tasks off until the same time, all or none; raises as `snooze` does."""
    tasks = await take(work, task_ids, expected_version=expected_version)
    require_within_reach("until", until)
    by_store = await hours.of_stores(work.session, work.actor.brand_id, {task.store_id for task in tasks})
    claims = await queries.claims(work.session, tasks)
    was_due_at = {task.id: task.due_at for task in tasks}

    def put_off(task: Task) -> None:
        there = by_store[task.store_id]
        task.snooze(clock.now(), until, there.heard_from(until, task.priority))
        _claim_anew(task, there.day_of(until), claims)

    for_each(task_ids, tasks, put_off)
    # Somebody may have claimed the day since it was looked for: whoever writes it first has it.
    await flush_or_refuse(work.session, "contact_day", ContactTaken())
    await tell(work, *(of(task, partial(TaskSnoozed, until=until, was_due_at=was_due_at[task.id])) for task in tasks))
    return tasks


def _claim_anew(task: Task, day: date, claims: set[Claim]) -> None:
    if task.contact_day is None or task.customer_id is None or day <= task.contact_day:
        return
    if (task.customer_id, day) in claims:
        raise ContactTaken
    claims.add((task.customer_id, day))
    task.contact_day = day


async def mark_seen(work: Work, task_ids: Sequence[UUID]) -> list[Task]:
    """Note that whoever keeps these 1 to 100 tasks has opened them; returns those for which that is news.

    A closed one, and one that was opened before, is no matter. Raises `NOT_FOUND`, `FORBIDDEN`, `INVALID`.
    """
    tasks = await take(work, task_ids, may=require_own)
    at = clock.now()
    opened = [task for task in tasks if task.see(at)]
    await tell(work, *(of(task, TaskSeen) for task in opened))
    return opened
