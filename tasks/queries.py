"""Reads of tasks."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel import clock
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.pages import Key, Page, paged
from tasks.models import Task, TaskState
from tasks.policy import visible_to

TaskRow = Row[*tuple[Any, ...]]


async def lock(session: AsyncSession, actor: Actor, task_id: UUID) -> Task:
    """The task, kept from other writers until the commit. `NOT_FOUND` if it isn't in sight."""
    task = await session.scalar(select(Task).where(col(Task.id) == task_id, visible_to(actor)).with_for_update())
    if task is None:
        raise NotFound
    return task


async def by_ids(session: AsyncSession, actor: Actor, task_ids: Sequence[UUID]) -> dict[UUID, TaskRow]:
    """Those of the tasks that are in sight."""
    found = await session.execute(_rows(actor).where(col(Task.id).in_(task_ids)))
    return {row.id: row for row in found}


async def most_pressing(session: AsyncSession, actor: Actor, first: int) -> Sequence[TaskRow]:
    """Open tasks that the actor keeps and that are not asleep: highest priority first, then soonest due."""
    found = await session.execute(
        _rows(actor)
        .where(col(Task.account_id).in_(actor.account_ids), col(Task.state) == TaskState.PENDING, _awake())
        .order_by(col(Task.priority).desc(), col(Task.due_at), col(Task.id))
        .limit(first)
    )
    return found.all()


async def page(
    session: AsyncSession, actor: Actor, page: Page, state: TaskState | None = None, customer_id: UUID | None = None
) -> Sequence[TaskRow]:
    """Tasks in sight, soonest due first."""
    rows = _rows(actor)
    if state is not None:
        rows = rows.where(col(Task.state) == state)
    if customer_id is not None:
        rows = rows.where(col(Task.customer_id) == customer_id)
    found = await session.execute(paged(rows, page, Key(col(Task.due_at)), Key(col(Task.id))))
    return found.all()


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    return select(*Task.__table__.columns).where(visible_to(actor))  # type: ignore[attr-defined]  # set by SQLModel


def _awake() -> Any:
    return or_(col(Task.snoozed_until).is_(None), col(Task.snoozed_until) <= clock.now())
