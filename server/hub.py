"""Wake whoever waits for feeds: at once by a poke through Redis, within a second by looking at the heads.

One connection to Redis for the whole process. A poke says which feeds to look at, never what happened
to them, so a lost one costs a second at most.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from typing import Any
from uuid import UUID, uuid4

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from kernel import feed
from kernel.feed import Place
from kernel.redis import POKES
from kernel.work import Ground
from server.turns import Turns

POLL_SECONDS = 1.0
BEAT_SECONDS = 2.0
_LONGEST_PAUSE = 5.0
_FEEDS_PER_QUERY = 5_000  # below the number of parameters that either engine takes
_LOST: tuple[type[Exception], ...] = (RedisError, OSError, TimeoutError)

log = logging.getLogger(__name__)


class Waiter:
    """Somebody who waits for feeds to grow. Waking twice before they look is waking once.

    `reached` is how far they have read: the poll wakes them only if a feed ends elsewhere.
    """

    __slots__ = ("_event", "reached")

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.reached: Mapping[UUID, Place] = {}

    def wake(self) -> None:
        self._event.set()

    async def changed(self) -> None:
        """Return at once if a feed may have grown since the last call, otherwise when it does."""
        await self._event.wait()
        # Cleared before the reader looks: what is committed while they look wakes them again.
        self._event.clear()


class Hub:
    """Who waits for which feeds in this process."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._waiters: dict[UUID, set[Waiter]] = {}
        self.turns = Turns()
        self._beat = b"beat " + uuid4().hex.encode()
        self.is_listening = False

    @property
    def watched(self) -> set[UUID]:
        """The feeds that somebody waits for."""
        return set(self._waiters)

    @contextmanager
    def watch(self, feed_ids: Collection[UUID]) -> Iterator[Waiter]:
        """Be woken for these feeds for as long as the block lasts. Register first, then read."""
        waiter = Waiter()
        for feed_id in feed_ids:
            self._waiters.setdefault(feed_id, set()).add(waiter)
        try:
            yield waiter
        finally:
            for feed_id in feed_ids:
                self._forget(feed_id, waiter)

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Whoever is woken reads within this: one poke may wake thousands."""
        return self.turns.reading()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen and look for as long as the block lasts."""
        tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._look())]
        try:
            yield
        finally:
            await _stop(tasks)

    def wake(self, feed_ids: Iterable[UUID]) -> None:
        for feed_id in feed_ids:
            for waiter in self._waiters.get(feed_id, ()):
                waiter.wake()

    async def look(self) -> None:
        """Wake the readers of feeds that end elsewhere than they have read."""
        watched = list(self._waiters)
        for start in range(0, len(watched), _FEEDS_PER_QUERY):
            async with self._ground.db.read() as session:
                places = await feed.all_heads(session, watched[start : start + _FEEDS_PER_QUERY])
            for feed_id, place in places.items():
                for waiter in self._waiters.get(feed_id, ()):
                    if waiter.reached.get(feed_id) != place:
                        waiter.wake()

    async def _look(self) -> None:
        while True:
            started = time.monotonic()
            try:
                await self.look()
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("heads_unread", extra={"error": type(error).__name__})
            except Exception:
                log.exception("heads_unread")
            await asyncio.sleep(max(0.05, POLL_SECONDS - (time.monotonic() - started)))

    async def _listen(self) -> None:
        pause = 0.1
        while True:
            started = time.monotonic()
            try:
                await self._hear()
            except _LOST as error:
                log.warning("pokes_lost", extra={"error": type(error).__name__})
            except Exception:
                log.exception("pokes_lost")
            self.is_listening = False
            # A connection that held for a while is rebuilt at once, one that never stood ever more patiently.
            pause = 0.1 if time.monotonic() - started > 30 else min(pause * 2, _LONGEST_PAUSE)
            await asyncio.sleep(pause)

    async def _hear(self) -> None:
        """Hear pokes until the connection is lost. Its own beat must come back, or it is lost without saying so."""
        redis = self._ground.redis
        async with redis.pubsub(ignore_subscribe_messages=True) as pubsub:
            async with asyncio.timeout(BEAT_SECONDS):
                await pubsub.subscribe(POKES)
            heard = beaten = time.monotonic()
            await self._send_beat()
            while True:
                now = time.monotonic()
                if now - beaten >= BEAT_SECONDS:
                    await self._send_beat()
                    beaten = now
                if now - heard >= 2 * BEAT_SECONDS:
                    raise TimeoutError("the beat doesn't come back")
                message = await pubsub.get_message(timeout=BEAT_SECONDS / 4)
                if message is not None and self._take(message["data"]):
                    heard = time.monotonic()
                    self.is_listening = True

    async def _send_beat(self) -> None:
        async with asyncio.timeout(BEAT_SECONDS):
            await self._ground.redis.publish(POKES, self._beat)

    def _take(self, body: Any) -> bool:
        """Wake whom a poke names; whether it was this process's own beat."""
        if body == self._beat:
            return True
        if isinstance(body, bytes) and not body.startswith(b"beat "):
            with suppress(ValueError):  # somebody else's message on our channel
                self.wake([UUID(part.decode()) for part in body.split(b",")])
        return False

    def _forget(self, feed_id: UUID, waiter: Waiter) -> None:
        waiters = self._waiters.get(feed_id)
        if waiters is None:
            return
        waiters.discard(waiter)
        if not waiters:
            del self._waiters[feed_id]


async def _stop(tasks: Iterable[asyncio.Task[None]]) -> None:
    pending = set(tasks)
    while pending:
        # More than once: redis-py swallows a cancellation that comes while it connects.
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=0.5)
