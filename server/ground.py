"""Open what a process stands on, and close it again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from kernel import redis
from kernel.db import BadDatabaseUrl, Database
from kernel.redis import BadRedisUrl
from kernel.work import Ground
from server.errors import CannotStart
from server.settings import Settings
from server.wiring import wiring


def open_database(settings: Settings) -> Database:
    """A database that no connection has been made to yet. Raises `CannotStart` for a wrong address."""
    try:
        db = Database(settings.database)
    except BadDatabaseUrl as error:
        raise CannotStart(str(error)) from error
    if db.is_sqlite:
        folder = Path(db.url.database or "").parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotStart(f"The folder {folder} can't be made: {error.strerror}.") from error
    return db


async def open_ground(settings: Settings) -> Ground:
    """Database, Redis and wiring. Nothing is reached yet; without REDIS_URL the emulation is this ground's own."""
    db = open_database(settings)
    try:
        client = redis.connect(settings.redis)
    except BadRedisUrl as error:
        await db.close()
        raise CannotStart(str(error)) from error
    return Ground(db=db, redis=client, wiring=wiring)


async def close_ground(ground: Ground) -> None:
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
