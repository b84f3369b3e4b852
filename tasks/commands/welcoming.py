"""Take back the tasks to welcome customers who have gone back to whoever served them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col

from kernel import clock
from kernel.work import Work
from tasks.commands.telling import tell
from tasks.events import TaskCancelled
from tasks.models import Task, TaskKind, TaskState
from tasks.queries import tasks as queries


async def cancel_welcomes(work: Work, relationship_ids: Sequence[UUID]) -> int:
    """Close the open welcome tasks about these relationships, which the caller has locked; returns how many."""
    rows = await queries.lock_open(work.session, work.actor.brand_id, relationship_ids)
    moot = [row for row in rows if row.kind is TaskKind.WELCOME]
    if not moot:
        return 0
    await work.session.execute(
        update(Task)
        .where(col(Task.brand_id) == work.actor.brand_id, col(Task.id).in_([row.id for row in moot]))
        .values(state=TaskState.CANCELLED, closed_at=clock.now(), version=Task.version + 1)
        .execution_options(synchronize_session=False)
    )
    await tell(work, *(TaskCancelled(row.id, row.account_id, row.version + 1) for row in moot))
    return len(moot)
