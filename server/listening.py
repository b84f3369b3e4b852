"""Take the port and the database for this process, before anything is loaded to serve with."""

import errno
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from sqlalchemy.engine import URL

from server.addresses import address
from server.errors import CannotStart
from server.settings import Settings

BACKLOG = 2048
STALLED_SECONDS = 15


def listen(settings: Settings) -> socket.socket:
    """The socket to serve on. Raises `CannotStart` when the port is taken."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise CannotStart(f"HOST must be an address of this machine, not {settings.host!r}.") from error
    listening = socket.socket(family, kind, protocol)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # A client that stops reading is dropped in seconds; the setting passes to every accepted connection.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALLED_SECONDS * 1000)
    try:
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise CannotStart(_why_not(settings, error)) from error
    listening.set_inheritable(True)
    return listening


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Hold an SQLite database for the one process that emulates Redis beside it. Raises `CannotStart`."""
    url = address(settings)
    if not settings.is_embedded or url.get_backend_name() != "sqlite" or sys.platform == "win32":
        yield
        return
    import fcntl  # not on Windows

    with _lock_file(url) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotStart(
                f"The database {url.database} is in use by another daogou: stop that one first, "
                "or set REDIS_URL so that several processes can share it."
            ) from error
        yield


def _lock_file(url: URL) -> IO[str]:
    path = Path(f"{url.database}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a")
    except OSError as error:
        raise CannotStart(f"{path} can't be written: {error.strerror}.") from error


def _why_not(settings: Settings, error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"Port {settings.port} is in use: choose another, as in PORT={_another(settings.port)} make run."
        case errno.EACCES:
            return f"Port {settings.port} needs more rights than this user has: choose one from 1024 on."
        case errno.EADDRNOTAVAIL:
            return f"HOST must be an address of this machine, not {settings.host!r}."
        case _:
            return f"Can't listen on {settings.host}:{settings.port}: {error.strerror}."


def _another(port: int) -> int:
    return port + 1 if port < 65535 else port - 1
