"""One edge, one unit of work, one commit; what happened is written in the same transaction."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from arq.connections import ArqRedis
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import feed, jobs, redis
from kernel.actor import Actor
from kernel.db import Database


class Event(Protocol):
    """Something that happened: a frozen dataclass of primitives, named in the past tense."""


class Wiring(Protocol):
    """Who sees an event, and which jobs react to it. The server knows; the domains do not."""

    async def seen_by(self, session: AsyncSession, brand_id: UUID, events: Sequence[Event]) -> list[feed.Entry]: ...

    def reactions(self, events: Sequence[Event]) -> list[jobs.Request]: ...


@dataclass(frozen=True, slots=True)
class Ground:
    """What a process stands on: its database, its Redis, and the wiring between domains."""

    db: Database
    redis: ArqRedis
    wiring: Wiring


@dataclass(slots=True)
class Work:
    """What a command is given: a session in a transaction, who acts, and where to say what happened."""

    session: AsyncSession
    actor: Actor
    events: list[Any] = field(default_factory=list)
    requests: list[jobs.Request] = field(default_factory=list)
    heads: dict[UUID, int] = field(default_factory=dict)

    def record(self, event: Event) -> None:
        """Say that something happened; phones and reactions hear of it if, and only if, the work commits."""
        self.events.append(event)

    def later(self, name: str, /, **args: Any) -> None:
        """Ask for a job, which runs after the commit."""
        self.requests.append(jobs.Request(name, args))


@asynccontextmanager
async def unit_of_work(ground: Ground, actor: Actor) -> AsyncIterator[Work]:
    """Everything inside happens together or not at all; then, best effort, readers and workers are woken."""
    async with ground.db.write() as session:
        work = Work(session, actor)
        yield work
        await session.flush()
        requests = [*work.requests, *ground.wiring.reactions(work.events)]
        job_ids = await jobs.enqueue(session, actor.brand_id, requests)
        # The feeds' rows are locked last, so that nobody waits for them longer than a commit takes.
        entries = await ground.wiring.seen_by(session, actor.brand_id, work.events)
        work.heads.update(await feed.append(session, actor.brand_id, entries))
    if work.heads:
        await redis.poke(ground.redis, work.heads)
    if job_ids:
        await redis.trigger(ground.redis, job_ids)
