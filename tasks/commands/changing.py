"""Change some tasks, all of them or none: find and lock, may I, change, say so."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from kernel import clock
from kernel.actor import Actor
from kernel.errors import Invalid, NotFound, Refusal, require_version
from kernel.work import Work
from tasks.commands.telling import tell
from tasks.events import TaskEvent
from tasks.models import Task
from tasks.policy import require_keeper
from tasks.queries import tasks as queries

MOST_AT_ONCE = 100
FURTHEST = timedelta(days=5 * 366)

May = Callable[[Actor, Task], None]
Happened = Callable[..., TaskEvent]


async def take(
    work: Work, task_ids: Sequence[UUID], *, may: May = require_keeper, expected_version: int | None = None
) -> list[Task]:
    """1 to 100 tasks, in the order of their keys, that the actor may change; nobody else does until the commit.

    The refusal says which of several it is about. Raises `INVALID`, `NOT_FOUND`, `STALE_VERSION`, and what `may` does.
    """
    if not 1 <= len(set(task_ids)) <= MOST_AT_ONCE:
        reason, reason_zh = f"name 1 to {MOST_AT_ONCE}.", f"请选择 1 到 {MOST_AT_ONCE} 个。"
        raise Invalid(field="ids", reason=reason, reason_zh=reason_zh)
    tasks = await queries.lock_many(work.session, work.actor, task_ids)
    found = {task.id for task in tasks}
    for task_id in task_ids:
        with naming(task_ids, task_id):
            if task_id not in found:
                raise NotFound
    for task in tasks:
        with naming(task_ids, task.id):
            may(work.actor, task)
            require_version(task, expected_version)
    return list(tasks)


async def change(
    work: Work, task_ids: Sequence[UUID], tasks: Sequence[Task], act: Callable[[Task], Any], happened: Happened
) -> list[Task]:
    """Do the same to each of the tasks that were taken, and say so; where one refuses, nothing is done to any."""
    for_each(task_ids, tasks, act)
    await tell(work, *(of(task, happened) for task in tasks))
    return list(tasks)


def for_each(task_ids: Sequence[UUID], tasks: Sequence[Task], act: Callable[[Task], Any]) -> None:
    """Do the same to each of the tasks."""
    for task in tasks:
        with naming(task_ids, task.id):
            act(task)


def require_within_reach(field: str, moment: datetime) -> None:
    """Refuse a time of which nobody can mean it: tasks are for the next years. Raises `INVALID`."""
    if moment - clock.now() > FURTHEST:
        raise Invalid(field=field, reason="at most five years ahead.", reason_zh="最多可选择五年以内的时间。")


def of(task: Task, happened: Happened) -> TaskEvent:
    """What happened to a task, told of the task as it is now."""
    return happened(task_id=task.id, account_id=task.account_id, version=task.version)


@contextmanager
def naming(task_ids: Sequence[UUID], task_id: UUID) -> Iterator[None]:
    """A refusal of one of several says which one."""
    try:
        yield
    except Refusal as refusal:
        if len(task_ids) > 1:
            refusal.index = list(task_ids).index(task_id)
        raise
