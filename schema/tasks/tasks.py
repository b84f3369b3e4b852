"""Single tasks in GraphQL."""

from datetime import datetime
from functools import partial
from typing import Annotated

import strawberry

from schema.context import Act, Info
from schema.fields import field, mutation
from schema.paging import Connection, connection, page_of
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import Cursor, given_id, read_id, sought_id
from schema.tasks.types import Task, task_of
from tasks import commands
from tasks.models import Outcome, SkipReason, TaskKind, TaskState
from tasks.queries import tasks as queries
from tasks.queries.tasks import TaskOrder


@strawberry.type(description="How many tasks there are in each state.")
class TaskCounts:
    pending: int
    done: int
    skipped: int
    expired: int
    cancelled: int


@strawberry.input(description="Which tasks: all that is given must hold.")
class TaskFilter:
    state: TaskState | None = None
    kind: TaskKind | None = None
    kinds: list[TaskKind] | None = strawberry.field(default=None, description="Of one of these kinds.")
    is_overdue: bool | None = strawberry.field(
        default=None, description="Open, and due before now. False: all others, those that aren't open included."
    )
    is_escalated: bool | None = strawberry.field(
        default=None, description="Came before the manager because it was overdue, whatever became of it since."
    )
    due_before: datetime | None = None
    account_id: strawberry.ID | None = strawberry.field(default=None, description="Kept by that account.")
    store_id: strawberry.ID | None = None
    customer_id: strawberry.ID | None = None


@strawberry.type(description="The task as it is after the change.")
class TaskChanged:
    task: Task | None = seen()
    places: list[Place] = told()


TaskResult = Annotated[TaskChanged | Problem, strawberry.union("TaskResult")]


@strawberry.input(description="Something for somebody to do.")
class NewTask:
    title: str = strawberry.field(description="What to do, in 1 to 100 characters.")
    due_at: datetime = strawberry.field(description="Not in the past, and at most five years ahead.")
    kind: TaskKind = strawberry.field(default=TaskKind.TODO, description="Any other than a to-do needs a customer.")
    customer_id: strawberry.ID | None = strawberry.field(
        default=None, description="Whom it is about: whoever holds the relationship keeps the task."
    )
    account_id: strawberry.ID | None = strawberry.field(
        default=None, description="Who is to keep a task about nobody in particular; by default the viewer."
    )
    reason: str | None = strawberry.field(default=None, description="Why, in at most 300 characters.")
    suggested_words: str | None = strawberry.field(
        default=None, description="What could be said to the customer, in at most 500 characters."
    )
    priority: int = strawberry.field(
        default=50, description="From 0 (whenever) to 100 (now: a phone may be heard of it in quiet hours, too)."
    )
    expires_at: datetime | None = strawberry.field(
        default=None, description="When it ends by itself, later than it is due; null: never."
    )


@strawberry.type
class SingleTaskQueries:
    @field("Tasks in sight; at most 100 a page.")
    async def tasks(
        self,
        info: Info,
        filter: TaskFilter | None = None,
        order_by: TaskOrder = TaskOrder.DUE,
        first: int = 20,
        after: Cursor | None = None,
    ) -> Connection[Task]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await queries.page(session, info.context.actor, page, wanted(filter), order_by)
        return connection(Task, rows, page, partial(queries.place, order_by))

    @field("How many tasks in sight there are in each state.")
    async def task_counts(self, info: Info, filter: TaskFilter | None = None) -> TaskCounts:
        async with info.context.read() as session:
            found = await queries.counts(session, info.context.actor, wanted(filter))
        return TaskCounts(
            pending=found.get(TaskState.PENDING, 0),
            done=found.get(TaskState.DONE, 0),
            skipped=found.get(TaskState.SKIPPED, 0),
            expired=found.get(TaskState.EXPIRED, 0),
            cancelled=found.get(TaskState.CANCELLED, 0),
        )

    @field("One task; null if there is none in sight.")
    async def task(self, info: Info, id: strawberry.ID) -> Task | None:
        return await task_of(info, sought_id(id))


@strawberry.type
class SingleTaskMutations:
    @mutation(
        "Close a task as carried out, and say what came of it: `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, "
        "`TASK_CLOSED`, `INVALID`.",
        edited=(Task, task_of),
    )
    async def complete_task(
        self,
        info: Info,
        id: strawberry.ID,
        outcome: Outcome | None = None,
        remark: str | None = None,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> TaskResult:
        return await _changed(
            info,
            idempotency_key,
            lambda work: commands.complete(
                work, read_id(id), outcome=outcome, remark=remark, expected_version=expected_version
            ),
        )

    @mutation(
        "Close a task as not carried out, and say why; `OTHER` needs a remark: `NOT_FOUND`, `FORBIDDEN`, "
        "`STALE_VERSION`, `TASK_CLOSED`, `INVALID`.",
        edited=(Task, task_of),
    )
    async def skip_task(
        self,
        info: Info,
        id: strawberry.ID,
        reason: SkipReason,
        remark: str | None = None,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> TaskResult:
        return await _changed(
            info,
            idempotency_key,
            lambda work: commands.skip(
                work, read_id(id), reason=reason, remark=remark, expected_version=expected_version
            ),
        )

    @mutation(
        "Give a task about nobody in particular to another account of its store; one about a customer goes with the "
        "relationship: `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `TASK_CLOSED`, `TASK_FOLLOWS_CUSTOMER`, "
        "`OTHER_STORE`, `HOLDER_UNFIT`, `STORE_CLOSED`.",
        edited=(Task, task_of),
    )
    async def reassign_task(
        self,
        info: Info,
        id: strawberry.ID,
        to_account_id: strawberry.ID,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> TaskResult:
        return await _changed(
            info,
            idempotency_key,
            lambda work: commands.reassign(
                work, read_id(id), to_account_id=read_id(to_account_id), expected_version=expected_version
            ),
        )

    @mutation(
        "Put a task out of sight until a later time; it is due then if it was due before, and escalates and expires as "
        "much later as it is due: `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `TASK_CLOSED`, `SNOOZE_IN_THE_PAST`, "
        "`CONTACT_TAKEN`, `INVALID`.",
        edited=(Task, task_of),
    )
    async def snooze_task(
        self,
        info: Info,
        id: strawberry.ID,
        until: datetime,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> TaskResult:
        return await _changed(
            info,
            idempotency_key,
            lambda work: commands.snooze(work, read_id(id), until=until, expected_version=expected_version),
        )

    @mutation(
        "Take a task back: whoever made it, a manager of its store, or whoever keeps it if a person made it: "
        "`NOT_FOUND`, `FORBIDDEN`, `SKIP_INSTEAD`, `STALE_VERSION`, `TASK_CLOSED`, `INVALID`.",
        edited=(Task, task_of),
    )
    async def cancel_task(
        self,
        info: Info,
        id: strawberry.ID,
        remark: str | None = None,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> TaskResult:
        return await _changed(
            info,
            idempotency_key,
            lambda work: commands.cancel(work, read_id(id), remark=remark, expected_version=expected_version),
        )

    @mutation(
        "Give somebody something to do: `NOT_FOUND`, `FORBIDDEN`, `INVALID`, `DUE_IN_THE_PAST`, `HOLDER_UNFIT`, "
        "`STORE_CLOSED`."
    )
    async def create_task(self, info: Info, input: NewTask, idempotency_key: str | None = None) -> TaskResult:
        return await _changed(
            info,
            idempotency_key,
            lambda work: commands.add(
                work,
                title=input.title,
                due_at=input.due_at,
                kind=input.kind,
                customer_id=given_id(input.customer_id),
                account_id=given_id(input.account_id),
                reason=input.reason,
                suggested_words=input.suggested_words,
                priority=input.priority,
                expires_at=input.expires_at,
            ),
        )


async def _changed(info: Info, key: str | None, act: Act) -> TaskChanged:
    done = await info.context.mutate(info, key, act)
    return TaskChanged(task=await task_of(info, done.id), places=done.places)


def _kinds(wanted: TaskFilter) -> frozenset[TaskKind] | None:
    if wanted.kind is None:
        return None if wanted.kinds is None else frozenset(wanted.kinds)
    return frozenset([wanted.kind]) & frozenset([wanted.kind] if wanted.kinds is None else wanted.kinds)


def wanted(filter: TaskFilter | None) -> queries.Filter:
    """What a list of tasks is narrowed down to."""
    if filter is None:
        return queries.Filter()
    return queries.Filter(
        state=filter.state,
        kinds=_kinds(filter),
        is_overdue=filter.is_overdue,
        is_escalated=filter.is_escalated,
        due_before=filter.due_before,
        account_id=sought_id(filter.account_id),
        store_id=sought_id(filter.store_id),
        customer_id=sought_id(filter.customer_id),
    )
