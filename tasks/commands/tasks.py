"""Make, close and put off tasks."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from customers.commands.register import require_fit
from customers.queries import relationships
from directory.queries import accounts
from kernel import clock, ids
from kernel.actor import Role, system
from kernel.errors import Invalid, require_text, require_version
from kernel.work import Work
from tasks.commands.telling import tell
from tasks.events import TaskAdded, TaskCancelled, TaskCompleted, TaskSnoozed
from tasks.models import Outcome, Task, TaskKind, TaskSource
from tasks.policy import require_keeper, require_may_add, require_may_give
from tasks.queries import tasks as queries

LONGEST_TITLE = 100
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

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `TASK_CLOSED`.
    """
    task = await queries.lock(work.session, work.actor, task_id)
    require_keeper(work.actor, task)
    require_version(task, expected_version)
    words = require_text("remark", remark, longest=LONGEST_REMARK) if remark is not None else None
    task.complete(clock.now(), outcome, words)
    await tell(work, TaskCompleted(task_id=task.id, account_id=task.account_id, version=task.version))
    return task


async def snooze(work: Work, task_id: UUID, *, until: datetime, expected_version: int | None = None) -> Task:
    """Put a task out of sight until a later time.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `TASK_CLOSED`, `SNOOZE_IN_THE_PAST`.
    """
    task = await queries.lock(work.session, work.actor, task_id)
    require_keeper(work.actor, task)
    require_version(task, expected_version)
    task.snooze(clock.now(), until)
    await tell(work, TaskSnoozed(task_id=task.id, account_id=task.account_id, version=task.version, until=until))
    return task


async def cancel(work: Work, task_id: UUID, *, remark: str | None = None, expected_version: int | None = None) -> Task:
    """Close a task as not to be carried out any more.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `TASK_CLOSED`.
    """
    task = await queries.lock(work.session, work.actor, task_id)
    require_keeper(work.actor, task)
    require_version(task, expected_version)
    words = require_text("remark", remark, longest=LONGEST_REMARK) if remark is not None else None
    task.cancel(clock.now(), words)
    await tell(work, TaskCancelled(task_id=task.id, account_id=task.account_id, version=task.version))
    return task


async def add(
    work: Work,
    *,
    title: str,
    due_at: datetime,
    kind: TaskKind = TaskKind.TODO,
    customer_id: UUID | None = None,
    relationship_id: UUID | None = None,
    account_id: UUID | None = None,
    reason: str | None = None,
    suggested_words: str | None = None,
    priority: int = 50,
    source: TaskSource = TaskSource.PERSON,
    source_key: str | None = None,
    tag_id: UUID | None = None,
) -> Task:
    """Give somebody something to do.

    A task about a customer, or one relationship of theirs, is kept by whoever holds the relationship.
    One about nobody in particular is kept by `account_id`, or by the actor's own account. `priority`
    runs from 0 to 100. `tag_id` is the tag to check. Under a known `source_key` nothing happens: the task made
    then is returned.
    Raises `NOT_FOUND`, `FORBIDDEN`, `INVALID`, and `HOLDER_UNFIT`, `STORE_CLOSED` for an account that nobody acts for.
    """
    require_may_add(work.actor)
    if not 0 <= priority <= 100:
        raise Invalid(field="priority", reason="from 0 to 100.", reason_zh="应在 0 到 100 之间。")
    about = await _subject(work, kind, customer_id, relationship_id, account_id)
    if source_key is not None:
        # The relationship is locked by now, so that two who make the same task find each other here.
        made = await queries.by_source_key(work.session, work.actor.brand_id, source_key)
        if made is not None:
            return made
    task = Task(
        brand_id=work.actor.brand_id,
        id=ids.new(),
        title=require_text("title", title, longest=LONGEST_TITLE),
        reason=require_text("reason", reason, longest=300) if reason is not None else None,
        suggested_words=(
            require_text("suggestedWords", suggested_words, longest=500) if suggested_words is not None else None
        ),
        kind=kind,
        priority=priority,
        due_at=due_at,
        source=source,
        source_key=source_key,
        created_by_id=work.actor.staff_id,
        created_at=clock.now(),
        store_id=about.store_id,
        account_id=about.account_id,
        relationship_id=about.relationship_id,
        customer_id=about.customer_id,
        tag_id=tag_id,
    )
    work.session.add(task)
    await tell(work, TaskAdded(task_id=task.id, account_id=task.account_id, version=task.version))
    return task


@dataclass(frozen=True, slots=True)
class _Subject:
    """Whom a task is about, and which account keeps it."""

    store_id: UUID
    account_id: UUID
    relationship_id: UUID | None = None
    customer_id: UUID | None = None


async def _subject(
    work: Work, kind: TaskKind, customer_id: UUID | None, relationship_id: UUID | None, account_id: UUID | None
) -> _Subject:
    # A machine that makes tasks names customers whom it may not otherwise read.
    namer = system(work.actor.brand_id) if work.actor.role is Role.SERVICE else work.actor
    # Locked, so that the relationship can't change hands between here and the commit.
    held = None
    if relationship_id is not None:
        held = await relationships.lock(work.session, namer, relationship_id)
    elif customer_id is not None:
        held = await relationships.lock_of_customer(work.session, namer, customer_id)
    if held is not None:
        return _Subject(held.store_id, held.holder_id, held.id, held.customer_id)
    if kind is not TaskKind.TODO:
        raise Invalid(field="customerId", reason="such a task needs a customer.", reason_zh="这类任务必须指定顾客。")
    if account_id is not None:
        account = await accounts.get(work.session, work.actor, account_id)
        require_may_give(work.actor, account.id)
        await require_fit(work, account)
        return _Subject(account.store_id, account.id)
    own = await accounts.own(work.session, work.actor)
    if own is None:
        raise Invalid(field="accountId", reason="say who is to do it.", reason_zh="请指定由谁来做。")
    return _Subject(own.store_id, own.id)
