"""Two engines, one way of using them: snapshots for readers, a place in line for writers."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import col

from kernel.db import BadDatabaseUrl, Database, parse_url, prepare_sqlite
from kernel.feed import Feed
from kernel.work import Ground
from tests.conftest import DATABASE
from tests.factories import World, build_world
from tests.servers import Postgres
from tests.servers.postgresql import execute


async def test_a_reader_sees_one_snapshot_whatever_is_committed_meanwhile(ground: Ground) -> None:
    world = await build_world(ground)

    async with ground.db.read() as session:
        before = await session.scalar(select(func.max(Feed.head)))
        await _count_up(ground, world)
        within = await session.scalar(select(func.max(Feed.head)))
    async with ground.db.read() as session:
        after = await session.scalar(select(func.max(Feed.head)))

    assert (before, within, after) == (0, 0, 1)


async def test_no_update_is_lost_when_many_read_and_then_write(ground: Ground) -> None:
    world = await build_world(ground)

    async def add_one() -> None:
        for _ in range(10):
            async with ground.db.write() as session:
                mine = col(Feed.feed_id) == world.shop.guide.id
                head = await session.scalar(select(col(Feed.head)).where(mine).with_for_update())
                await asyncio.sleep(0)
                await session.execute(update(Feed).where(mine).values(head=(head or 0) + 1))

    await asyncio.gather(*(add_one() for _ in range(5)))

    async with ground.db.read() as session:
        assert await session.scalar(select(func.max(Feed.head))) == 50


async def test_an_exception_rolls_back(ground: Ground) -> None:
    world = await build_world(ground)

    with pytest.raises(RuntimeError):
        async with ground.db.write() as session:
            await session.execute(update(Feed).values(head=5))
            raise RuntimeError

    await _count_up(ground, world)
    async with ground.db.read() as session:
        assert await session.scalar(select(func.max(Feed.head))) == 1


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("postgresql://u:p@h/d", "postgresql+asyncpg"),
        ("postgresql+psycopg://u:p@h/d", "postgresql+asyncpg"),
        ("sqlite:///var/daogou.db", "sqlite+aiosqlite"),
    ],
)
def test_addresses_are_understood_whatever_driver_they_name(url: str, driver: str) -> None:
    assert parse_url(url).drivername == driver


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://u@h/d", "sqlite://", "sqlite:///:memory:"])
def test_an_address_that_cannot_work_is_one_sentence(url: str) -> None:
    with pytest.raises(BadDatabaseUrl) as error:
        parse_url(url)

    assert "DATABASE_URL" in str(error.value)


async def test_sqlite_answers_a_commit_when_it_is_on_the_disk(tmp_path: Path) -> None:
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/full.db")
    prepare_sqlite(engine.sync_engine)  # all other tests hurry
    async with engine.connect() as connection:
        level = await connection.scalar(text("PRAGMA synchronous"))
    await engine.dispose()

    assert level == 2


async def _count_up(ground: Ground, world: World) -> None:
    async with ground.db.write() as session:
        await session.execute(update(Feed).where(col(Feed.feed_id) == world.shop.guide.id).values(head=Feed.head + 1))


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)  # SQLite has no server that could close anything
async def test_a_connection_that_the_server_closed_is_replaced_before_it_is_used(
    postgres_server: Postgres, database_url: str
) -> None:
    db = Database(database_url, pool_size=1)
    async with db.read() as session:
        await session.execute(text("SELECT 1"))
    execute(
        make_url(postgres_server.admin_url).set(database=DATABASE).render_as_string(hide_password=False),
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    await asyncio.sleep(0.2)

    async with db.read() as session:
        assert await session.scalar(text("SELECT 1")) == 1
    await db.close()


async def test_many_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    for number in range(20):
        found = [Database(f"sqlite:///{tmp_path / f'{number}.db'}") for _ in range(8)]

        await asyncio.gather(*(_begin(each) for each in found))

        await asyncio.gather(*(each.close() for each in found))


async def _begin(database: Database) -> None:
    async with database.write() as session:
        assert await session.scalar(text("PRAGMA journal_mode")) == "wal"
