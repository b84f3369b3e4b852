"""One edge, one unit of work, one commit; what happened is written in the same transaction."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol, TypeVar
from uuid import UUID

from arq.connections import ArqRedis
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import feed, jobs, redis
from kernel.actor import Actor
from kernel.db import Database, gave_way
from kernel.errors import Unavailable

MOST_ATTEMPTS = 5
_FIRST_PAUSE = 0.01  # seconds; twice as long each time

Result = TypeVar("Result")

log = logging.getLogger(__name__)


class Event(Protocol):
    """Something that happened: a frozen dataclass of primitives, named in the past tense."""


class Wiring(Protocol):
    """What an event marks, who sees it, and which jobs react to it. The server knows; the domains do not."""

    async def mark(self, work: "Work") -> None: ...

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
    heads: dict[UUID, feed.Place] = field(default_factory=dict)
    job_ids: list[UUID] = field(default_factory=list)
    is_settled: bool = False

    def record(self, event: Event) -> None:
        """Say that something happened; phones and reactions hear of it if, and only if, the work commits."""
        self._require_unsettled()
        self.events.append(event)

    def later(self, name: str, /, **args: Any) -> None:
        """Ask for a job, which runs after the commit."""
        self._require_unsettled()
        self.requests.append(jobs.Request(name, args))

    def _require_unsettled(self) -> None:
        if self.is_settled:
            raise RuntimeError("the work is settled: what happens now would be told to nobody")


@asynccontextmanager
async def unit_of_work(ground: Ground, actor: Actor) -> AsyncIterator[Work]:
    """Everything inside happens together or not at all; then, best effort, readers and workers are woken."""
    async with ground.db.write() as session:
        work = Work(session, actor)
        yield work
        await settle(ground, work)
    if work.heads:
        await redis.poke(ground.redis, work.heads)
    if work.job_ids:
        await redis.trigger(ground.redis, work.job_ids)


async def settle(ground: Ground, work: Work) -> Mapping[UUID, feed.Place]:
    """Write the jobs and the feeds' entries, and return where the feeds end that were written.

    The unit of work does so at its end. Whoever has to keep the places in the same transaction settles the
    work before, and then writes nothing else: from here on the feeds are locked.
    """
    if work.is_settled:
        return work.heads
    work.is_settled = True
    session, brand_id = work.session, work.actor.brand_id
    await session.flush()
    await ground.wiring.mark(work)
    requests = [*work.requests, *ground.wiring.reactions(work.events)]
    work.job_ids += await jobs.enqueue(session, brand_id, requests)
    # The feeds' rows are locked last, so that nobody waits for them longer than a commit takes.
    entries = await ground.wiring.seen_by(session, brand_id, work.events)
    work.heads.update(await feed.append(session, brand_id, entries))
    return work.heads


async def carry_out(ground: Ground, actor: Actor, act: Callable[[Work], Awaitable[Result]]) -> Result:
    """Run `act` in a unit of work; from its beginning again when the database ended it for another one's sake.

    Two that wait for each other: PostgreSQL ends one, and nothing of it has happened. Raises `UNAVAILABLE`
    when that has come about several times.
    """
    for attempt in count(1):
        try:
            async with unit_of_work(ground, actor) as work:
                return await act(work)
        except DBAPIError as error:
            if not gave_way(error):
                raise
            log.warning("work_gave_way", extra={"attempt": attempt})
            if attempt == MOST_ATTEMPTS:
                raise Unavailable from error
        # Each after a time of its own, so that the same two don't meet again.
        await asyncio.sleep(_FIRST_PAUSE * 2**attempt * random.uniform(0.5, 1))  # noqa: S311 - nothing to guess
    raise AssertionError("unreachable: the loop above ends by returning or raising")
