"""Slow down whoever guesses passwords: so many failures per number and per address, then wait.

Every attempt is counted before the password is looked at, so that many at once don't slip through,
and taken off again when it succeeds.
"""

import asyncio
import hashlib
import logging
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from arq.connections import ArqRedis
from redis.exceptions import RedisError

from directory.errors import TooManyAttempts

WINDOW_SECONDS = 300
MOST_PER_NUMBER = 10
MOST_PER_ADDRESS = 60  # a shop's staff come from one address
_MOST_REMEMBERED = 10_000
_PATIENCE_SECONDS = 1.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Attempts:
    """Counts in Redis; while that is away, per number in this process."""

    redis: ArqRedis
    _own: OrderedDict[str, tuple[int, float]] = field(default_factory=OrderedDict)

    async def count(self, brand_code: str, number: str, address: str) -> None:
        """Note an attempt. Raises `TOO_MANY_ATTEMPTS` with the seconds to wait."""
        of_number = _key("number", brand_code, number)
        limits = {of_number: MOST_PER_NUMBER, _key("address", address): MOST_PER_ADDRESS}
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                counts = [await self._count_in_redis(key) for key in limits]
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("attempts_counted_alone", extra={"error": type(error).__name__})
            counts, limits = [self._count_alone(of_number)], {of_number: MOST_PER_NUMBER}
        waits = [wait for (count, wait), most in zip(counts, limits.values(), strict=True) if count > most]
        if waits:
            raise TooManyAttempts(max(1, *waits))

    async def succeeded(self, brand_code: str, number: str, address: str) -> None:
        """Forget the failures of a number whose owner got in; the address keeps those of others."""
        of_number = _key("number", brand_code, number)
        self._own.pop(of_number, None)
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS), self.redis.pipeline(transaction=True) as pipe:
                pipe.delete(of_number)
                pipe.decr(_key("address", address))
                pipe.expire(_key("address", address), WINDOW_SECONDS)
                await pipe.execute()
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("attempts_not_forgotten", extra={"error": type(error).__name__})

    async def _count_in_redis(self, key: str) -> tuple[int, int]:
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.set(key, 0, ex=WINDOW_SECONDS, nx=True)
            pipe.incr(key)
            pipe.ttl(key)
            _, count, wait = await pipe.execute()
        return count, wait

    def _count_alone(self, key: str) -> tuple[int, int]:
        now = time.monotonic()
        count, until = self._own.pop(key, (0, 0.0))
        if until <= now:
            count, until = 0, now + WINDOW_SECONDS
        self._own[key] = (count + 1, until)
        if len(self._own) > _MOST_REMEMBERED:
            self._own.popitem(last=False)
        return count + 1, int(until - now) + 1


def _key(kind: str, *parts: str) -> str:
    # Hashed: what somebody types into the form, once in a while their password, doesn't belong in Redis.
    body = "\x00".join(parts).encode(errors="replace")
    return f"daogou:attempts:{kind}:{hashlib.sha256(body).hexdigest()[:32]}"
