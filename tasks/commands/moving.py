"""Give open tasks to somebody else: with the relationship they are about, or by a manager's word."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import case, literal, update
from sqlmodel import col

from customers.commands.register import require_fit
from customers.errors import OtherStore
from directory.queries import accounts
from kernel import bulk, clock
from kernel.db import UtcDateTime
from kernel.work import Work
from tasks.commands.changing import naming, take
from tasks.commands.telling import tell
from tasks.errors import TaskFollowsCustomer
from tasks.events import TaskMoved
from tasks.models import Task
from tasks.models.hours import EMERGENCY
from tasks.policy import require_may_reassign
from tasks.queries import hours
from tasks.queries import tasks as queries
from tasks.queries.hours import StoreHours
from tasks.queries.tasks import TaskRow


async def move_open(work: Work, relationship_ids: Sequence[UUID], to_account_id: UUID) -> int:
    """Let an account of the same store keep the open tasks about these relationships; returns how many moved.

    Part of moving the relationships, which the caller has locked and may move.
    """
    return await move_open_many(work, dict.fromkeys(relationship_ids, to_account_id))


async def move_open_many(work: Work, keepers: Mapping[UUID, UUID]) -> int:
    """The same for relationships that go to different accounts: `keepers` are accounts by relationship."""
    rows = await queries.lock_open(work.session, work.actor.brand_id, list(keepers))
    return await _give(work, [(row, keepers[row.relationship_id]) for row in rows])


async def move_rest(work: Work, account_ids: Sequence[UUID], most: int) -> int:
    """Let the managers' desk keep what these accounts keep and what is about no relationship that moves.

    That is each store's public account. At most so many at a time; returns how many moved. For whoever leaves.
    """
    rows = await queries.lock_open_of(work.session, work.actor.brand_id, account_ids, most)
    desks = await accounts.public_of(work.session, work.actor.brand_id, {row.store_id for row in rows})
    return await _give(work, [(row, desks[row.store_id]) for row in rows])


async def give_back_rest(work: Work, account_ids: Sequence[UUID], since: datetime, most: int) -> int:
    """Undo `move_rest`: what it took from these accounts since then, is open and was not touched after, goes back.

    At most so many at a time; returns how many went.
    """
    rows = await queries.lock_taken_from(work.session, work.actor.brand_id, account_ids, since, most)
    return await _give(work, [(row, row.from_account_id) for row in rows])


async def _give(work: Work, keepers: Sequence[tuple[TaskRow, UUID]]) -> int:
    """Let these tasks, which are locked, be kept by those accounts."""
    moving = [(row, account_id) for row, account_id in keepers if row.account_id != account_id]
    if not moving:
        return 0
    brand_id = work.actor.brand_id
    there = await hours.of_stores(work.session, brand_id, {row.store_id for row, _ in moving})
    for store_id, store in there.items():
        to = bulk.paired(work.session, {row.id: account_id for row, account_id in moving if row.store_id == store_id})
        await work.session.execute(
            update(Task)
            .where(col(Task.brand_id) == brand_id, col(Task.id) == to.c.key)
            .values(account_id=to.c.value, seen_at=None, alert_at=_heard(store), version=Task.version + 1)
            .execution_options(synchronize_session=False)
        )
    await tell(work, *(TaskMoved(row.id, row.account_id, account_id, row.version + 1) for row, account_id in moving))
    return len(moving)


def _heard(there: StoreHours) -> Any:
    """When whoever keeps a task from now on may be told of it: not before they would have been anyway."""
    at = clock.now()
    usual, urgent = (
        literal(there.heard_from(at, priority), type_=UtcDateTime()) for priority in (EMERGENCY - 1, EMERGENCY)
    )
    earliest = case((col(Task.priority) >= EMERGENCY, urgent), else_=usual)
    return case((col(Task.alert_at) > earliest, col(Task.alert_at)), else_=earliest)


async def reassign(work: Work, task_id: UUID, *, to_account_id: UUID, expected_version: int | None = None) -> Task:
    """Give a task about nobody in particular to another account of its store; to its keeper changes nothing.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `TASK_CLOSED`, `TASK_FOLLOWS_CUSTOMER`, `OTHER_STORE`,
    `HOLDER_UNFIT`, `STORE_CLOSED`.
    """
    [task] = await reassign_many(work, [task_id], to_account_id=to_account_id, expected_version=expected_version)
    return task


async def reassign_many(
    work: Work, task_ids: Sequence[UUID], *, to_account_id: UUID, expected_version: int | None = None
) -> list[Task]:
    """Give 1 to 100 tasks of one store to another account, all or none; raises as `reassign` does."""
    tasks = await take(work, task_ids, may=require_may_reassign, expected_version=expected_version)
    account = await accounts.get(work.session, work.actor, to_account_id)
    for task in tasks:
        with naming(task_ids, task.id):
            task.require_pending()
            if task.relationship_id is not None:
                raise TaskFollowsCustomer
            if task.store_id != account.store_id:
                raise OtherStore
    await require_fit(work, account)
    there = await hours.of_store(work.session, work.actor.brand_id, account.store_id)
    at, moved = clock.now(), []
    for task in tasks:
        if task.account_id != to_account_id:
            former, heard = task.account_id, there.heard_from(at, task.priority)
            task.move(to_account_id, max(heard, task.alert_at or heard))
            moved.append(TaskMoved(task.id, former, to_account_id, task.version))
    await tell(work, *moved)
    return tasks
