"""Have whoever holds a customer check the tags that have gone stale, a few at a time."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from kernel import clock
from kernel.work import Work
from tagging.commands import freshness
from tasks.commands.changing import of
from tasks.commands.tasks import add
from tasks.commands.telling import tell
from tasks.events import TaskCancelled, TaskCompleted
from tasks.models import Task, TaskKind, TaskSource
from tasks.queries import checks
from tasks.queries import tasks as queries

MOST_OPEN = 5  # of one holder: what is older than these waits for another day
PRIORITY = 30
TITLE = "核对标签：{tag}"
REASON = "{group}：{tag} 已 {days} 天没有确认。"
LEAVE_ALONE = "顾客不希望被打扰：不要为此联系，等到店时再看。"
CHECKED = "标签已核对。"
NOT_NEEDED = "标签已不需要核对。"
AT_ONCE = 100


async def check_tags(work: Work, account_id: UUID) -> list[Task]:
    """Make the holder's tasks of checking stale tags: five are open at most, the longest unchecked come first.

    Each is due at the end of the store's day. A tag is asked about once for each time that it goes stale.
    """
    account = await checks.lock_account(work.session, work.actor.brand_id, account_id)
    if account is None:
        return []
    room = MOST_OPEN - await checks.count_open(work.session, account, TaskKind.CHECK_TAG)
    if room <= 0:
        return []
    time_zone = await checks.time_zone_of(work.session, account)
    rows = await freshness.ask_to_check(work, account, room)
    return [await _ask(work, row, time_zone) for row in rows]


async def close_check(work: Work, source_key: str, *, is_checked: bool) -> Task | None:
    """Close the task of checking a tag that was checked, or isn't there to be checked; none if it is closed."""
    task = await queries.lock_by_source_key(work.session, work.actor.brand_id, source_key)
    if task is None:
        return None
    await _close(work, task, is_checked=is_checked)
    return task


async def close_checks_of_tag(work: Work, tag_id: UUID) -> bool:
    """Cancel some of the tasks of checking a tag that isn't used any more; says whether there are more."""
    tasks = await checks.lock_checks_of_tag(work.session, work.actor.brand_id, tag_id, AT_ONCE)
    for task in tasks:
        await _close(work, task, is_checked=False)
    return len(tasks) == AT_ONCE


def key_of(customer_id: UUID, tag_id: UUID, asked_at: float) -> str:
    """The key under which a task of checking a tag is made: once for each time that the holder is asked."""
    return f"check_tag:{customer_id.hex}:{tag_id.hex}:{int(asked_at)}"


async def _ask(work: Work, row: Any, time_zone: str) -> Task:
    now = clock.now()
    reason = REASON.format(group=row.group_name, tag=row.name, days=(now - row.checked_at).days)
    _, tomorrow = clock.day_bounds(clock.store_day(now, time_zone), time_zone)
    return await add(
        work,
        title=TITLE.format(tag=row.name),
        reason=reason + (LEAVE_ALONE if row.do_not_contact else ""),
        kind=TaskKind.CHECK_TAG,
        relationship_id=row.relationship_id,
        due_at=tomorrow - timedelta(seconds=1),
        priority=PRIORITY,
        source=TaskSource.RULE,
        source_key=key_of(row.customer_id, row.tag_id, now.timestamp()),
        tag_id=row.tag_id,
    )


async def _close(work: Work, task: Task, *, is_checked: bool) -> None:
    at = clock.now()
    if is_checked:
        task.complete(at, None, CHECKED)
        await tell(work, of(task, TaskCompleted))
    else:
        task.cancel(at, NOT_NEEDED)
        await tell(work, of(task, TaskCancelled))
