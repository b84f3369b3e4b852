"""The same for many tasks at once, in GraphQL."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import strawberry

from kernel.work import Work
from schema.context import Info
from schema.fields import mutation
from schema.payloads import told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import read_id
from schema.tasks.types import Task, task_of
from tasks import commands
from tasks.models import Outcome, SkipReason
from tasks.models import Task as TaskModel

_ALL_OR_NONE = "1 to 100 tasks, all or none: where one is refused, `index` says which."


@strawberry.type(description="Tasks as they are after the change; those out of the viewer's sight by now are left out.")
class TasksChanged:
    tasks: list[Task]
    places: list[Place] = told()


TasksResult = Annotated[TasksChanged | Problem, strawberry.union("TasksResult")]


@strawberry.type
class ManyTaskMutations:
    @mutation(f"`completeTask` for {_ALL_OR_NONE} `NOT_FOUND`, `FORBIDDEN`, `TASK_CLOSED`, `INVALID`.")
    async def complete_tasks(
        self,
        info: Info,
        ids: list[strawberry.ID],
        outcome: Outcome | None = None,
        remark: str | None = None,
        idempotency_key: str | None = None,
    ) -> TasksResult:
        return await _changed(info, idempotency_key, ids, commands.complete_many, outcome=outcome, remark=remark)

    @mutation(f"`skipTask` for {_ALL_OR_NONE} `NOT_FOUND`, `FORBIDDEN`, `TASK_CLOSED`, `INVALID`.")
    async def skip_tasks(
        self,
        info: Info,
        ids: list[strawberry.ID],
        reason: SkipReason,
        remark: str | None = None,
        idempotency_key: str | None = None,
    ) -> TasksResult:
        return await _changed(info, idempotency_key, ids, commands.skip_many, reason=reason, remark=remark)

    @mutation(
        f"`snoozeTask` for {_ALL_OR_NONE} `NOT_FOUND`, `FORBIDDEN`, `TASK_CLOSED`, `SNOOZE_IN_THE_PAST`, "
        "`CONTACT_TAKEN`, `INVALID`."
    )
    async def snooze_tasks(
        self, info: Info, ids: list[strawberry.ID], until: datetime, idempotency_key: str | None = None
    ) -> TasksResult:
        return await _changed(info, idempotency_key, ids, commands.snooze_many, until=until)

    @mutation(
        f"`reassignTask` for {_ALL_OR_NONE} `NOT_FOUND`, `FORBIDDEN`, `TASK_CLOSED`, `TASK_FOLLOWS_CUSTOMER`, "
        "`OTHER_STORE`, `HOLDER_UNFIT`, `STORE_CLOSED`, `INVALID`."
    )
    async def reassign_tasks(
        self,
        info: Info,
        ids: list[strawberry.ID],
        to_account_id: strawberry.ID,
        idempotency_key: str | None = None,
    ) -> TasksResult:
        to = read_id(to_account_id)
        return await _changed(info, idempotency_key, ids, commands.reassign_many, to_account_id=to)

    @mutation(f"`cancelTask` for {_ALL_OR_NONE} `NOT_FOUND`, `FORBIDDEN`, `SKIP_INSTEAD`, `TASK_CLOSED`, `INVALID`.")
    async def cancel_tasks(
        self,
        info: Info,
        ids: list[strawberry.ID],
        remark: str | None = None,
        idempotency_key: str | None = None,
    ) -> TasksResult:
        return await _changed(info, idempotency_key, ids, commands.cancel_many, remark=remark)

    @mutation(
        "Say that the viewer has opened these 1 to 100 tasks, which they keep. Answers with those for which that is "
        "news; what is closed, or was opened before, is no matter: `NOT_FOUND`, `FORBIDDEN`, `INVALID`."
    )
    async def mark_tasks_seen(
        self, info: Info, ids: list[strawberry.ID], idempotency_key: str | None = None
    ) -> TasksResult:
        return await _changed(info, idempotency_key, ids, commands.mark_seen)


async def _changed(
    info: Info,
    key: str | None,
    ids: list[strawberry.ID],
    command: Callable[..., Awaitable[Sequence[TaskModel]]],
    **arguments: Any,
) -> TasksChanged:
    done = await info.context.mutate_many(info, key, partial(_act, ids, command, arguments))
    found = await asyncio.gather(*(task_of(info, task_id) for task_id in done.ids))
    return TasksChanged(tasks=[task for task in found if task is not None], places=done.places)


async def _act(
    ids: list[strawberry.ID],
    command: Callable[..., Awaitable[Sequence[TaskModel]]],
    arguments: dict[str, Any],
    work: Work,
) -> list[UUID]:
    return [task.id for task in await command(work, [read_id(each) for each in ids], **arguments)]
