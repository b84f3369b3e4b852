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

from server import filling, listening, migrating, serving
from server.errors import CANNOT_START
from server.settings import Settings

log = logging.getLogger(__name__)

_GRACE_SECONDS = 25
_LONGEST_PAUSE = 30.0


def up(settings: Settings) -> None:
    """Migrate, fill an empty database, say what to open, and serve until told to stop."""
    with listening.listen(settings) as port_taken, listening.alone(settings):
        asyncio.run(_prepare(settings))
        _say_where(settings)
        if settings.is_embedded:
            serving.serve(settings, port_taken)
            return
    raise SystemExit(_supervise("serve", "worker"))


async def _prepare(settings: Settings) -> None:
    await migrating.upgrade(settings)
    if settings.is_production:
        return  # nobody's password is printed, and nothing is made up, where real customers may be
    report = await filling.fill_if_empty(settings)
    if report is not None:
        filling.show_report(report)
    else:
        filling.show_sign_ins(await filling.who_can_sign_in(settings))


def _say_where(settings: Settings) -> None:
    console = Console(highlight=False)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    place = f"http://{host}:{settings.port}"
    page = " (GraphiQL in a browser)" if not settings.is_production else ""
    console.print(f"[bold]daogou[/bold] answers at [link={place}/graphql]{place}/graphql[/link]{page}.")
    console.print("Ctrl-C stops it." if settings.is_embedded else "Ctrl-C stops web and worker.")


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
