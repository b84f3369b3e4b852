"""Give turns when thousands come or are woken in one instant, so that they don't take everything from everybody."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

READERS = 8
ENTRANTS = 32
READING_SECONDS = 15.0
_LONGEST_SECONDS = 5.0


class Turns:
    """First come, first served. Whoever wants to come in waits until those who are in have read."""

    def __init__(self) -> None:
        self._readers = asyncio.Semaphore(READERS)
        self._entrants = asyncio.Semaphore(ENTRANTS)
        self._waiting = 0
        self._calm = asyncio.Event()
        self._calm.set()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Read from the database when it is one's turn, for fifteen seconds at most."""
        self._waiting += 1
        self._calm.clear()
        try:
            await self._readers.acquire()
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._calm.set()
        try:
            async with asyncio.timeout(READING_SECONDS):
                yield
        finally:
            self._readers.release()

    @asynccontextmanager
    async def entering(self) -> AsyncIterator[None]:
        """Come in when it is one's turn: where readers never stop, after five seconds."""
        async with self._entrants:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LONGEST_SECONDS):
                    await self._calm.wait()
            yield
