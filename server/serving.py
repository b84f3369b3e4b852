"""Serve HTTP and sockets in this process, and carry out jobs beside it or in a process of their own."""

import asyncio
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
from typing import Any

import uvicorn
from starlette.applications import Starlette

from server.app import create_app
from server.edge import Edge
from server.errors import CannotStart
from server.ground import standing
from server.operations import LARGEST
from server.reaching import why_no_redis
from server.settings import Settings
from server.wires import Messages, Requests
from server.worker import working

PING_SECONDS = 10
GRACE_SECONDS = 6.0
PARENT = "DAOGOUPARENT"

log = logging.getLogger(__name__)


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
