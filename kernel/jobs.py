"""Work for later: a row first, so that nothing is lost; arq only says when to look.

A worker takes a job by writing its own token and a deadline into the row. A worker that dies lets
the deadline pass, and another takes the job; so every job may run twice and must not mind.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Index, and_, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from kernel import clock, ids
from kernel.db import Json, UtcDateTime

LEASE = timedelta(seconds=60)
MOST_ATTEMPTS = 8


class JobState(StrEnum):
    """`waiting` until it is done, or given up on after too many attempts."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


class Job(SQLModel, table=True):
    """One piece of work. `args` hold ids and plain values, never personal data."""

    __tablename__ = "job"
    __table_args__ = (Index("ix_job_state_run_at", "state", "run_at"),)

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    name: str = Field(max_length=64)
    args: dict[str, Any] = Field(sa_type=Json)
    run_at: datetime = Field(sa_type=UtcDateTime)
    state: str = Field(default=JobState.WAITING, max_length=16)
    attempts: int = 0
    lease_token: UUID | None = None
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_error: str | None = Field(default=None, max_length=200)
    done_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


@dataclass(frozen=True, slots=True)
class Request:
    """A job somebody wants done, at once or after `delay`."""

    name: str
    args: dict[str, Any]
    delay: timedelta = field(default=timedelta())


Handler = Callable[..., Awaitable[None]]
"""Carries a job out: `async def(work, **args)` in an open unit of work."""

Preparation = Callable[..., Awaitable[Any]]
"""Reads what a job needs before its unit of work opens: `async def(session, brand_id, **args)`. The handler gets the
answer as `prepared`, and has to mind that the world has gone on since."""


async def enqueue(session: AsyncSession, brand_id: UUID, requests: Sequence[Request]) -> list[UUID]:
    """Write the rows and return the ids of those that are due at once."""
    at = clock.now()
    named = [(ids.new(), request) for request in requests]
    rows = [
        {
            "brand_id": brand_id,
            "id": job_id,
            "name": request.name,
            "args": request.args,
            "run_at": at + request.delay,
            "state": JobState.WAITING.value,
            "attempts": 0,
        }
        for job_id, request in named
    ]
    if rows:
        await session.execute(insert(Job), rows)
    return [job_id for job_id, request in named if not request.delay]


async def take(session: AsyncSession, job_id: UUID) -> Job | None:
    """Lease a due job that nobody works on; `None` if there is nothing to do."""
    at = clock.now()
    token = uuid4()
    return await session.scalar(
        update(Job)
        .where(col(Job.id) == job_id, _is_due(at))
        .values(lease_token=token, lease_until=at + LEASE, attempts=Job.attempts + 1)
        .returning(Job)
    )


async def finish(session: AsyncSession, job: Job) -> bool:
    """Mark a job done; false if the lease was lost meanwhile, and then the caller rolls back."""
    return await _settle(session, job, {"state": JobState.DONE.value, "done_at": clock.now(), "last_error": None})


async def postpone(session: AsyncSession, job: Job, error: str) -> None:
    """Try again later, ever more patiently: 2 s, 4 s, 8 s …; in the end give up and keep the row."""
    if job.attempts >= MOST_ATTEMPTS:
        await _settle(session, job, {"state": JobState.FAILED.value, "last_error": error})
        return
    again = clock.now() + timedelta(seconds=2**job.attempts)
    await _settle(session, job, {"run_at": again, "lease_until": None, "last_error": error})


async def due(session: AsyncSession, limit: int = 500) -> Sequence[UUID]:
    """Jobs that somebody should have run by now."""
    found = await session.scalars(
        select(col(Job.id)).where(_is_due(clock.now())).order_by(col(Job.run_at)).limit(limit)
    )
    return found.all()


@dataclass(frozen=True, slots=True)
class Figures:
    """How many jobs of a name wait, for how long the first of them has been due, and how many were given up.

    `last_error` is what the one of them that was last tried, or is tried next, ended with.
    """

    name: str
    waiting: int
    failed: int
    due_since: datetime | None
    last_error: str | None


async def figures(session: AsyncSession, brand_id: UUID, most: int = 100) -> list[Figures]:
    """A brand's jobs that are not done, by name: at most 100 names, and there are some dozen."""
    open_ones = (col(Job.brand_id) == brand_id, col(Job.state).in_((JobState.WAITING.value, JobState.FAILED.value)))
    found = await session.execute(
        select(
            col(Job.name),
            func.count().filter(col(Job.state) == JobState.WAITING.value).label("waiting"),
            func.count().filter(col(Job.state) == JobState.FAILED.value).label("failed"),
            func.min(col(Job.run_at)).filter(_is_due(clock.now())).label("due_since"),
        )
        .where(*open_ones)
        .group_by(col(Job.name))
        .order_by(col(Job.name))
        .limit(most)
    )
    place = func.row_number().over(partition_by=col(Job.name), order_by=(col(Job.run_at).desc(), col(Job.id).desc()))
    numbered = (
        select(col(Job.name), col(Job.last_error), place.label("place"))
        .where(*open_ones, col(Job.last_error).is_not(None))
        .subquery()
    )
    newest = select(numbered.c.name, numbered.c.last_error).where(numbered.c.place == 1).limit(most)
    errors: dict[str, str] = dict((await session.execute(newest)).all())
    return [Figures(row.name, row.waiting, row.failed, row.due_since, errors.get(row.name)) for row in found]


async def waiting(
    session: AsyncSession, brand_id: UUID, name: str, until: datetime | None = None
) -> Sequence[dict[str, Any]]:
    """What the brand's jobs of that name, which nobody has done yet, are asked for: their arguments.

    With `until` only of those that are due by then.
    """
    wanted = select(col(Job.args)).where(
        col(Job.brand_id) == brand_id, col(Job.name) == name, col(Job.state) == JobState.WAITING.value
    )
    if until is not None:
        wanted = wanted.where(col(Job.run_at) <= until)
    return (await session.scalars(wanted)).all()


async def forget_done(session: AsyncSession, before: datetime) -> None:
    """Delete the rows of jobs that were done before that instant."""
    await session.execute(delete(Job).where(col(Job.state) == JobState.DONE.value, col(Job.done_at) < before))


async def _settle(session: AsyncSession, job: Job, values: dict[str, Any]) -> bool:
    settled = await session.scalar(
        update(Job)
        .where(
            col(Job.brand_id) == job.brand_id,
            col(Job.id) == job.id,
            col(Job.lease_token) == job.lease_token,
        )
        .values(lease_token=None, **values)
        .returning(col(Job.id))
    )
    return settled is not None


def _is_due(at: datetime) -> Any:
    return and_(
        col(Job.state) == JobState.WAITING.value,
        col(Job.run_at) <= at,
        or_(col(Job.lease_until).is_(None), col(Job.lease_until) < at),
    )
