"""Close tasks: carried out, skipped for a reason, or taken back."""

from collections.abc import Sequence
from uuid import UUID

from kernel import clock
from kernel.errors import optional_text, require_text
from kernel.work import Work
from tasks.commands.changing import change, of, take
from tasks.commands.telling import tell
from tasks.events import TaskCancelled, TaskCompleted, TaskSkipped
from tasks.models import Outcome, SkipReason, Task
from tasks.policy import require_may_cancel
from tasks.queries import tasks as queries

LONGEST_REMARK = 500


async def complete(
    work: Work,
    task_id: UUID,
    *,
    outcome: Outcome | None = None,
    remark: str | None = None,
    expected_version: int | None = None,
) -> Task:
    """Close a task as carried out, and say what came of it.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `TASK_CLOSED`, `INVALID`.
    """
    [task] = await complete_many(work, [task_id], outcome=outcome, remark=remark, expected_version=expected_version)
    return task


async def complete_many(
    work: Work,
    task_ids: Sequence[UUID],
    *,
    outcome: Outcome | None = None,
    remark: str | None = None,
    expected_version: int | None = None,
) -> list[Task]:
    """Close 1 to 100 tasks as carried out, all or none; raises as `complete` does."""
    tasks = await take(work, task_ids, expected_version=expected_version)
    words = require_text("remark", remark, longest=LONGEST_REMARK) if remark is not None else None
    at, by_id = clock.now(), work.actor.staff_id
    return await change(work, task_ids, tasks, lambda task: task.complete(at, outcome, words, by_id), TaskCompleted)


async def complete_made(work: Work, source_key: str) -> Task | None:
    """Close the task that was made under this key as carried out, on its maker's behalf; none if it isn't open."""
    task = await queries.lock_by_source_key(work.session, work.actor.brand_id, source_key)
    if task is None:
        return None
    task.complete(clock.now(), None, None, work.actor.staff_id)
    await tell(work, of(task, TaskCompleted))
    return task


async def skip(
    work: Work,
    task_id: UUID,
    *,
    reason: SkipReason,
    remark: str | None = None,
    expected_version: int | None = None,
) -> Task:
    """Close a task as not carried out, and say why; the reason `other` needs a remark.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `TASK_CLOSED`, `INVALID`.
    """
    [task] = await skip_many(work, [task_id], reason=reason, remark=remark, expected_version=expected_version)
    return task


async def skip_many(
    work: Work,
    task_ids: Sequence[UUID],
    *,
    reason: SkipReason,
    remark: str | None = None,
    expected_version: int | None = None,
) -> list[Task]:
    """Skip 1 to 100 tasks for one reason, all or none; raises as `skip` does."""
    tasks = await take(work, task_ids, expected_version=expected_version)
    if reason is SkipReason.OTHER:
        words: str | None = require_text("remark", remark or "", longest=LONGEST_REMARK)
    else:
        words = optional_text("remark", remark, longest=LONGEST_REMARK)
    at, by_id = clock.now(), work.actor.staff_id
    return await change(work, task_ids, tasks, lambda task: task.skip(at, reason, words, by_id), TaskSkipped)


async def cancel(work: Work, task_id: UUID, *, remark: str | None = None, expected_version: int | None = None) -> Task:
    """Take a task back: whoever made it, a manager of its store, or whoever keeps it if a person made it.

    Raises `NOT_FOUND`, `FORBIDDEN`, `SKIP_INSTEAD`, `STALE_VERSION`, `TASK_CLOSED`, `INVALID`.
    """
    [task] = await cancel_many(work, [task_id], remark=remark, expected_version=expected_version)
    return task


async def cancel_many(
    work: Work, task_ids: Sequence[UUID], *, remark: str | None = None, expected_version: int | None = None
) -> list[Task]:
    """Take back 1 to 100 tasks, all or none; raises as `cancel` does."""
    tasks = await take(work, task_ids, may=require_may_cancel, expected_version=expected_version)
    words = require_text("remark", remark, longest=LONGEST_REMARK) if remark is not None else None
    at, by_id = clock.now(), work.actor.staff_id
    return await change(work, task_ids, tasks, lambda task: task.cancel(at, words, by_id), TaskCancelled)
