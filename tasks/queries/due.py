"""Reads of what has expired or is overdue."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, bindparam, select, union
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel.db import enum_of
from tasks.models import Task, TaskState

DueRow = Row[UUID, UUID, int]
"""A task's id, the account that keeps it, and its version."""


async def stores(session: AsyncSession, brand_id: UUID, now: datetime, most: int) -> Sequence[UUID]:
    """Stores with open tasks that are to expire or escalate by now, by id; where there are none, indexes say so."""
    waiting = [
        select(col(Task.store_id)).where(col(Task.brand_id) == brand_id, condition)
        for condition in (_expired(now), _overdue(now))
    ]
    both = union(*waiting).subquery()
    return (await session.scalars(select(both.c.store_id).order_by(both.c.store_id).limit(most))).all()


async def lock_expired(
    session: AsyncSession, brand_id: UUID, store_id: UUID, now: datetime, most: int
) -> Sequence[DueRow]:
    """Open tasks of the store whose time has run out, locked in the order of their keys."""
    return await _lock(session, brand_id, store_id, _expired(now), most)


async def lock_overdue(
    session: AsyncSession, brand_id: UUID, store_id: UUID, now: datetime, most: int
) -> Sequence[DueRow]:
    """Open tasks of the store that concern the manager by now and have not come before them, locked in the same way."""
    return await _lock(session, brand_id, store_id, _overdue(now), most)


async def _lock(
    session: AsyncSession, brand_id: UUID, store_id: UUID, condition: ColumnElement[bool], most: int
) -> Sequence[DueRow]:
    found = await session.execute(
        select(col(Task.id), col(Task.account_id), col(Task.version))
        .where(col(Task.brand_id) == brand_id, col(Task.store_id) == store_id, condition)
        .order_by(col(Task.id))
        .limit(most)
        .with_for_update(key_share=True)
    )
    return found.all()


# Written out, as in the conditions of the partial indexes: a parameter would keep the database from using them.
_PENDING = col(Task.state) == bindparam("pending", TaskState.PENDING, enum_of(TaskState), literal_execute=True)


def _expired(now: datetime) -> ColumnElement[bool]:
    return and_(_PENDING, col(Task.expires_at) <= now)


def _overdue(now: datetime) -> ColumnElement[bool]:
    return and_(_PENDING, col(Task.escalated_at).is_(None), col(Task.escalates_at) <= now)
