"""Bring everything up with one command, from an empty folder to something to look at."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

from rich.console import Console

from server import migrating, serving
from server.errors import CANNOT_START
from server.settings import Settings

log = logging.getLogger(__name__)

_GRACE_SECONDS = 25
_LONGEST_PAUSE = 30.0


def up(settings: Settings) -> None:
    """Migrate, fill an empty database, say what to open, and serve until told to stop."""
    with serving.listen(settings) as listening, serving.alone(settings):
        asyncio.run(migrating.upgrade(settings))
        _say(settings)
        if settings.is_embedded:
            serving.serve(settings, listening)
            return
    raise SystemExit(_supervise("serve", "worker"))


def _say(settings: Settings) -> None:
    console = Console(highlight=False)
    console.print(f"\n[bold]daogou[/bold] serves on [link]http://{settings.host}:{settings.port}[/link]")
    console.print("Ctrl-C stops it.\n")


@dataclass(slots=True)
class _Child:
    """One process of several; while `again_at` is set it has ended and waits to be started again."""

    command: str
    process: subprocess.Popen[bytes]
    started: float
    pause: float = 1.0
    again_at: float | None = None


def _supervise(*commands: str) -> int:
    """Run commands side by side until told to stop; returns the exit code.

    One that fails is started again, ever more patiently; one that can't start at all ends all of them.
    """
    stopping = False

    def stop(_signum: int, _frame: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    children = [_Child(command, _spawn(command), time.monotonic()) for command in commands]
    try:
        while not stopping:
            time.sleep(0.2)
            for child in children:
                if child.process.poll() == CANNOT_START:
                    return CANNOT_START
                _look_after(child, time.monotonic())
        return 0
    finally:
        _end(children)


def _look_after(child: _Child, now: float) -> None:
    code = child.process.poll()
    if code is None:
        return
    if child.again_at is None:
        child.pause = 1.0 if now - child.started > 60 else min(child.pause * 2, _LONGEST_PAUSE)
        child.again_at = now + child.pause
        log.error("process_ended", extra={"command": child.command, "code": code, "again_in": child.pause})
    elif now >= child.again_at:
        child.process, child.started, child.again_at = _spawn(child.command), now, None


def _spawn(command: str) -> subprocess.Popen[bytes]:
    # A group of its own: Ctrl-C reaches this process alone, which then ends the others in order.
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "server.cli", command],
        env=os.environ | {serving.PARENT: str(os.getpid())},
        start_new_session=True,
    )


def _end(children: list[_Child]) -> None:
    for child in children:
        child.process.terminate()
    deadline = time.monotonic() + _GRACE_SECONDS
    for child in children:
        try:
            child.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.process.kill()
