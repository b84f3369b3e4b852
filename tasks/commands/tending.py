"""Let tasks expire, and bring overdue ones before the manager: one job per store, some hundreds at a time."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col

from kernel import clock, jobs
from kernel.work import Work
from tasks.commands.changing import Happened
from tasks.commands.telling import tell
from tasks.events import TaskEscalated, TaskExpired
from tasks.models import Task, TaskState
from tasks.queries import due
from tasks.queries.due import DueRow

TEND_STORE = "tasks.tend_store"
AT_ONCE = 200
MOST_STORES = 200


async def ask_to_tend(work: Work) -> int:
    """Ask for the job of each store where something is to expire or escalate, unless it is asked for already.

    At most 200 stores at once; returns how many were asked for.
    """
    brand_id = work.actor.brand_id
    waiting = {UUID(args["store_id"]) for args in await jobs.waiting(work.session, brand_id, TEND_STORE)}
    found = await due.stores(work.session, brand_id, clock.now(), MOST_STORES + len(waiting))
    asked = [store_id for store_id in found if store_id not in waiting]
    for store_id in asked:
        work.later(TEND_STORE, store_id=str(store_id))
    return len(asked)


async def tend_store(work: Work, store_id: UUID) -> bool:
    """End what has expired, bring what is overdue before the manager; says whether there is more of either.

    Twice is once: what is closed or has escalated isn't found again. What has expired doesn't escalate first.
    """
    brand_id, at = work.actor.brand_id, clock.now()
    expired = await due.lock_expired(work.session, brand_id, store_id, at, AT_ONCE)
    await _change(work, expired, TaskExpired, state=TaskState.EXPIRED, closed_at=at)
    if len(expired) == AT_ONCE:
        return True
    overdue = await due.lock_overdue(work.session, brand_id, store_id, at, AT_ONCE)
    await _change(work, overdue, TaskEscalated, escalated_at=at)
    return len(overdue) == AT_ONCE


async def _change(work: Work, rows: Sequence[DueRow], happened: Happened, **values: Any) -> None:
    """The same change of all: they are open, and locked."""
    if not rows:
        return
    await work.session.execute(
        update(Task)
        .where(col(Task.brand_id) == work.actor.brand_id, col(Task.id).in_([row.id for row in rows]))
        .values(version=Task.version + 1, **values)
        .execution_options(synchronize_session=False)
    )
    await tell(work, *(happened(row.id, row.account_id, row.version + 1) for row in rows))
