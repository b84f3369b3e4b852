"""Apply a message in the process that took it in, as soon as it is kept: a guide's phone shouldn't wait for a sweep.

What is asked for here is a job like any other: whoever takes its lease first carries it out, once. What this process
can't see to, or leaves behind, a worker does.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from kernel import jobs, redis
from kernel.work import Ground
from server import worker

AT_ONCE = 3  # more would wait for this process, not for the database; beyond it another process helps
LONGEST_SECONDS = 10.0
DRAIN_SECONDS = 3.0

log = logging.getLogger(__name__)


class Applier:
    """The messages that this process is to apply, or is applying."""

    def __init__(self, ground: Ground, handlers: Mapping[str, jobs.Handler]) -> None:
        self._ground = ground
        self._handlers = handlers
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_open = False

    async def see_to(self, job_ids: Sequence[UUID]) -> None:
        """Carry jobs out soon, here or, where there is no room, wherever a worker is."""
        if not self._is_open or len(self._tasks) >= AT_ONCE:
            await redis.trigger(self._ground.redis, job_ids)
            return
        for job_id in job_ids:
            task = asyncio.create_task(self._apply(job_id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take jobs for as long as the block lasts; those under way then have three seconds to end."""
        self._is_open = True
        try:
            yield
        finally:
            self._is_open = False
            await self.drained(DRAIN_SECONDS)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def drained(self, seconds: float) -> None:
        """Return when nothing is under way, or after so long."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)

    async def _apply(self, job_id: UUID) -> None:
        try:
            # What is stopped by the clock is put back, and a worker tries it again.
            with suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_SECONDS):
                    await worker.run(self._ground, job_id, self._handlers)
        except Exception as error:
            # The database is away, or the job was not settled: its lease runs out, and a worker takes it.
            log.warning("hook_not_applied", extra={"job_id": str(job_id), "error": type(error).__name__})
