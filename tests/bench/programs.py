"""Run the product as a program of its own, as whoever installs it does."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx2 as httpx

from server.serving import PARENT
from tests.servers.processes import free_port

HOST = "127.0.0.1"
SECRET = "a key that is good enough to measure with"
DAOGOU = [sys.executable, "-m", "server.cli"]
_TICKS = os.sysconf("SC_CLK_TCK")


class Running(NamedTuple):
    """A program that answers on a port."""

    pid: int
    port: int


class Used(NamedTuple):
    """What a process has used until now, how long its main thread has waited for a processor, and what it holds."""

    processor_seconds: float
    waited_seconds: float
    kibibytes: int


def environment(**values: str) -> dict[str, str]:
    """The environment of a server to measure, with its keys and a port of its own."""
    return os.environ | {
        "PORT": str(free_port()),
        PARENT: str(os.getpid()),  # a measurement that is killed leaves no server behind
        "DAOGOU_LOG_LEVEL": "warning",
        "SECRET_KEY": SECRET,
        "DATA_KEY": "bWVhc3VyZS1tZWFzdXJlLW1lYXN1cmUtbWVhc3VyZSE=",
        **values,
    }


def run(*arguments: str, environment: Mapping[str, str]) -> None:
    """One `daogou` command, to its end."""
    subprocess.run([*DAOGOU, *arguments], env=environment, check=True)


@contextmanager
def serving(command: list[str], port: int, environment: Mapping[str, str]) -> Iterator[Running]:
    """A program that answers on this port, for as long as the block lasts."""
    process = subprocess.Popen(command, env=environment)
    try:
        _wait_for(process, port)
        yield Running(process.pid, port)
    finally:
        process.terminate()
        process.wait(30)


def used(pid: int) -> Used:
    """Read from /proc, so on Linux only."""
    spent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    held = Path(f"/proc/{pid}/statm").read_text().split()[1]
    seconds = (int(spent[11]) + int(spent[12])) / _TICKS
    waited = int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    return Used(seconds, waited, int(held) * os.sysconf("SC_PAGE_SIZE") // 1024)


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            httpx.get(f"http://{HOST}:{port}/healthz", timeout=1)
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError("the server doesn't answer")
