"""Count who follows a link, without a word of who it is, and without letting them wait for it.

What tells a repeat from a first look is a keyed hash of address and agent, with a key of the day. It is kept in Redis
only, for half an hour. While Redis is away, repeats count.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from redis.exceptions import RedisError

from kernel import clock
from kernel.actor import system
from kernel.crypto import Vault
from kernel.work import Ground, unit_of_work
from mall.commands import note_open
from mall.models import Landing

REPEAT = timedelta(minutes=30)
WAIT_SECONDS = 0.2
LONGEST_SECONDS = 5.0
MOST_UNDER_WAY = 500
_REDIS_SECONDS = 0.5

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Opens:
    """One per process: what is being counted at present."""

    ground: Ground
    vault: Vault
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)

    async def count(self, landing: Landing, address: str, agent: str) -> None:
        """Count a visitor, unless they came within the last half hour; refuses nothing, and returns within 0.2 s.

        It goes on for up to 5 s behind the answer. Beyond 500 at once nothing more is begun: what is lost then is a
        figure, and nobody's way to the mall.
        """
        if len(self._under_way) >= MOST_UNDER_WAY:
            log.warning("open_not_counted", extra={"error": "too many at once"})
            return
        task = asyncio.create_task(self._count(landing, address, agent, clock.now()))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        await asyncio.wait({task}, timeout=WAIT_SECONDS)

    @asynccontextmanager
    async def finished(self) -> AsyncIterator[None]:
        """What is under way at the end is waited for."""
        yield
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=LONGEST_SECONDS)

    async def _count(self, landing: Landing, address: str, agent: str, at: datetime) -> None:
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                if await self._is_repeat(landing, address, agent, at):
                    return
                async with unit_of_work(self.ground, system(landing.brand_id)) as work:
                    await note_open(work, landing.share_id, at)
        except Exception as error:  # whatever it is, the visitor is on their way
            log.warning("open_not_counted", extra={"error": type(error).__name__})

    async def _is_repeat(self, landing: Landing, address: str, agent: str, at: datetime) -> bool:
        # Half an hour over midnight is under the keys of two days.
        days = {at.date(), (at - REPEAT).date()}
        keys = [self._key(landing, address, agent, f"{day}") for day in sorted(days)]
        try:
            async with asyncio.timeout(_REDIS_SECONDS), self.ground.redis.pipeline(transaction=True) as pipe:
                for key in keys:
                    pipe.set(key, 1, ex=REPEAT, nx=True)
                were_new = await pipe.execute()
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("repeats_counted", extra={"error": type(error).__name__})
            return False
        return not all(were_new)

    def _key(self, landing: Landing, address: str, agent: str, day: str) -> str:
        visitor = "\x00".join(("share-open", day, str(landing.share_id), address, agent))
        return f"daogou:opens:{self.vault.index(landing.brand_id, visitor)[:32]}"
