"""Single tasks in GraphQL."""

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from schema.context import Act, Info
from schema.customers import Customer, Relationship, customer_of, relationship_of
from schema.directory import Account, Staff, Store, account_of, staff_of, store_of
from schema.fields import OUT_OF_SIGHT, field, mutation
from schema.paging import Connection, connection, page_of
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import Cursor, given_id, read_id, shown_as, sought_id
from schema.versioned import Versioned
from tagging.queries import library
from tasks import commands
from tasks.models import Outcome, TaskKind, TaskSource, TaskState
from tasks.queries import tasks as queries
from tasks.queries.tasks import TaskOrder

if TYPE_CHECKING:
    from schema.tagging import Tag

# A type of a module beside this one, which is imported by what is further down.
_TAG = Annotated["Tag", strawberry.lazy("schema.tagging")]

strawberry.enum(TaskKind, description="What a task is about.")
strawberry.enum(TaskState, description="`PENDING` until it is done or cancelled.")
strawberry.enum(TaskSource, description="Who or what made the task.")
strawberry.enum(Outcome, description="What came of contacting the customer.")
strawberry.enum(TaskOrder, description="Soonest due first; highest priority first, then soonest due; or newest first.")


@strawberry.type(description="Something for somebody to do (待办 / 回访).")
class Task(Versioned):
    kind: TaskKind
    title: str = strawberry.field(description="What to do, in 1 to 100 characters.")
    reason: str | None = strawberry.field(description="Why, in words that the keeper understands.")
    suggested_words: str | None = strawberry.field(description="What could be said to the customer.")
    priority: int = strawberry.field(description="From 0 (whenever) to 100 (now).")
    due_at: datetime = strawberry.field(description="When it is due, in UTC.")
    snoozed_until: datetime | None = strawberry.field(description="Until when it is out of sight, in UTC.")
    state: TaskState
    source: TaskSource
    outcome: Outcome | None
    outcome_remark: str | None
    created_at: datetime = strawberry.field(description="In UTC.")
    closed_at: datetime | None = strawberry.field(description="When it was done or cancelled, in UTC.")
    store_id: strawberry.Private[UUID]
    customer_id: strawberry.Private[UUID | None]
    tag_id: strawberry.Private[UUID | None]
    relationship_id: strawberry.Private[UUID | None]
    account_id: strawberry.Private[UUID]
    created_by_id: strawberry.Private[UUID | None]

    @field("The customer it is about; null if it is about nobody in particular.")
    async def customer(self, info: Info) -> Customer | None:
        return await customer_of(info, self.customer_id)

    @field(
        "The tag to check, where that is what there is to do: `confirmTags`, or another answer, closes the task.",
        graphql_type=_TAG | None,
    )
    async def tag(self, info: Info) -> Any:
        return await info.context.load(library.by_ids, self.tag_id) if self.tag_id else None

    @field("The relationship it is about; null if it is about nobody in particular.")
    async def relationship(self, info: Info) -> Relationship | None:
        return await relationship_of(info, self.relationship_id)

    @field("The account that keeps it.")
    async def keeper(self, info: Info) -> Account | None:
        return await account_of(info, self.account_id)

    @field("The store it belongs to.")
    async def store(self, info: Info) -> Store | None:
        return await store_of(info, self.store_id)

    @field(f"Who made it, if it was a person; {OUT_OF_SIGHT}.")
    async def created_by(self, info: Info) -> Staff | None:
        return await staff_of(info, self.created_by_id)


@strawberry.type(description="How many tasks there are in each state.")
class TaskCounts:
    pending: int
    done: int
    cancelled: int


@strawberry.input(description="Which tasks: all that is given must hold.")
class TaskFilter:
    state: TaskState | None = None
    kind: TaskKind | None = None
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
    due_at: datetime
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
    priority: int = strawberry.field(default=50, description="From 0 (whenever) to 100 (now).")


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
            rows = await queries.page(session, info.context.actor, page, _wanted(filter), order_by)
        return connection(Task, rows, page, partial(queries.place, order_by))

    @field("How many tasks in sight there are in each state.")
    async def task_counts(self, info: Info, filter: TaskFilter | None = None) -> TaskCounts:
        async with info.context.read() as session:
            found = await queries.counts(session, info.context.actor, _wanted(filter))
        return TaskCounts(
            pending=found.get(TaskState.PENDING, 0),
            done=found.get(TaskState.DONE, 0),
            cancelled=found.get(TaskState.CANCELLED, 0),
        )

    @field("One task; null if there is none in sight.")
    async def task(self, info: Info, id: strawberry.ID) -> Task | None:
        return await task_of(info, sought_id(id))


async def task_of(info: Info, task_id: UUID | None) -> Task | None:
    """The task, if there is one in sight."""
    return shown_as(Task, await info.context.load(queries.by_ids, task_id)) if task_id else None


@strawberry.type
class SingleTaskMutations:
    @mutation(
        "Close a task as carried out: `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `TASK_CLOSED`.", edited=(Task, task_of)
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
        "Put a task out of sight until a later time: `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `TASK_CLOSED`, "
        "`SNOOZE_IN_THE_PAST`.",
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
        "Close a task as not to be carried out any more: `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `TASK_CLOSED`.",
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

    @mutation("Give somebody something to do: `NOT_FOUND`, `FORBIDDEN`, `INVALID`.")
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
            ),
        )


async def _changed(info: Info, key: str | None, act: Act) -> TaskChanged:
    done = await info.context.mutate(info, key, act)
    return TaskChanged(task=await task_of(info, done.id), places=done.places)


def _wanted(wanted: TaskFilter | None) -> queries.Filter:
    if wanted is None:
        return queries.Filter()
    return queries.Filter(
        state=wanted.state,
        kind=wanted.kind,
        due_before=wanted.due_before,
        account_id=sought_id(wanted.account_id),
        store_id=sought_id(wanted.store_id),
        customer_id=sought_id(wanted.customer_id),
    )
