"""Redis, or an emulation of it inside the process: the same client code either way.

Nothing durable is kept here. A poke says *look*; losing one costs a phone a second, never a change.
"""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import orjson
from arq.connections import ArqRedis
from fakeredis import FakeAsyncRedis, FakeServer
from fakeredis._commands import command
from fakeredis.aioredis import AsyncFakeSocket
from redis.asyncio import BlockingConnectionPool
from redis.exceptions import RedisError

POKES = "daogou:pokes"
QUEUE = "daogou:jobs"
RUN_JOB = "run_job"
_PATIENCE_SECONDS = 1.0

log = logging.getLogger(__name__)


class BadRedisUrl(Exception):
    """The address of Redis can't be used; the message says why in one sentence."""


def connect(url: str | None, server: FakeServer | None = None) -> ArqRedis:
    """A client of the Redis at `url`; without one, of an emulation that lives and dies with the process."""
    if url is None:
        emulated = FakeAsyncRedis(server=server or FakeServer())
        return _client(emulated.connection_pool)
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise BadRedisUrl("REDIS_URL must start with redis://, rediss:// or unix://.")
    try:
        pool = BlockingConnectionPool.from_url(
            url, max_connections=50, timeout=_PATIENCE_SECONDS, socket_connect_timeout=2, socket_timeout=5
        )
    except ValueError as error:
        raise BadRedisUrl("REDIS_URL is not a Redis address.") from error
    return _client(pool)


async def poke(redis: ArqRedis, feed_ids: Iterable[UUID]) -> None:
    """Tell every process that these feeds have grown. Best effort: a reader also polls."""
    body = b",".join(str(feed_id).encode() for feed_id in feed_ids)
    await _best_effort("poke", redis.publish(POKES, body))


async def trigger(redis: ArqRedis, job_ids: Iterable[UUID]) -> None:
    """Wake a worker for these jobs. Best effort: the sweeper finds a job that nobody was told of."""
    await _best_effort("trigger", _trigger_all(redis, job_ids))


async def _trigger_all(redis: ArqRedis, job_ids: Iterable[UUID]) -> None:
    for job_id in job_ids:
        await redis.enqueue_job(RUN_JOB, str(job_id))


async def _best_effort(what: str, call: Any) -> None:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await call
    except (RedisError, OSError, TimeoutError) as error:
        log.warning("redis_%s_lost", what, extra={"error": type(error).__name__})


def _client(pool: Any) -> ArqRedis:
    return ArqRedis(pool, job_serializer=orjson.dumps, job_deserializer=orjson.loads, default_queue_name=QUEUE)


def _info(_self: object, *_sections: bytes) -> bytes:
    return b"redis_version:7.0.0-emulated\r\nused_memory_human:0\r\nconnected_clients:1\r\n"


# arq asks INFO when a worker starts, and the emulation has no such command.
setattr(AsyncFakeSocket, "_info", command((), (bytes,), name="info")(_info))  # noqa: B010 - mypy knows no such attribute
