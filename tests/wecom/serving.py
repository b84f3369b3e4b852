"""Serve the simulator on a loopback port of its own."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import uvicorn

from tests.wecom.app import Simulator, create_app


class _Server(uvicorn.Server):
    """Leaves the signals to the test runner."""

    def capture_signals(self) -> Any:
        return nullcontext()


@asynccontextmanager
async def serving(simulator: Simulator) -> AsyncIterator[str]:
    """Its address, for as long as the block lasts."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = _Server(uvicorn.Config(create_app(simulator), log_level="critical", lifespan="on"))
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        async with asyncio.timeout(10):
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listening.close()
