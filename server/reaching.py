"""Say in one sentence why the database or Redis can't be reached."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from arq.connections import ArqRedis
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from kernel.db import Database
from server.errors import CannotStart

_SQLITE = {
    "unable to open": "can't be opened: is the folder there, and may this user write to it?",
    "readonly": "can't be written to by this user.",
    "locked": "is locked by another program that doesn't let go.",
    "not a database": "is not an SQLite database, or it is damaged: restore a backup.",
    "malformed": "is damaged: restore a backup.",
    "disk is full": "can't grow: the disk is full.",
    "disk I/O": "can't be read or written: the disk reports an error.",
}


@asynccontextmanager
async def explained(db: Database) -> AsyncIterator[None]:
    """Turn the errors of a database that can't be used into `CannotStart`; other errors pass."""
    try:
        yield
    except (DBAPIError, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        sentence = _why_sqlite(db, error) if db.is_sqlite else _why_postgres(db, error)
        if sentence is None:
            raise
        raise CannotStart(sentence) from error


async def why_no_redis(redis: ArqRedis, address: str) -> str | None:
    """Why Redis doesn't answer, in one sentence; `None` if it does."""
    try:
        async with asyncio.timeout(3):
            await redis.ping()
    except (RedisError, OSError, TimeoutError) as error:
        reason = "it doesn't answer in time" if isinstance(error, TimeoutError) else str(error).rstrip(".")
        return f"Redis at {_place(address)} can't be reached: {reason}."
    return None


def _why_sqlite(db: Database, error: BaseException) -> str | None:
    text = str(getattr(error, "orig", error))
    for sign, sentence in _SQLITE.items():
        if sign in text:
            return f"The database {db.url.database} {sentence}"
    return None


def _why_postgres(db: Database, error: BaseException) -> str | None:
    place = f"{db.url.host or 'the local socket'}:{db.url.port or 5432}"
    cause: BaseException | None = error
    while cause is not None:
        match cause:
            case asyncpg.InvalidCatalogNameError():
                return f"The PostgreSQL server at {place} has no database {db.url.database!r}: create it first."
            case asyncpg.InvalidPasswordError() | asyncpg.InvalidAuthorizationSpecificationError():
                return f"The PostgreSQL server at {place} refuses the user or password of DATABASE_URL."
            case asyncpg.TooManyConnectionsError():
                return f"The PostgreSQL server at {place} has no connection left."
            case asyncpg.CannotConnectNowError():
                return f"The PostgreSQL server at {place} is still starting or shutting down."
            case asyncpg.InsufficientPrivilegeError():
                return f"The user of DATABASE_URL may not do this in the database {db.url.database!r}."
            case socket.gaierror():
                return f"The database host {db.url.host!r} is not known: check DATABASE_URL."
            case TimeoutError():
                return f"The PostgreSQL server at {place} doesn't answer."
            case ConnectionError() | OSError():
                return f"Nothing answers at {place}: is PostgreSQL running there, and is DATABASE_URL right?"
        cause = cause.__cause__ or getattr(cause, "orig", None)
    return None


def _place(address: str) -> str:
    return address.rpartition("@")[2].removeprefix("redis://").removeprefix("rediss://")
