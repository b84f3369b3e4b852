"""Serve HTTP and sockets in this process, and carry out jobs beside it or in a process of their own."""

import asyncio
import errno
import gc
import logging
import math
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import uvicorn
from sqlalchemy.engine import URL
from starlette.applications import Starlette

from server.app import create_app
from server.edge import Edge
from server.errors import CannotStart
from server.ground import address, standing
from server.operations import LARGEST
from server.reaching import why_no_redis
from server.settings import Settings
from server.wires import Messages, Requests
from server.worker import working

BACKLOG = 2048
STALLED_SECONDS = 15
PING_SECONDS = 10
GRACE_SECONDS = 6.0
PARENT = "DAOGOUPARENT"

log = logging.getLogger(__name__)


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


def serve(settings: Settings, listening: socket.socket) -> None:
    """Answer until SIGINT or SIGTERM; without REDIS_URL also carry out jobs, as the emulation is in this process."""
    _allow_many_connections()
    server = Server(create_app(settings))
    _exit_quietly()
    _collect_seldom()
    with _ends_with_parent():
        server.run(sockets=[listening])
    if not server.started:
        raise SystemExit(1)  # what went wrong stands in the log


class Server(uvicorn.Server):
    """Serves an application, and when it is told to stop lets what is under way end first."""

    def __init__(self, app: Starlette) -> None:
        super().__init__(_config(app))
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no new connection, move those that are there, and wait six seconds for the rest in all."""
        began = time.monotonic()
        for server in self.servers:
            server.close()
        for listening in sockets or []:
            listening.close()
        edge: Edge = self._app.state.edge
        draining = asyncio.create_task(edge.draining.drain())
        while not draining.done() and not self.force_exit:
            await asyncio.wait([draining], timeout=0.1)
        draining.cancel()
        self.config.timeout_graceful_shutdown = max(1, math.ceil(GRACE_SECONDS - (time.monotonic() - began)))
        await super().shutdown(sockets)


def _config(app: Starlette) -> uvicorn.Config:
    """How an application is served: its limits for messages and pings."""
    return uvicorn.Config(
        app,
        http=Requests,
        ws=Messages,
        ws_max_size=LARGEST,
        ws_per_message_deflate=False,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
    )


def work(settings: Settings) -> None:
    """Carry out jobs until SIGINT or SIGTERM. Raises `CannotStart` without REDIS_URL."""
    if settings.is_embedded:
        raise CannotStart(
            "REDIS_URL must be set for a worker of its own; without it `daogou serve` carries out jobs itself."
        )
    with _ends_with_parent(), asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_work(settings))


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


async def _work(settings: Settings) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, stopped.set)
    async with standing(settings) as ground:
        problem = await why_no_redis(ground.redis, settings.redis or "")
        if problem:
            log.warning("redis_unreachable", extra={"problem": problem})
        async with working(ground, settings):
            log.info("worker_started")
            await stopped.wait()
            log.info("worker_stopping")


@contextmanager
def _ends_with_parent() -> Iterator[None]:
    """End this process when the one that started it is gone, however it went."""
    parent = os.environ.get(PARENT)
    if parent is None:
        yield
        return
    over = threading.Event()

    def watch() -> None:
        while not over.wait(1.0):
            if os.getppid() != int(parent):
                os.kill(os.getpid(), signal.SIGTERM)
                return

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _collect_seldom() -> None:
    """Leave what is loaded alone, and look for garbage in the rest less often than Python does by itself.

    Reading five thousand rows beside five thousand sockets took 28 ms, and 78 ms with Python's own settings.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 20)


def _allow_many_connections() -> None:
    """Open as many files as the system lets us: by default it is often 1,024, and each connection is one."""
    if sys.platform == "win32":
        return
    import resource  # not on Windows

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _exit_quietly() -> None:
    # uvicorn raises the signal again when it is done; ending as asked is no failure.
    def end(_signum: int, _frame: Any) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)


def _loop_factory() -> Any:
    if sys.platform == "win32":
        return None
    import uvloop  # not on Windows

    return uvloop.new_event_loop


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
