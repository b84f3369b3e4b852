"""Give somebody something to do."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from customers.commands.register import require_served
from customers.queries import relationships
from directory.queries import accounts
from kernel import clock, ids
from kernel.actor import Role, system
from kernel.errors import Invalid, require_text
from kernel.work import Work
from tasks.commands.changing import of, require_within_reach
from tasks.commands.telling import tell
from tasks.errors import DueInThePast
from tasks.events import TaskAdded
from tasks.models import Task, TaskKind, TaskSource
from tasks.policy import require_may_add, require_may_give
from tasks.queries import hours
from tasks.queries import tasks as queries

LONGEST_TITLE = 100
GRACE = timedelta(minutes=15)  # a phone's clock may be slow, and its network


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
    expires_at: datetime | None = None,
) -> Task:
    """Give somebody something to do.

    A task about a customer, or one relationship of theirs, is kept by whoever holds the relationship.
    One about nobody in particular is kept by `account_id`, or by the actor's own account. `priority`
    runs from 0 to 100. `tag_id` is the tag to check. Under a known `source_key` nothing happens: the task made
    then is returned. It escalates as long after it is due as the store's setting says, and ends by itself at
    `expires_at` only.
    Raises `NOT_FOUND`, `FORBIDDEN`, `INVALID`, `DUE_IN_THE_PAST` for what a person asks for, and `HOLDER_UNFIT`,
    `STORE_CLOSED` for an account that nobody acts for.
    """
    require_may_add(work.actor)
    if not 0 <= priority <= 100:
        raise Invalid(field="priority", reason="from 0 to 100.", reason_zh="应在 0 到 100 之间。")
    if source is TaskSource.PERSON:
        _require_in_time(due_at, expires_at)
    about = await _subject(work, kind, customer_id, relationship_id, account_id)
    if source_key is not None:
        # The relationship is locked by now, so that two who make the same task find each other here.
        made = await queries.by_source_key(work.session, work.actor.brand_id, source_key)
        if made is not None:
            return made
    there = await hours.of_store(work.session, work.actor.brand_id, about.store_id)
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
        alert_at=there.heard_from(clock.now(), priority),
        escalates_at=there.escalates_at(due_at),
        expires_at=expires_at,
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
    await tell(work, of(task, TaskAdded))
    return task


def _require_in_time(due_at: datetime, expires_at: datetime | None) -> None:
    if due_at < clock.now() - GRACE:
        raise DueInThePast
    require_within_reach("dueAt", due_at)
    if expires_at is None:
        return
    require_within_reach("expiresAt", expires_at)
    if expires_at <= due_at:
        raise Invalid(field="expiresAt", reason="later than dueAt.", reason_zh="应晚于截止时间。")


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
        await require_served(work, account)
        return _Subject(account.store_id, account.id)
    own = await accounts.own(work.session, work.actor)
    if own is None:
        raise Invalid(field="accountId", reason="say who is to do it.", reason_zh="请指定由谁来做。")
    return _Subject(own.store_id, own.id)
