"""Web processes as an operator starts them, several on one database."""

import asyncio
import base64
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from pydantic import SecretStr

from server import migrating
from server.settings import Settings
from tests.asking import KEY
from tests.servers.processes import free_port
from tests.serving import SECRET

ROOT = Path(__file__).parents[1]


@dataclass
class Webs:
    """Several web processes on one database."""

    folder: Path
    environment: dict[str, str]
    ports: list[int] = field(default_factory=list)
    processes: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    async def start(self, port: int) -> None:
        """Start a process and return when it is ready."""
        with (self.folder / f"{port}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "server.cli", "serve"],
                cwd=ROOT,
                env=self.environment | {"PORT": str(port)},
                stdout=log,
                stderr=log,
            )
        self.processes[port] = process
        async with asyncio.timeout(60), httpx2.AsyncClient() as client:
            while True:
                assert process.poll() is None, self.said()
                with suppress(httpx2.TransportError):
                    if (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200:
                        return
                await asyncio.sleep(0.1)

    async def stop(self, port: int) -> float:
        """Send SIGTERM; the seconds until the process has ended, with exit code 0."""
        process, began = self.processes[port], time.monotonic()
        process.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(process.wait, 60)
        assert code == 0, self.said()
        return time.monotonic() - began

    def said(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))


@asynccontextmanager
async def webs_on(url: str, redis_url: str, folder: Path) -> AsyncIterator[Webs]:
    """Two addresses on a database, which is migrated first; nothing is started yet."""
    await migrating.upgrade(Settings(database_url=SecretStr(url)))
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": SECRET,
        "DATA_KEY": base64.b64encode(KEY).decode(),
        "DAOGOU_HOME": str(folder),
    }
    webs = Webs(folder, environment, [free_port(), free_port()])
    try:
        yield webs
    finally:
        for process in webs.processes.values():
            process.kill()
            process.wait()
