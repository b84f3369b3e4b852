"""What the addresses in the settings lead to; apart from the rest, which takes long to load, as they may be wrong."""

from pathlib import Path

from arq.connections import ArqRedis
from sqlalchemy.engine import URL

from kernel import redis
from kernel.db import BadDatabaseUrl, Database, parse_url
from kernel.redis import BadRedisUrl
from server.errors import CannotStart
from server.settings import Settings


def open_database(settings: Settings) -> Database:
    """A database that no connection has been made to yet. Raises `CannotStart` for a wrong address."""
    url = address(settings)
    if url.get_backend_name() == "sqlite":
        folder = Path(url.database or "").absolute().parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotStart(f"The folder {folder} can't be made: {error.strerror}.") from error
    return Database(settings.database)


def open_redis(settings: Settings) -> ArqRedis:
    """A client that has not connected yet. Raises `CannotStart` for a wrong address."""
    try:
        return redis.connect(settings.redis)
    except BadRedisUrl as error:
        raise CannotStart(str(error)) from error


def address(settings: Settings) -> URL:
    """Where the database is. Raises `CannotStart` for a wrong address."""
    try:
        url = parse_url(settings.database)
    except (BadDatabaseUrl, ValueError) as error:
        sentence = str(error) if isinstance(error, BadDatabaseUrl) else "DATABASE_URL is not a database address."
        raise CannotStart(sentence) from error
    if url.port is not None and not 0 < url.port < 65536:
        raise CannotStart(f"DATABASE_URL has no port between 1 and 65535, but {url.port}.")
    return url


def require_addresses(settings: Settings) -> None:
    """Raises `CannotStart` unless both addresses can be understood; whether anything is there is another matter."""
    address(settings)
    open_redis(settings)
