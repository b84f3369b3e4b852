"""Back the database up into one file, and put it back."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import URL

from kernel import feed
from server import migrating
from server.addresses import address
from server.errors import CannotStart
from server.ground import standing
from server.listening import alone
from server.settings import Settings

KEYS_APART = "SECRET_KEY and DATA_KEY (or keys.json) are not in it: without DATA_KEY its phones can't be read."
_SQLITE_SIGN = b"SQLite format 3\x00"
_DUMP_SIGN = b"PGDMP"
_LOCK_SECONDS = 15
# Tables with their triggers, and then the functions that these called; what belongs to an extension stays.
_DROP_ALL = """
DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('DROP TABLE public.%I CASCADE', name);
  END LOOP;
  FOR name IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') LOOP
    EXECUTE format('DROP ROUTINE %s CASCADE', name);
  END LOOP;
END $$
"""


def backup(settings: Settings, file: Path) -> int:
    """Copy the database as it is at one moment into a new file, and return its size in bytes.

    Writers go on meanwhile. The file appears only once it is whole. Raises `CannotStart`.
    """
    if file.exists():
        raise CannotStart(f"{file} is there already: name a new file.")
    if not file.absolute().parent.is_dir():
        raise CannotStart(f"The folder {file.absolute().parent} is not there.")
    asyncio.run(migrating.require_current(settings))
    url = address(settings)
    draft = file.with_name(f".{file.name}.unfinished")
    try:
        draft.touch(0o600)
        if url.get_backend_name() == "sqlite":
            _copy_sqlite(Path(url.database or ""), draft)
        else:
            _run(url, "pg_dump", "--format=custom", "--no-owner", "--no-acl", f"--file={draft}")
        os.replace(draft, file)
    except OSError as error:
        raise CannotStart(f"{file} can't be written: {error.strerror}.") from error
    finally:
        draft.unlink(missing_ok=True)
    return file.stat().st_size


def restore(settings: Settings, file: Path, *, replace: bool) -> int:
    """Put a backup in place of the database, bring it to this program's schema, and give every feed a new epoch.

    Returns the number of feeds. What is there now is replaced only if `replace`, and stays
    whole if the backup turns out to be unusable. Raises `CannotStart`.
    """
    url = address(settings)
    is_sqlite = url.get_backend_name() == "sqlite"
    _require_backup(file, _SQLITE_SIGN if is_sqlite else _DUMP_SIGN)
    with alone(settings):
        if not replace and asyncio.run(migrating.version(settings)):
            raise CannotStart("The database is not empty: add --yes to replace what is in it.")
        if is_sqlite:
            _put_back_sqlite(file, Path(url.database or ""))
        else:
            _put_back_postgres(url, file)
        asyncio.run(migrating.upgrade(settings))
        return asyncio.run(start_over(settings))


async def start_over(settings: Settings) -> int:
    """Give every feed a new epoch, so that every phone starts over; returns the number of feeds."""
    async with standing(settings) as ground, ground.db.write() as session:
        return await feed.new_epoch(session)


def _copy_sqlite(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as here, closing(sqlite3.connect(target)) as there:
        here.backup(there)
        there.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
        _require_whole(there, target)


def _put_back_sqlite(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as here:
        _require_whole(here, source)
        _require_ours(here, source)
        try:
            with closing(sqlite3.connect(target, timeout=15)) as there:
                here.backup(there)
        except sqlite3.DatabaseError as error:
            raise CannotStart(f"The database {target} can't be replaced: {error}. Move it away first.") from error


def _require_whole(database: sqlite3.Connection, path: Path) -> None:
    try:
        found = database.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise CannotStart(f"{path} is damaged: {error}.") from error
    if found != "ok":
        raise CannotStart(f"{path} is damaged: {found}.")


def _require_ours(database: sqlite3.Connection, path: Path) -> None:
    try:
        version = database.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.DatabaseError as error:
        raise CannotStart(f"{path} is no backup of this product.") from error
    migrating.require_known(version[0] if version else "")


def _require_backup(file: Path, sign: bytes) -> None:
    try:
        with file.open("rb") as opened:
            start = opened.read(len(sign))
    except OSError as error:
        raise CannotStart(f"{file} can't be read: {error.strerror}.") from error
    if start != sign:
        kind = "an SQLite" if sign == _SQLITE_SIGN else "a PostgreSQL"
        raise CannotStart(f"{file} is not a backup of {kind} database.")


def _put_back_postgres(url: URL, file: Path) -> None:
    """One transaction from the old tables to the new; a script first, since a broken dump must not be half applied."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "restore.sql"
        _run(url, "pg_restore", "--no-owner", "--no-acl", "--schema=public", f"--file={script}", str(file))
        _run(
            url,
            "psql",
            "--no-psqlrc",
            "--quiet",
            "--set=ON_ERROR_STOP=1",
            "--single-transaction",
            f"--command={_DROP_ALL}",
            f"--file={script}",
            f"--command={_require_known_sql()}",
        )


def _require_known_sql() -> str:
    known = ", ".join(f"'{version}'" for version in migrating.known())
    return f"""
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM public.alembic_version WHERE version_num IN ({known})) THEN
    RAISE EXCEPTION 'the backup was made by a newer daogou: install that first';
  END IF;
END $$
"""


def _run(url: URL, program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs; the password goes by the environment, where `ps` doesn't show it."""
    found = shutil.which(program)
    if found is None:
        raise CannotStart(f"{program} is not on PATH: install the PostgreSQL client (Debian: postgresql-client).")
    named = {
        "PGHOST": url.host,
        "PGPORT": str(url.port) if url.port else None,
        "PGUSER": url.username,
        "PGPASSWORD": str(url.password) if url.password is not None else None,
        "PGDATABASE": url.database,
        "PGCONNECT_TIMEOUT": "10",
        "PGOPTIONS": f"-c lock_timeout={_LOCK_SECONDS}s",  # for as long as somebody still uses the tables
    }
    done = subprocess.run(  # noqa: S603 - a program found on PATH, no shell
        [found, *arguments],
        env=os.environ | {name: value for name, value in named.items() if value},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()[-2:] or ["no reason given"]
        raise CannotStart(f"{program} failed: {'; '.join(said)}")
