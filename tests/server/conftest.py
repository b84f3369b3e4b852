"""The small demo, made once for each engine: tests that only read it share it. And web processes to try out."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlmodel import SQLModel

from kernel.crypto import Vault
from kernel.db import Database
from kernel.redis import connect
from kernel.work import Ground
from server import migrating
from server.demo import DemoReport, Size, fill
from server.demo.shape import Progress
from server.settings import Settings
from server.tables import METADATA
from server.wiring import wiring
from tests.servers import Postgres, Redis
from tests.webs import Webs, webs_on

AS_OF = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)  # a Monday afternoon in Shanghai
VAULT = Vault(b"only for tests, 32 bytes of key.")

Row = TypeVar("Row", bound=SQLModel)


@dataclass(frozen=True)
class Demo:
    """A database with the small demo in it, and what was said of it."""

    ground: Ground
    report: DemoReport

    async def rows(self, query: Any) -> Sequence[Any]:
        """What the query finds."""
        async with self.ground.db.read() as session:
            return (await session.execute(query)).all()

    async def all(self, model: type[Row]) -> Sequence[Row]:
        """Every row of a table."""
        async with self.ground.db.read() as session:
            return (await session.scalars(select(model))).all()

    async def one(self, query: Any) -> Any:
        """The first column of the first row that the query finds."""
        async with self.ground.db.read() as session:
            return await session.scalar(query)


def not_a_hash(password: str) -> str:
    """Fast, and recognisable."""
    return f"hash of {password}"


async def fill_small(
    ground: Ground, as_of: datetime = AS_OF, seed: int = 1, progress: Progress | None = None
) -> DemoReport:
    return await fill(ground, Size.S, as_of=as_of, seed=seed, progress=progress, vault=VAULT, hash_password=not_a_hash)


@asynccontextmanager
async def standing_on(url: str) -> AsyncIterator[Ground]:
    """A ground over a database with every table and no row."""
    ground = Ground(Database(url), connect(None), wiring)
    async with ground.db.engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    yield ground
    await ground.redis.aclose(close_connection_pool=True)
    await ground.db.close()


def standing_on_sqlite(path: Path) -> AbstractAsyncContextManager[Ground]:
    return standing_on(f"sqlite:///{path}")


@pytest.fixture(scope="session", params=("sqlite", "postgres"))
async def demo(
    request: pytest.FixtureRequest, postgres_server: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Demo]:
    """The small demo, for tests that only read it."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('demo') / 'daogou.db'}"
    else:
        postgres_server.drop_database("daogou_demo")
        url = postgres_server.create_database("daogou_demo")
    async with standing_on(url) as ground:
        yield Demo(ground, await fill_small(ground))
    if request.param == "postgres":
        postgres_server.drop_database("daogou_demo")


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database that `daogou migrate` makes, to be copied: it takes two seconds, and a test types a few commands."""
    settings = Settings(daogou_home=tmp_path_factory.mktemp("migrated"))
    asyncio.run(migrating.upgrade(settings))
    return settings.daogou_home / "daogou.db"


@pytest.fixture
async def webs(engine: str, request: pytest.FixtureRequest, redis_server: Redis, tmp_path: Path) -> AsyncIterator[Webs]:
    """Two web processes to be, on a migrated database of their own; on SQLite they share a real Redis too."""
    if engine == "sqlite":
        async with webs_on(f"sqlite:///{tmp_path}/shared.db", redis_server.url, tmp_path) as made:
            yield made
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    name = f"daogou_webs_{uuid4().hex[:8]}"
    async with webs_on(server.create_database(name), redis_server.url, tmp_path) as made:
        yield made
    server.drop_database(name)
