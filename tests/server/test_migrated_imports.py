"""Imports of older programs get a version, and a database goes back to the step before them."""

from datetime import UTC, datetime
from typing import Any

from alembic import command
from sqlalchemy import column, insert, inspect, literal, select, table
from sqlmodel import col

from intake.models import ImportRun, Kind, Phase
from kernel import ids
from kernel.db import Database
from server import migrating
from server.settings import Settings
from tests.server.test_migrations import empty_url, settings

__all__ = ["empty_url", "settings"]

AT = datetime(2026, 3, 2, 4, tzinfo=UTC)
COUNTS = {"rows": 9, "invoices": {"new": 2, "changed": 0, "unchanged": 0}}
NEW = {"version", "told", "told_at", "left_behind_at", "started_over_at"}


async def migrate_to(settings: Settings, version: str) -> None:
    """To any step that this program knows, up or down."""
    async with migrating._migrating(settings) as connection:
        there = await connection.run_sync(migrating._version)
        change = command.downgrade if there > version else command.upgrade
        await connection.run_sync(lambda sync: change(migrating._config(sync), version))


async def shape(settings: Settings) -> list[str]:
    """The columns and indexes of the table of imports."""
    db = Database(settings.database)
    async with db.engine.connect() as connection:
        columns = await connection.run_sync(lambda sync: inspect(sync).get_columns("import_run"))
        indexes = await connection.run_sync(lambda sync: inspect(sync).get_indexes("import_run"))
    await db.close()
    where = {name: str(value) for index in indexes for name, value in index["dialect_options"].items()}
    return [
        *sorted(f"{column['name']} {column['type']} {column['nullable']}" for column in columns),
        *sorted(f"{index['name']} {index['column_names']} {index['unique']} {where}" for index in indexes),
    ]


async def import_as_before(settings: Settings, source: str, phase: Phase, finished_at: datetime | None) -> None:
    """A row as older programs wrote it."""
    row: dict[str, Any] = {
        **{name: ids.new() for name in ("brand_id", "id", "token")},
        **dict.fromkeys(("lease_until", "started_at"), AT),
        **{"brand_code": "qinghe", "kind": Kind.ORDERS, "source": source, "file_name": "a.csv", "fingerprint": "f"},
        **{"mapping": {}, "as_of": None, "phase": phase, "position": "7", "finished_at": finished_at},
        "counts": {**COUNTS, "vacated": ["store:x"]},
    }
    db = Database(settings.database)
    async with db.write() as session:
        await session.execute(insert(table("import_run", *(column(name) for name in row))).values(_bound(row)))
    await db.close()


def _bound(row: dict[str, Any]) -> dict[str, Any]:
    types = ImportRun.__table__.columns  # type: ignore[attr-defined]  # a table
    return {name: literal(value, types[name].type) for name, value in row.items()}


async def imports(settings: Settings) -> list[ImportRun]:
    db = Database(settings.database)
    async with db.read() as session:
        found = (await session.scalars(select(ImportRun).order_by(col(ImportRun.source)))).all()
    await db.close()
    return list(found)


async def test_an_earlier_import_has_version_one_and_shows_what_came_of_it(settings: Settings) -> None:
    await migrate_to(settings, "0001")
    await import_as_before(settings, "done", Phase.DONE, AT)
    await import_as_before(settings, "open", Phase.INVOICES, None)

    await migrate_to(settings, "0002")

    done, still_open = await imports(settings)
    for run in (done, still_open):
        assert (run.version, run.told, run.told_at, run.left_behind_at) == (1, {"counts": COUNTS}, None, None)
        assert run.counts == {**COUNTS, "vacated": ["store:x"]}
    assert (done.phase, still_open.phase) == (Phase.DONE, Phase.INVOICES)


async def test_the_step_back_leaves_the_table_as_it_was(settings: Settings) -> None:
    await migrate_to(settings, "0001")
    before = await shape(settings)
    await migrate_to(settings, "0002")
    assert len(await shape(settings)) == len(before) + len(NEW)
    await import_as_before(settings, "open", Phase.COMPARING, None)

    await migrate_to(settings, "0001")

    assert await shape(settings) == before
    await migrate_to(settings, "0002")
    [run] = await imports(settings)
    assert (run.phase, run.version) == (Phase.STAGING, 1)
