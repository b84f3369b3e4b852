"""One database, two engines: SQLite in a file or PostgreSQL, by the same code."""

import asyncio
import socket
import sqlite3
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import (
    ARRAY,
    JSON,
    ColumnElement,
    DateTime,
    Dialect,
    Engine,
    Enum,
    ForeignKeyConstraint,
    Index,
    TypeDecorator,
    Uuid,
    any_,
    bindparam,
    event,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, IntegrityError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Mapped
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import NullType
from sqlmodel import SQLModel

from kernel import numbers
from kernel.errors import Refusal

# Set before any table is defined: constraints need names that migrations on both engines agree on.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

BUSY_SECONDS = 15
_AWAY = (
    ConnectionError,
    TimeoutError,
    socket.gaierror,
    NoConnectionFree,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InterfaceError,
)
_BUSY = ("locked", "unable to open", "disk I/O")  # SQLite has one error for these and for our mistakes
# PostgreSQL's: connection lost, short of resources, starting or stopping, ended for another transaction's sake.
_NOT_NOW = ("08", "53", "57P", "40001", "40P01")
_GAVE_WAY = ("40P01", "40001")  # PostgreSQL's deadlock_detected and serialization_failure

Json = JSON().with_variant(JSONB(), "postgresql")


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. SQLite forgets time zones, so UTC is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone is not an instant")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def enum_of(kind: type[StrEnum]) -> Enum:
    """A column that holds one of these words as plain text, so that a new word needs no migration."""
    return Enum(kind, native_enum=False, create_constraint=False, length=32, values_callable=_words)


def _words(kind: type[StrEnum]) -> list[str]:
    return [word.value for word in kind]


def refers(column: str, table: str) -> ForeignKeyConstraint:
    """A reference to a row of the same brand; another brand's row is out of reach by construction."""
    return ForeignKeyConstraint(["brand_id", column], [f"{table}.brand_id", f"{table}.id"])


def unique_where(name: str, *columns: str, where: str) -> Index:
    """A uniqueness that holds among the rows that meet the condition."""
    return Index(name, *columns, unique=True, sqlite_where=text(where), postgresql_where=text(where))


def index_where(name: str, *columns: str, where: str) -> Index:
    """An index of the few rows that meet the condition."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


class OneOf(ColumnElement[Any]):
    """Whether an id is in the list that a parameter gives, however long: it is one statement for all lengths.

    PostgreSQL takes the list as one value: thousands of values take ten times as long.
    """

    inherit_cache = True
    # Not Boolean: SQLite would be asked whether the comparison is 1, and use no index.
    type = NullType()
    _traverse_internals = [  # noqa: RUF012 - so it is declared by SQLAlchemy
        ("array", InternalTraversal.dp_clauseelement),
        ("listed", InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, column: Mapped[UUID] | ColumnElement[UUID], name: str) -> None:
        self.array = column == any_(bindparam(name, type_=ARRAY(Uuid())))
        self.listed = column.in_(bindparam(name, expanding=True, type_=Uuid()))


@compiles(OneOf, "postgresql")
def _as_array(element: OneOf, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.array, **options)


@compiles(OneOf)
def _as_list(element: OneOf, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.listed, **options)


async def flush_or_refuse(session: AsyncSession, column: str, refusal: Refusal) -> None:
    """Write what is pending; raise the refusal if a value in that column had to be unique and is not.

    The transaction can't go on after that: the refusal must leave the unit of work.
    """
    try:
        await session.flush()
    except IntegrityError as error:
        # PostgreSQL names the constraint, which holds its columns; SQLite names the columns.
        if column in str(error.orig):
            raise refusal from error
        raise


def gave_way(error: DBAPIError) -> bool:
    """Whether the database ended the transaction for another one's sake: nothing of it has happened."""
    return getattr(error.orig, "sqlstate", None) in _GAVE_WAY


class BadDatabaseUrl(Exception):
    """The address of the database can't be used; the message says why in one sentence."""


class Database:
    """Short read sessions that see one snapshot, and write sessions that take their place in line."""

    def __init__(self, url: str, *, pool_size: int = 20) -> None:
        self.url = parse_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite(self.url) if self.is_sqlite else _postgres(self.url, pool_size)
        self._readers = self.engine.execution_options(**_read_options(self.is_sqlite))
        self._writers = self.engine.execution_options(daogou_writes=True)
        # SQLite has one writer; waiting in line here beats its busy handler, which sleeps up to 100 ms.
        self._turn = asyncio.Lock() if self.is_sqlite else None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A session that only reads, all of it from one snapshot."""
        async with AsyncSession(self._readers, expire_on_commit=False, autoflush=False) as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """A transaction: committed on the way out, rolled back by an exception."""
        async with AsyncExitStack() as stack:
            if self._turn is not None:
                await stack.enter_async_context(self._turn)
            session = AsyncSession(self._writers, expire_on_commit=False, autoflush=False)
            await stack.enter_async_context(session)
            await stack.enter_async_context(session.begin())
            yield session

    async def close(self) -> None:
        await self.engine.dispose()


def is_away(error: BaseException) -> bool:
    """Whether an error says that the database can't be reached or is too busy, and nothing about the statement."""
    if isinstance(error, DBAPIError):
        state: str = getattr(error.orig, "sqlstate", None) or ""
        busy = state.startswith(_NOT_NOW) or any(sign in str(error.orig) for sign in _BUSY)
        return busy or error.connection_invalidated
    return isinstance(error, _AWAY)


def parse_url(url: str) -> URL:
    """The address with our drivers in it: plain `postgresql://` and `sqlite://` are understood."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise BadDatabaseUrl("DATABASE_URL is not a database address.") from error
    match parsed.get_backend_name():
        case "postgresql" | "postgres":
            return parsed.set(drivername="postgresql+asyncpg")
        case "sqlite":
            if not parsed.database or parsed.database == ":memory:":
                raise BadDatabaseUrl("DATABASE_URL must name a file: an SQLite database in memory is lost at once.")
            return parsed.set(drivername="sqlite+aiosqlite")
        case other:
            raise BadDatabaseUrl(f"DATABASE_URL starts with {other!r}; use postgresql:// or sqlite:///path.")


def _read_options(is_sqlite: bool) -> Mapping[str, Any]:
    if is_sqlite:
        return {}
    return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


# A page by its place costs about what the next one costs, in memory as on an SSD. By PostgreSQL's own figure, which is
# that of a turning disk, a thousand rows by key would be looked for among millions one after another.
_SETTINGS = {"jit": "off", "random_page_cost": "1.1", "timezone": "UTC"}


# Engines hide parameters: the values of a failed statement may be personal data, and errors are logged.
def _postgres(url: URL, pool_size: int) -> AsyncEngine:
    engine = create_async_engine(
        url,
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=pool_size // 2,
        pool_timeout=10,
        connect_args={"timeout": 5, "server_settings": _SETTINGS},
    )
    event.listen(engine.sync_engine, "checkout", _require_open)
    return engine


def _require_open(connection: Any, _record: object, _proxy: object) -> None:
    # The event loop has noticed if the server went away: asking costs nothing, where a ping costs a round trip.
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def _sqlite(url: URL) -> AsyncEngine:
    engine = create_async_engine(
        url,
        hide_parameters=True,
        pool_size=8,
        max_overflow=8,
        pool_timeout=30,
        connect_args={"timeout": BUSY_SECONDS},
    )
    prepare_sqlite(engine.sync_engine)
    return engine


def prepare_sqlite(engine: Engine) -> None:
    """Write-ahead log, enforced foreign keys, and transactions that begin when we say so."""
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)


def _on_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    _write_ahead(cursor)
    # FULL: a commit that was answered survives a power cut, as on PostgreSQL.
    for pragma in (
        "synchronous=FULL",
        "foreign_keys=ON",
        "cache_size=-32000",
        "temp_store=MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    numbers.teach(connection)


def _write_ahead(cursor: Any) -> None:
    """SQLite waits for no one who switches a new file at the same moment; it takes them some milliseconds, once."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.005)


def _on_begin(connection: Connection) -> None:
    # A deferred transaction that reads first and writes later loses updates: writers lock at the start.
    writes = connection.get_execution_options().get("daogou_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
