"""Run the product's own programs, end them as a power cut would, and start them again."""

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx2

from server.serving import PARENT
from tests.asking import KEY
from tests.chaos.mutants import MUTANTS
from tests.chaos.nursery import ROOT
from tests.serving import SECRET

_START_SECONDS = 40


class Launcher(Protocol):
    """Starts programs and ends them, by the id of the process; `run` waits for the end, and returns the status."""

    def start(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> int: ...
    def run(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> int: ...
    def is_running(self, pid: int) -> bool: ...
    def end(self, pid: int, how: signal.Signals) -> None: ...


@dataclass
class Program:
    """One process of the product, on the same port each time. `port` is None for one that serves nothing."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    launcher: Launcher
    port: int | None = None
    kills: int = 0
    _pid: int | None = None

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """All that it has said, over all its lives."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def said(self) -> list[dict[str, Any]]:
        """The entries of its log. The last may be cut off by a kill."""
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{") and line.endswith("}")]

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._pid is not None and self.launcher.is_running(self._pid)

    def start(self) -> None:
        """Begin another life; see `ready`."""
        if not self.is_running:
            told = {"PORT": str(self.port)} if self.port is not None else {}
            self._pid = self.launcher.start(self.arguments, {**self.environment, **told}, self._log)

    async def ready(self) -> None:
        """Return when it answers."""
        async with asyncio.timeout(_START_SECONDS), httpx2.AsyncClient(timeout=1.0) as client:
            while self.port is not None:
                if not self.is_running:
                    raise RuntimeError(f"{self.name} ended by itself\n{self.log[-3000:]}")
                try:
                    await client.get(f"{self.url}/healthz")
                    return
                except httpx2.TransportError:
                    await asyncio.sleep(0.05)

    def forget(self) -> None:
        """Count kills and begin the log anew."""
        self.kills = 0
        self._log.write_bytes(b"")

    def kill(self) -> None:
        """kill -9: no goodbye to anybody."""
        self.kills += 1
        self.end(signal.SIGKILL)

    def freeze(self) -> None:
        """Let it stand still, as a machine does that is starved, until it is thawed."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on where it stood."""
        self._send(signal.SIGCONT)

    def _send(self, what: signal.Signals) -> None:
        if self._pid is not None and self.is_running:
            os.kill(self._pid, what)

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it, in good order if it is not said how."""
        if self._pid is not None:
            self.launcher.end(self._pid, how)
            self._pid = None

    @property
    def _log(self) -> Path:
        return self.folder / f"{self.name}.log"


class Cold:
    """Starts each program as whoever runs the product does: a Python that has yet to read the code."""

    def __init__(self) -> None:
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> int:
        module = "tests.chaos.mutants" if arguments[0] in MUTANTS else "server.cli"
        with log.open("ab") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=ROOT,
                env={**environment, PARENT: str(os.getpid())},  # should this process be killed, the program ends
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the tests first, and they end the programs
            )
        self._processes[process.pid] = process
        return process.pid

    def run(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> int:
        pid = self.start(arguments, environment, log)
        return self._processes.pop(pid).wait(120)

    def is_running(self, pid: int) -> bool:
        return self._processes[pid].poll() is None

    def end(self, pid: int, how: signal.Signals) -> None:
        process = self._processes.pop(pid)
        process.send_signal(how)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def environment(home: Path, database_url: str, redis_url: str | None) -> dict[str, str]:
    """What the product's programs are told, and nothing else of this process's environment."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DAOGOU_HOME": str(home),
        "DAOGOU_ENV": "production",
        "DAOGOU_LOG_LEVEL": "warning",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url or "",
        "SECRET_KEY": SECRET,
        "DATA_KEY": base64.b64encode(KEY).decode(),
    }
