"""`daogou` as somebody types it: a process each time, which reads the code anew until its command has worked once."""

import atexit
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.chaos.nursery import ROOT, Nursery

_worked: set[tuple[str, ...]] = set()


def daogou(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Type a command beside the folder `home`, and wait for its end.

    A command that lacks some of the code fails in a process of its own; to find that out once is enough, as reading
    the code takes longer than most commands.
    """
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DAOGOU_HOME": str(home), "COLUMNS": "100"}
    command = tuple(word for word in arguments[:2] if not word.startswith("-"))
    if command in _worked:
        return _forked(home, arguments, environment)
    done = subprocess.run(
        [sys.executable, "-m", "server.cli", *arguments],
        cwd=home.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode == 0:
        _worked.add(command)
    return done


def _forked(home: Path, arguments: tuple[str, ...], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    with TemporaryDirectory() as folder:
        said, complained = Path(folder) / "said", Path(folder) / "complained"
        status = _nursery().run(arguments, environment, said, complaints=complained, folder=home.parent)
        return subprocess.CompletedProcess(
            arguments, status, said.read_text(encoding="utf-8"), complained.read_text(encoding="utf-8")
        )


@cache
def _nursery() -> Nursery:
    made = Nursery()
    atexit.register(made.close)
    return made
