"""Start a server in a folder of its own, and make sure that it ends with the test run."""

import importlib.util
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

START_SECONDS = 30
STOP_SECONDS = 30


class ServerMissing(RuntimeError):
    """There is no such server on this machine; the message says what to install."""


# end first (an empty line: none is left); then the folder goes.
GUARD = """
while read -r line; do pid=$line; done
if [ -n "$pid" ]; then
    kill -"$2" "$pid" 2>/dev/null
    tries=0
    while kill -0 "$pid" 2>/dev/null && [ "$tries" -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
fi
rm -rf "$1"
"""


@dataclass(frozen=True)
class Account:
    """Whom a server runs as; without a name, as whoever runs the tests."""

    name: str | None = None

    @property
    def options(self) -> dict[str, Any]:
        if self.name is None:
            return {}
        entry = pwd.getpwnam(self.name)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def may_run(self, program: Path) -> bool:
        try:
            return version(program, self) is not None
        except OSError:
            return False


@dataclass
class Process:
    """A server in a folder of its own, to be stopped, killed and started again on the same data and port."""

    command: list[str]
    folder: Path
    account: Account
    is_ready: Callable[[int], bool]
    stop_signal: signal.Signals
    guard: subprocess.Popen[str]
    running: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        if self.running is None:
            raise RuntimeError("The server is not running.")
        return self.running.pid

    def start(self) -> None:
        """Start the server and return when it answers."""
        deadline = time.monotonic() + START_SECONDS
        if self.running and self.running.poll() is not None:  # it ended by itself, or a test ended it by its pid
            self.running = None
        while self.running is None:
            if self._answers(self._launch(), deadline):
                return
            self.running = None
            # After a kill the old backends may hold the data for a moment longer.
            if time.monotonic() > deadline or "shared memory" not in self._log():
                raise RuntimeError(f"The server did not start.\n{self._log()}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End it in good order. A server that is not running stays so."""
        self._end(self.stop_signal)

    def kill(self) -> None:
        """End it as a power cut would: no warning, no flush."""
        self._end(signal.SIGKILL)

    def quit(self) -> None:
        """End it at once, with a word to its own processes but without a flush: PostgreSQL's immediate shutdown."""
        self._end(signal.SIGQUIT)

    def _answers(self, started: subprocess.Popen[bytes], deadline: float) -> bool:
        while started.poll() is None:
            if self.is_ready(started.pid):
                return True
            if time.monotonic() > deadline:
                self.kill()
                return False
            time.sleep(0.01)
        return False

    def _launch(self) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("wb") as log:
            self.running = subprocess.Popen(
                self.command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the tests first, and they end the server
                **self.account.options,
            )
        self._tell_guard(str(self.running.pid))
        return self.running

    def _end(self, how: signal.Signals) -> None:
        if self.running is None:
            return
        self.running.send_signal(how)
        try:
            self.running.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.running.kill()
            self.running.wait()
        self.running = None
        self._tell_guard("")

    def _tell_guard(self, line: str) -> None:
        assert self.guard.stdin is not None
        self.guard.stdin.write(f"{line}\n")
        self.guard.stdin.flush()

    def _log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-2000:]


@contextmanager
def guarded_folder(kind: str, account: Account, last_signal: str) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    """A temporary folder which the account owns and a guard removes, together with the server in it."""
    folder = account_folder(kind, account)
    guard = subprocess.Popen(
        ["/bin/sh", "-c", GUARD, "guard", str(folder), last_signal],
        stdin=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield folder, guard
    finally:
        assert guard.stdin is not None
        guard.stdin.close()
        guard.wait()


def account_folder(kind: str, account: Account) -> Path:
    # The usual place for temporary files may be closed to another account.
    for parent in dict.fromkeys([tempfile.gettempdir(), "/tmp", "/var/tmp"]):  # noqa: S108
        folder = Path(tempfile.mkdtemp(prefix=f"daogou-{kind}-", dir=parent))
        if account.name is None:
            return folder
        shutil.chown(folder, account.name)
        if subprocess.run(["test", "-w", folder], **account.options).returncode == 0:
            return folder
        folder.rmdir()
    raise ServerMissing(f"The account {account.name} can reach no folder for temporary files: open /tmp to it.")


def free_port() -> int:
    """A loopback port below those the kernel gives to outgoing connections.

    A client that keeps trying the port of a stopped server could otherwise be given that very port itself,
    and the server could not come back.
    """
    candidates = random.SystemRandom().sample(range(20000, 30000), 100)
    for port in candidates:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("No free port between 20000 and 30000.")


def version(program: Path, account: Account | None = None) -> tuple[int, ...] | None:
    """The version a program prints, or None where it cannot run here."""
    options = account.options if account else {}
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, **options)
    found = re.search(r"\d+(\.\d+)*", answer.stdout)
    if answer.returncode != 0 or found is None:
        return None
    return tuple(int(part) for part in found[0].split("."))


def wheel(package: str) -> Path | None:
    """The folder of an installed package, without importing it."""
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else None


@dataclass
class Server:
    url: str
    process: Process | None = field(repr=False)

    @property
    def pid(self) -> int:
        return self._ours.pid

    def start(self) -> None:
        self._ours.start()

    def stop(self) -> None:
        self._ours.stop()

    def kill(self) -> None:
        self._ours.kill()

    def quit(self) -> None:
        self._ours.quit()

    @property
    def _ours(self) -> Process:
        if self.process is None:
            raise RuntimeError("This server was given by its address: it is not for the tests to stop or start.")
        return self.process
