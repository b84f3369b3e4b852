"""Both engines for every test: an empty, migrated database, and Redis, real or emulated."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis import Redis as RedisClient
from sqlalchemy import Dialect, Engine, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from kernel.db import Database, prepare_sqlite
from kernel.redis import connect
from kernel.work import Ground
from server.tables import METADATA
from server.wiring import wiring
from tests.servers import Postgres, Redis, postgres, redis
from tests.servers.sweeping import Sweeper

ENGINES = ("sqlite", "postgres")
# A server of one's own choosing is shared by all processes of a run.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
DATABASE = f"daogou_test_{WORKER}"
LEDGERS = {"commission_entry"}  # their rows can't be deleted


def pytest_configure() -> None:
    """While tests are collected, nothing becomes garbage; to look for it takes a third of the time."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Search no more for garbage in what stays to the end: programs, and thousands of tests. A tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def statements_stay_compiled() -> Iterator[None]:
    """Each test has an engine of its own; what one of them has compiled serves all, as it serves all requests."""
    known: dict[str, tuple[Dialect, Any]] = {}

    def create(*args: Any, **options: Any) -> AsyncEngine:
        made = create_async_engine(*args, query_cache_size=10_000, **options)
        engine = made.sync_engine
        if engine.name in known:
            engine.dialect, engine._compiled_cache = known[engine.name]
        else:
            # A dialect has to have met its server once before it can be another engine's.
            event.listen(engine, "engine_connect", lambda _: known.setdefault(engine.name, shared), once=True)
            shared = (engine.dialect, engine._compiled_cache)
        return made

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("kernel.db.create_async_engine", create)
        yield


@pytest.fixture(scope="session", autouse=True)
def sqlite_waits_for_no_disk() -> Iterator[None]:
    """No test cuts the power, and the PostgreSQL of the tests doesn't wait either. Programs that tests start do."""

    def prepare(engine: Engine) -> None:
        prepare_sqlite(engine)
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF").close())

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("kernel.db.prepare_sqlite", prepare)
        yield


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A real PostgreSQL, for the whole run."""
    with postgres() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Redis]:
    """A real Redis, for the whole run."""
    with redis() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres_server: Postgres) -> str:
    """A database with every table and no row; emptied for each test."""
    url = postgres_server.create_database(DATABASE)
    asyncio.run(_build(url))
    return url


@pytest.fixture(scope="session")
def sweeper(postgres_url: str) -> Iterator[Sweeper]:
    """Empties the database."""
    made = Sweeper(postgres_url, METADATA, LEDGERS)
    yield made
    made.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with every table and no row; copied for each test."""
    path = tmp_path_factory.mktemp("template") / "empty.db"
    asyncio.run(_build(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """The engine that this run of the test is on."""
    name: str = request.param
    return name


@pytest.fixture
def database_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database that is this test's own."""
    if engine == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        mine = tmp_path / "daogou.db"
        mine.write_bytes(template.read_bytes())
        return f"sqlite:///{mine}"
    url: str = request.getfixturevalue("postgres_url")
    sweeper: Sweeper = request.getfixturevalue("sweeper")
    sweeper.sweep()
    return url


@pytest.fixture
def redis_url(engine: str, request: pytest.FixtureRequest) -> str | None:
    """A real, empty Redis beside PostgreSQL; none beside SQLite, which stands with the emulation."""
    if engine == "sqlite":
        return None
    server: Redis = request.getfixturevalue("redis_server")
    url = urlsplit(server.url)._replace(path=f"/{WORKER.removeprefix('gw')}").geturl()
    with RedisClient.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture
async def ground(database_url: str, redis_url: str | None) -> AsyncIterator[Ground]:
    """What commands and queries stand on."""
    db = Database(database_url)
    client = connect(redis_url)
    yield Ground(db, client, wiring)
    await client.aclose(close_connection_pool=True)
    await db.close()


@pytest.fixture
def real_data() -> Path:
    """The file of real transactions, where the machine has it."""
    path = os.environ.get("DAOGOU_REAL_DATA")
    if not path:
        pytest.skip("DAOGOU_REAL_DATA names no file; the synthetic file proves the same everywhere")
    return Path(path)


async def _build(url: str) -> None:
    engine = create_async_engine(url)
    if engine.dialect.name == "sqlite":
        prepare_sqlite(engine.sync_engine)
    async with engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    await engine.dispose()
