"""Reads of what happened to tasks."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel.actor import Actor
from tasks.models import Task, TaskStep
from tasks.policy import visible_to

StepRow = Row[*tuple[Any, ...]]


async def of_tasks(
    session: AsyncSession, actor: Actor, task_ids: Sequence[UUID], most: int
) -> dict[UUID, list[StepRow]]:
    """What happened to each of these tasks in sight, the latest first, at most `most` lines of each."""
    place = func.row_number().over(partition_by=col(TaskStep.task_id), order_by=col(TaskStep.id).desc())
    numbered = (
        select(*TaskStep.__table__.columns, place.label("place"))  # type: ignore[attr-defined]  # set by SQLModel
        .join(Task, and_(col(Task.brand_id) == col(TaskStep.brand_id), col(Task.id) == col(TaskStep.task_id)))
        .where(visible_to(actor), col(TaskStep.brand_id) == actor.brand_id, col(TaskStep.task_id).in_(task_ids))
        .subquery()
    )
    found = await session.execute(select(numbered).where(numbered.c.place <= most).order_by(numbered.c.place))
    by_task: dict[UUID, list[StepRow]] = {task_id: [] for task_id in task_ids}
    for row in found:
        by_task[row.task_id].append(row)
    return by_task
