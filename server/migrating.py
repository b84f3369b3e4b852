"""Bring a database to the schema that this program knows, and tell whether it is there."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from pydantic import SecretStr
from sqlalchemy import Connection, event, text
from sqlalchemy.ext.asyncio import AsyncConnection

from server.addresses import open_database
from server.errors import CannotStart
from server.migrations import columns
from server.reaching import explained
from server.settings import Settings
from server.tables import METADATA

FOLDER = Path(__file__).parent / "migrations"
PATIENCE_SECONDS = 60.0
_LOCK = 0x64616F676F75  # any number, as long as nobody else's lock has it


async def upgrade(settings: Settings) -> str:
    """Bring the schema to the newest; returns the version it had before, empty for a new database.

    Two processes at once take turns, and the second finds nothing left to do. Raises `CannotStart`
    for a database that can't be reached, or that a newer program has changed.
    """
    async with _migrating(settings) as connection:
        before = await connection.run_sync(_version)
        require_known(before)
        if before != head():
            await connection.run_sync(lambda sync: command.upgrade(_config(sync), "head"))
            await _require_no_dangling(connection)
        return before


async def version(settings: Settings) -> str:
    """The version of the schema; empty for a database that has none."""
    async with _reading(settings) as connection:
        return await connection.run_sync(_version)


async def is_current(settings: Settings) -> bool:
    """Whether the schema is the one that this program knows."""
    return await version(settings) == head()


async def require_current(settings: Settings) -> None:
    """Raises `CannotStart` unless the schema is the one that this program knows."""
    there = await version(settings)
    require_known(there)
    if there != head():
        state = f"has the schema {there}" if there else "has no tables yet"
        raise CannotStart(f"The database {state}, and this program needs {head()}: run `daogou migrate`.")


async def check(settings: Settings) -> list[str]:
    """How models and migrations differ on an upgraded database, a line each; nothing means that they agree."""

    def compare(connection: Connection) -> list[str]:
        context = MigrationContext.configure(connection, opts={"compare_type": columns.differ})
        return [str(difference) for difference in compare_metadata(context, METADATA)]

    async with _reading(settings) as connection:
        return await connection.run_sync(compare)


async def revise(message: str) -> Path:
    """Write the next step from what the models have and the migrations don't; for developers."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Settings(database_url=SecretStr(f"sqlite:///{folder}/scratch.db"))
        async with _migrating(scratch) as connection:
            return await connection.run_sync(_revise, message)


def known() -> list[str]:
    """The versions that this program knows, newest first."""
    return [step.revision for step in _steps().walk_revisions()]


def head() -> str:
    """The newest version that this program knows."""
    return _steps().get_current_head() or ""


def _revise(connection: Connection, message: str) -> Path:
    config = _config(connection)
    if head():
        command.upgrade(config, "head")
    number = f"{int(head() or 0) + 1:04d}"
    made = command.revision(config, message, autogenerate=True, rev_id=number)
    if made is None or isinstance(made, list):
        raise RuntimeError("alembic wrote no step")
    return Path(made.path)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    config.set_section_option("post_write_hooks", "hooks", "tidy")
    config.set_section_option("post_write_hooks", "tidy.type", "module")
    config.set_section_option("post_write_hooks", "tidy.module", "ruff")
    config.set_section_option("post_write_hooks", "tidy.options", "format --quiet REVISION_SCRIPT_FILENAME")
    return config


def _version(connection: Connection) -> str:
    return MigrationContext.configure(connection).get_current_revision() or ""


def require_known(there: str) -> None:
    """Raises `CannotStart` for a schema that a newer program made."""
    if there and there not in known():
        raise CannotStart(
            f"The database has the schema {there}, which this program doesn't know: install a newer daogou."
        )


def _steps() -> ScriptDirectory:
    return ScriptDirectory(str(FOLDER))


@asynccontextmanager
async def _migrating(settings: Settings) -> AsyncIterator[AsyncConnection]:
    """A transaction that no other migration runs beside."""
    db = open_database(settings)
    if db.is_sqlite:
        # Rebuilding a table drops it for a moment, and what refers to it must not mind. Several migrations wait
        # longer for each other than other writers do.
        event.listen(db.engine.sync_engine, "connect", _loosen)
    try:
        async with explained(db), db.engine.execution_options(daogou_writes=True).begin() as connection:
            if not db.is_sqlite:
                await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            yield connection
    finally:
        await db.close()


@asynccontextmanager
async def _reading(settings: Settings) -> AsyncIterator[AsyncConnection]:
    db = open_database(settings)
    try:
        async with explained(db), db.engine.connect() as connection:
            yield connection
    finally:
        await db.close()


def _loosen(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=OFF")
    cursor.execute(f"PRAGMA busy_timeout={int(PATIENCE_SECONDS * 1000)}")
    cursor.close()


async def _require_no_dangling(connection: AsyncConnection) -> None:
    if connection.dialect.name != "sqlite":
        return
    dangling = (await connection.exec_driver_sql("PRAGMA foreign_key_check")).all()
    if dangling:
        raise RuntimeError(f"the migration left rows without what they refer to: {dangling[:3]}")
