"""Open what a process stands on, and close it again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kernel.work import Ground
from server.addresses import open_database, open_redis
from server.settings import Settings
from server.wecom.connecting import close_partners
from server.wiring import wiring


async def open_ground(settings: Settings) -> Ground:
    """Database, Redis and wiring. Nothing is reached yet; without REDIS_URL the emulation is this ground's own."""
    client = open_redis(settings)
    return Ground(db=open_database(settings), redis=client, wiring=wiring)


async def close_ground(ground: Ground) -> None:
    await close_partners(ground)
    await ground.redis.aclose(close_connection_pool=True)
    await ground.db.close()


@asynccontextmanager
async def standing(settings: Settings) -> AsyncIterator[Ground]:
    """A ground for as long as the block lasts."""
    ground = await open_ground(settings)
    try:
        yield ground
    finally:
        await close_ground(ground)
