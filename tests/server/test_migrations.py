"""Every step of the schema's history works on both engines and ends at the models."""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import inspect, text

from kernel.db import Database
from server import migrating
from server.errors import CannotStart
from server.settings import Settings
from server.tables import METADATA
from tests.servers import Postgres


@pytest.fixture
def empty_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without any table."""
    if engine == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    name = f"daogou_{uuid4().hex[:12]}"
    yield server.create_database(name)
    server.drop_database(name)


@pytest.fixture
def settings(empty_url: str) -> Settings:
    return Settings(database_url=SecretStr(empty_url))


async def tables(settings: Settings) -> set[str]:
    db = Database(settings.database)
    async with db.engine.connect() as connection:
        names = await connection.run_sync(lambda sync: set(inspect(sync).get_table_names()))
    await db.close()
    return names


async def execute(settings: Settings, statement: str) -> None:
    db = Database(settings.database)
    async with db.write() as session:
        await session.execute(text(statement))
    await db.close()


async def test_a_new_database_gets_every_table_and_agrees_with_the_models(settings: Settings) -> None:
    assert await migrating.version(settings) == ""

    assert await migrating.upgrade(settings) == ""

    assert await migrating.version(settings) == migrating.head()
    assert await migrating.is_current(settings)
    assert await migrating.check(settings) == []
    assert await tables(settings) == {*METADATA.tables, "alembic_version"}


async def test_upgrading_again_changes_nothing(settings: Settings) -> None:
    await migrating.upgrade(settings)

    assert await migrating.upgrade(settings) == migrating.head()


async def test_several_that_upgrade_at_once_take_turns(settings: Settings) -> None:
    before = await asyncio.gather(*(migrating.upgrade(settings) for _ in range(4)))

    assert sorted(before) == ["", *[migrating.head()] * 3]
    assert await migrating.check(settings) == []


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE note ADD COLUMN colour VARCHAR(10)",
        "ALTER TABLE note DROP COLUMN version",
        "DROP INDEX ix_note_brand_id_relationship_id_at",
        "DROP TABLE note",
    ],
)
async def test_a_difference_between_models_and_schema_is_found(settings: Settings, change: str) -> None:
    await migrating.upgrade(settings)
    await execute(settings, change)

    assert await migrating.check(settings) != []


async def test_an_old_schema_is_one_sentence(settings: Settings) -> None:
    with pytest.raises(CannotStart, match=r"^The database has no tables yet, and .* run `daogou migrate`\.$"):
        await migrating.require_current(settings)


async def test_a_newer_schema_is_one_sentence_and_left_alone(settings: Settings) -> None:
    await migrating.upgrade(settings)
    await execute(settings, "UPDATE alembic_version SET version_num = '9999'")

    for ask in (migrating.require_current, migrating.upgrade):
        with pytest.raises(CannotStart, match=r"^The database has the schema 9999, .* install a newer daogou\.$"):
            await ask(settings)

    assert await migrating.version(settings) == "9999"


async def test_a_step_that_fails_leaves_the_database_as_it_was(settings: Settings) -> None:
    """The last thing of an upgrade fails: nothing of it stays, on either engine."""
    await execute(settings, "CREATE TABLE visit (id INTEGER)")

    with pytest.raises(Exception, match="visit"):
        await migrating.upgrade(settings)

    assert await tables(settings) == {"visit"}


def test_steps_are_numbered_without_gaps() -> None:
    known = sorted(migrating.known())

    assert known == [f"{number:04d}" for number in range(1, len(known) + 1)]


def test_a_locked_sqlite_file_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kernel.db.BUSY_SECONDS", 0.2)
    monkeypatch.setattr("server.migrating.PATIENCE_SECONDS", 0.2)
    settings = Settings(database_url=SecretStr(f"sqlite:///{tmp_path}/locked.db"))
    asyncio.run(migrating.upgrade(settings))
    holder = sqlite3.connect(tmp_path / "locked.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    with pytest.raises(CannotStart, match=r"locked\.db is locked by another program"):
        asyncio.run(migrating.upgrade(settings))
    holder.close()


@pytest.mark.parametrize(
    "content",
    [b"this is a text of more than a few bytes, and no database at all" * 20, b"SQLite format 3\x00" + b"x" * 5000],
)
def test_a_file_that_is_no_database_is_one_sentence_and_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "photo.db"
    file.write_bytes(content)

    with pytest.raises(CannotStart, match=r"photo\.db is (not an SQLite database|damaged)"):
        asyncio.run(migrating.upgrade(Settings(database_url=SecretStr(f"sqlite:///{file}"))))

    assert file.read_bytes() == content
