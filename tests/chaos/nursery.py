"""Start programs of the product in a twentieth of the time: fork them from a process that has read all the code.

What runs is what `daogou` runs, with an environment, a log and a session of its own. This process reads one order
a line and answers each with a line; when nobody gives orders any more, it ends its programs and itself.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from server.serving import PARENT

ROOT = Path(__file__).parents[2]


class Nursery:
    """The far end of that process."""

    def __init__(self, *usual: str) -> None:
        """All its programs are to be mutants of that `usual` kind (see `mutants`), whatever else they are."""
        self._usual = usual
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.nursery"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C reaches the tests first, and they end the programs
        )
        self._turn = threading.Lock()

    def close(self) -> None:
        """End all programs, and the process."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(20)

    def start(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        *,
        complaints: Path | None = None,
        folder: Path = ROOT,
    ) -> int:
        """Start a program in a folder; returns the id of its process. Its complaints may have a log apart."""
        told = {"arguments": [*self._usual, *arguments], "environment": dict(environment), "folder": str(folder)}
        pid: int = self._ask(order="start", **told, logs=[str(log), str(complaints or log)])
        return pid

    def run(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path, **also: Path) -> int:
        """Run a program to its end, as `start` does; returns its exit status."""
        pid = self.start(arguments, environment, log, **also)
        while (status := self._ask(order="await", pid=pid)) is None:
            time.sleep(0.05)
        return int(status)

    def is_running(self, pid: int) -> bool:
        """Whether a program lives."""
        return bool(self._ask(order="look", pid=pid))

    def end(self, pid: int, how: signal.Signals) -> None:
        """Send a program a signal that ends it, and wait until it is gone."""
        self._ask(order="end", pid=pid, how=int(how))

    def _ask(self, **order: Any) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        with self._turn:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the nursery has ended")
        return json.loads(answer)


def main() -> None:
    """Carry out orders until there are no more."""
    # Read now, so that no program has to.
    from server import cli, figures_by_hand, importing, kpi_commands, migrating, serving  # noqa: F401
    from tests.chaos import mutants  # noqa: F401

    living: set[int] = set()
    try:
        for line in sys.stdin:
            order = json.loads(line)
            sys.stdout.write(json.dumps(_obey(order, living)) + "\n")
            sys.stdout.flush()
    finally:
        for pid in list(living):
            _end(pid, signal.SIGKILL, living)


def _obey(order: dict[str, Any], living: set[int]) -> Any:
    match order["order"]:
        case "start":
            pid = os.fork()
            if pid == 0:
                _become(order["arguments"], order["environment"], order["logs"], order["folder"])
            living.add(pid)
            return pid
        case "look":
            return order["pid"] in living and not _is_over(order["pid"], living)
        case "await":
            found, status = os.waitpid(order["pid"], os.WNOHANG)
            living.discard(found)
            return os.waitstatus_to_exitcode(status) if found else None
        case "end":
            return _end(order["pid"], signal.Signals(order["how"]), living)
        case other:
            raise ValueError(other)


def _become(arguments: list[str], environment: dict[str, str], logs: list[str], folder: str) -> NoReturn:
    """Be the program, in the child: nothing of the nursery is left but the code that it has read."""
    from tests.chaos import mutants

    status = 1
    try:
        os.setsid()
        parent = os.getppid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for place, log in enumerate(logs, start=1):
            os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), place)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment | {PARENT: str(parent)})
        mutants.run(arguments)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _is_over(pid: int, living: set[int]) -> bool:
    """Only this process asks how its children are, so a number stays theirs until it has been told."""
    found, _ = os.waitpid(pid, os.WNOHANG)
    if found:
        living.discard(pid)
    return bool(found)


def _end(pid: int, how: signal.Signals, living: set[int]) -> bool:
    """Twenty seconds for a program that was asked in good manners; then it is ended."""
    if pid not in living or _is_over(pid, living):
        return True
    os.kill(pid, how)
    until = time.monotonic() + 20
    while not _is_over(pid, living):
        if time.monotonic() > until:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
    return True


if __name__ == "__main__":
    main()
