"""Stay well below WeCom's rate limits, and keep quiet for as long as it asks for.

WeCom allows a corp 10,000 calls of each interface a minute and 150,000 an hour, and an address 20,000 a minute; who
goes beyond is shut out for a minute, an hour, a day. Other programs of the brand use the same allowance, so we take a
fifth. The counts are in Redis, where all processes see them; while it is away each process minds only its own calls.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from arq.connections import ArqRedis
from redis.exceptions import RedisError

from handover.partner import PartnerAway
from kernel import clock

A_MINUTE = 2_000
AN_HOUR = 30_000
OF_ALL_A_MINUTE = 4_000
AT_ONCE = 5
FIRST_SILENCE = 60  # seconds
LONG_SILENCE = 3_600
_STRIKES_COUNT = 2 * LONG_SILENCE

log = logging.getLogger(__name__)


class Limits:
    """The allowance of one corp."""

    def __init__(self, redis: ArqRedis, corp_id: str) -> None:
        self._redis = redis
        self._corp_id = corp_id
        self._room = asyncio.Semaphore(AT_ONCE)

    @asynccontextmanager
    async def room(self, path: str) -> AsyncIterator[None]:
        """Call within. Raises `PartnerAway` with the seconds to wait where too much was asked, or silence is due."""
        async with self._room:
            try:
                await self._count(path)
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("wecom_uncounted", extra={"error": type(error).__name__})
            yield

    async def silence(self, path: str) -> float:
        """WeCom said that it was too often: ask this no more for a minute, the second time for an hour."""
        key = self._key("strikes", path)
        try:
            strikes = await self._redis.incr(key)
            await self._redis.expire(key, _STRIKES_COUNT)
            seconds = FIRST_SILENCE if strikes == 1 else LONG_SILENCE
            await self._redis.set(self._key("silent", path), 1, ex=seconds)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("wecom_uncounted", extra={"error": type(error).__name__})
            return FIRST_SILENCE
        return seconds

    async def _count(self, path: str) -> None:
        at = int(clock.now().timestamp())
        minute, hour = at // 60, at // 3_600
        counts = (
            (self._key("minute", path, minute), A_MINUTE, 60),
            (self._key("hour", path, hour), AN_HOUR, 3_600),
            (f"daogou:wecom:all:{minute}", OF_ALL_A_MINUTE, 60),
        )
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.ttl(self._key("silent", path))
            for key, _, seconds in counts:
                pipe.incr(key)
                pipe.expire(key, 2 * seconds)
            answers = await pipe.execute()
        if answers[0] > 0:
            raise PartnerAway(f"{path}: WeCom asked for silence", float(answers[0]))
        for (_, most, seconds), asked in zip(counts, answers[1::2], strict=True):
            if asked > most:
                raise PartnerAway(f"{path}: enough for now", float(seconds - at % seconds))

    def _key(self, *parts: object) -> str:
        return ":".join(("daogou:wecom", self._corp_id, *map(str, parts)))
