"""A backup holds everything at one moment; a restore puts it back whole, or leaves what is there."""

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import select, text
from sqlmodel import col

from customers.models import Customer
from kernel.db import Database
from kernel.feed import Feed
from kernel.redis import connect
from kernel.work import Ground
from server import copying, migrating
from server.addresses import address
from server.errors import CannotStart
from server.settings import Settings
from server.wiring import wiring
from tests.factories import World, build_customer, build_world
from tests.servers import Postgres


@pytest.fixture
async def settings(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Settings]:
    """A migrated database of this test's own."""
    if engine == "sqlite":
        mine = Settings(database_url=SecretStr(f"sqlite:///{tmp_path}/shop.db"))
        await migrating.upgrade(mine)
        yield mine
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    name = f"daogou_{uuid4().hex[:12]}"
    mine = Settings(database_url=SecretStr(server.create_database(name)))
    await migrating.upgrade(mine)
    yield mine
    server.drop_database(name)


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[World]:
    ground = Ground(Database(settings.database), connect(None), wiring)
    made = await build_world(ground)
    await build_customer(ground, made.shop.guide, name="王芳")
    yield made
    await ground.db.close()


async def backup(settings: Settings, file: Path) -> int:
    return await asyncio.to_thread(copying.backup, settings, file)


async def restore(settings: Settings, file: Path, *, replace: bool = True) -> int:
    return await asyncio.to_thread(copying.restore, settings, file, replace=replace)


async def names(ground: Ground) -> list[str]:
    async with ground.db.read() as session:
        return sorted((await session.scalars(select(col(Customer.name)))).all())


async def epochs(ground: Ground) -> dict[object, object]:
    async with ground.db.read() as session:
        return {feed.feed_id: feed.epoch for feed in await session.scalars(select(Feed))}


async def test_what_was_backed_up_comes_back_and_phones_start_over(
    settings: Settings, world: World, tmp_path: Path
) -> None:
    before = await epochs(world.ground)
    size = await backup(settings, tmp_path / "monday.backup")
    await build_customer(world.ground, world.shop.guide, name="李娜")
    await world.ground.db.close()

    feeds = await restore(settings, tmp_path / "monday.backup")

    assert await names(world.ground) == ["王芳"]
    after = await epochs(world.ground)
    assert feeds == len(after) == len(before)
    assert after.keys() == before.keys()
    assert not set(after.values()) & set(before.values())
    assert await migrating.check(settings) == []
    assert size == (tmp_path / "monday.backup").stat().st_size > 0


async def test_a_database_put_back_by_other_means_sends_every_phone_back_by_one_command(
    settings: Settings, world: World, tmp_path: Path
) -> None:
    before = await epochs(world.ground)
    environment = os.environ | {"DATABASE_URL": settings.database, "DAOGOU_HOME": str(tmp_path)}

    command = [sys.executable, "-m", "server.cli", "new-epoch"]
    answer = await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, text=True)

    after = await epochs(world.ground)
    assert answer.stdout == f"{len(before)} feeds have a new epoch: every phone starts over.\n", answer.stderr
    assert after.keys() == before.keys()
    assert not set(after.values()) & set(before.values())


async def test_a_backup_goes_into_a_new_and_empty_database(
    settings: Settings, world: World, tmp_path: Path, engine: str, request: pytest.FixtureRequest
) -> None:
    await backup(settings, tmp_path / "monday.backup")
    name = f"daogou_{uuid4().hex[:12]}"
    if engine == "sqlite":
        url = f"sqlite:///{tmp_path}/elsewhere/{name}.db"
    else:
        url = request.getfixturevalue("postgres_server").create_database(name)
    elsewhere = Settings(database_url=SecretStr(url))

    await restore(elsewhere, tmp_path / "monday.backup", replace=False)

    ground = Ground(Database(url), connect(None), wiring)
    assert await names(ground) == ["王芳"]
    await ground.db.close()
    if engine != "sqlite":
        request.getfixturevalue("postgres_server").drop_database(name)


async def test_what_is_there_is_not_replaced_unasked(settings: Settings, world: World, tmp_path: Path) -> None:
    await backup(settings, tmp_path / "monday.backup")
    await build_customer(world.ground, world.shop.guide, name="李娜")
    before = await epochs(world.ground)

    with pytest.raises(CannotStart, match="add --yes to replace"):
        await restore(settings, tmp_path / "monday.backup", replace=False)

    assert await names(world.ground) == ["李娜", "王芳"]
    assert await epochs(world.ground) == before


async def test_a_damaged_backup_leaves_what_is_there(settings: Settings, world: World, tmp_path: Path) -> None:
    whole = tmp_path / "whole.backup"
    await backup(settings, whole)
    content = whole.read_bytes()
    broken = {
        "cut": content[: len(content) // 2],
        "scratched": content[:2000] + b"\xff" * 20_000 + content[22_000:],
        "empty": b"",
        "another file": b"PK\x03\x04" * 1000,
    }
    for name, body in broken.items():
        file = tmp_path / f"{name}.backup"
        file.write_bytes(body)
        with pytest.raises(CannotStart):
            await restore(settings, file)

        assert await names(world.ground) == ["王芳"]


async def test_a_backup_of_a_newer_program_leaves_what_is_there(
    settings: Settings, world: World, tmp_path: Path
) -> None:
    async with world.ground.db.write() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    file = tmp_path / "newer.backup"
    url = address(settings)
    if url.get_backend_name() == "sqlite":
        await asyncio.to_thread(_copy, Path(url.database or ""), file)
    else:
        await asyncio.to_thread(copying._run, url, "pg_dump", "--format=custom", f"--file={file}")
    async with world.ground.db.write() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": migrating.head()})
    await build_customer(world.ground, world.shop.guide, name="李娜")

    with pytest.raises(CannotStart, match="newer daogou"):
        await restore(settings, file)

    assert await names(world.ground) == ["李娜", "王芳"]


def _copy(source: Path, target: Path) -> None:
    with sqlite3.connect(source) as here, sqlite3.connect(target) as there:
        here.backup(there)


async def test_a_backup_replaces_no_file_and_only_its_owner_reads_it(
    settings: Settings, world: World, tmp_path: Path
) -> None:
    file = tmp_path / "monday.backup"
    await backup(settings, file)
    content = file.read_bytes()

    with pytest.raises(CannotStart, match="is there already"):
        await backup(settings, file)
    with pytest.raises(CannotStart, match="is not there"):
        await backup(settings, tmp_path / "nowhere" / "monday.backup")

    assert file.read_bytes() == content
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not list(tmp_path.glob(".*unfinished"))


async def test_writers_go_on_while_a_backup_is_made(settings: Settings, world: World, tmp_path: Path) -> None:
    file = tmp_path / "monday.backup"
    making = asyncio.create_task(backup(settings, file))
    written = 0
    while not making.done():
        await build_customer(world.ground, world.shop.guide, name=f"顾客{written:04d}")
        written += 1
    await making
    await world.ground.db.close()

    await restore(settings, file)

    kept = await names(world.ground)
    assert written > 0
    assert kept == ["王芳", *(f"顾客{number:04d}" for number in range(len(kept) - 1))]


async def test_an_empty_database_without_a_schema_is_not_backed_up(tmp_path: Path) -> None:
    empty = Settings(database_url=SecretStr(f"sqlite:///{tmp_path}/empty.db"))

    with pytest.raises(CannotStart, match="no tables yet"):
        await backup(empty, tmp_path / "monday.backup")

    assert not (tmp_path / "monday.backup").exists()


def test_without_the_programs_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    dump = tmp_path / "monday.backup"
    dump.write_bytes(b"PGDMP" + b"\x00" * 100)
    settings = Settings(database_url=SecretStr("postgresql://u@127.0.0.1:1/x"))

    with pytest.raises(CannotStart, match=r"^pg_restore is not on PATH: install .*postgresql-client"):
        copying.restore(settings, dump, replace=True)
