"""Tasks in GraphQL."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry

from kernel.errors import NotFound
from schema.context import Info
from schema.fields import field, mutation
from schema.paging import Connection, connection, page_of
from schema.problems import Problem
from schema.scalars import Cursor, read_id, shown_as
from tasks import commands, queries
from tasks.models import Outcome, TaskKind, TaskSource, TaskState

strawberry.enum(TaskKind, description="What a task is about.")
strawberry.enum(TaskState, description="`PENDING` until it is done or cancelled.")
strawberry.enum(TaskSource, description="Who or what made the task.")
strawberry.enum(Outcome, description="What came of contacting the customer.")


@strawberry.type(description="Something for somebody to do (待办 / 回访).")
class Task:
    id: strawberry.ID
    version: int = strawberry.field(description="Grows with each change; send it as `expectedVersion` when editing.")
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
    created_at: datetime
    closed_at: datetime | None = strawberry.field(description="When it was done or cancelled, in UTC.")
    customer_id: strawberry.Private[UUID | None]
    account_id: strawberry.Private[UUID]


@strawberry.type(description="The task as it is after the change.")
class TaskChanged:
    task: Task


TaskResult = Annotated[TaskChanged | Problem, strawberry.union("TaskResult")]


@strawberry.type
class TaskQueries:
    @field("Tasks in sight, soonest due first; at most 100 a page.")
    async def tasks(
        self, info: Info, first: int = 20, after: Cursor | None = None, state: TaskState | None = None
    ) -> Connection[Task]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await queries.page(session, info.context.actor, page, queries.Filter(state=state))
        return connection(Task, rows, page, lambda row: (row.due_at, row.id))

    @field("One task; null if there is none in sight.")
    async def task(self, info: Info, id: strawberry.ID) -> Task | None:
        return shown_as(Task, await info.context.load(queries.by_ids, _id_or_none(id)))


@strawberry.type
class TaskMutations:
    @mutation("Close a task as carried out: `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `TASK_CLOSED`.")
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
            await info.context.mutate(
                info,
                idempotency_key,
                lambda work: commands.complete(
                    work, read_id(id), outcome=outcome, remark=remark, expected_version=expected_version
                ),
            ),
        )


async def _changed(info: Info, task_id: UUID) -> TaskChanged:
    row: Any = await info.context.load(queries.by_ids, task_id)
    if row is None:
        raise NotFound
    return TaskChanged(task=shown_as(Task, row))


def _id_or_none(value: strawberry.ID) -> UUID | None:
    try:
        return read_id(value)
    except NotFound:
        return None
