"""Give open tasks to whoever now holds the relationship they are about."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col

from kernel.work import Work
from tasks.commands.telling import tell
from tasks.events import TaskMoved
from tasks.models import Task
from tasks.queries import tasks as queries


async def move_open(work: Work, relationship_ids: Sequence[UUID], to_account_id: UUID) -> int:
    """Let an account of the same store keep the open tasks about these relationships; returns how many moved.

    Part of moving the relationships, which the caller has locked and may move.
    """
    brand_id = work.actor.brand_id
    rows = await queries.lock_open(work.session, brand_id, relationship_ids)
    moving = [row for row in rows if row.account_id != to_account_id]
    if not moving:
        return 0
    await work.session.execute(
        update(Task)
        .where(col(Task.brand_id) == brand_id, col(Task.id).in_([row.id for row in moving]))
        .values(account_id=to_account_id, version=Task.version + 1)
        .execution_options(synchronize_session=False)
    )
    moved = [
        TaskMoved(task_id=row.id, from_account_id=row.account_id, to_account_id=to_account_id, version=row.version + 1)
        for row in moving
    ]
    await tell(work, *moved)
    return len(moved)
