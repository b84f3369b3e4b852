"""Unpack Debian's redis-server into the project's own folder: nothing is installed, no right is needed."""

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.processes import ServerMissing

UNPACKED = Path(__file__).resolve().parents[2] / "var" / "test-servers"

STARTER = """#!/bin/sh
here=$(dirname "$0")
for folder in "$here"/usr/lib/*-linux-*; do LD_LIBRARY_PATH=$folder; done
export LD_LIBRARY_PATH
exec "$here/usr/bin/redis-server" "$@"
"""


def redis_of_debian(home: Path = UNPACKED) -> Path | None:
    """The program, or None where there is no apt-get or it can fetch nothing."""
    program = home / "redis" / "redis-server"
    if program.exists():
        return program
    if not all(map(shutil.which, ("apt-get", "apt-cache", "dpkg", "dpkg-query", "ldd"))):
        return None
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home) as scratch:
        unpacked = unpack(Apt(Path(scratch)))
        if unpacked is None:
            return None
        try:
            unpacked.rename(program.parent)
        except OSError:
            if not program.exists():  # otherwise another test run was faster
                raise
    return program


def unpack(apt: "Apt") -> Path | None:
    packages = ["redis-server", "redis-tools"]
    if not apt.download(packages):
        apt.refresh()
        if not apt.download(packages):
            return None
    folder = apt.unpacked()
    while missing := missing_libraries(folder):
        packages = apt.absent_libraries(packages)
        if not packages:
            raise ServerMissing(f"Debian's redis-server lacks {', '.join(missing)}: apt install redis-server.")
        if not apt.download(packages):
            return None
        folder = apt.unpacked()
    starter = folder / "redis-server"
    starter.write_text(STARTER)
    starter.chmod(0o755)
    return folder


def missing_libraries(folder: Path) -> list[str]:
    found = ":".join(str(libraries) for libraries in folder.glob("usr/lib/*-linux-*"))
    listed = subprocess.run(
        ["ldd", folder / "usr" / "bin" / "redis-server"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "LD_LIBRARY_PATH": found},
    )
    return re.findall(r"(\S+) => not found", listed.stdout)


@dataclass
class Apt:
    """Debian's package client, kept to one folder: it changes nothing of the machine's."""

    scratch: Path
    options: list[str] = field(default_factory=lambda: ["-o", "APT::Sandbox::User=root"])

    def refresh(self) -> None:
        """Fetch the package lists into the folder, for a machine that has none or old ones."""
        (self.scratch / "lists" / "partial").mkdir(parents=True)
        (self.scratch / "cache" / "archives" / "partial").mkdir(parents=True)
        self.options += ["-o", f"Dir::State::lists={self.scratch / 'lists'}"]
        self.options += ["-o", f"Dir::Cache={self.scratch / 'cache'}"]
        subprocess.run(["apt-get", *self.options, "update"], capture_output=True)

    def download(self, packages: list[str]) -> bool:
        into = self.scratch / "packages"
        into.mkdir(exist_ok=True)
        command = ["apt-get", *self.options, "download", *packages]
        return subprocess.run(command, cwd=into, capture_output=True).returncode == 0

    def unpacked(self) -> Path:
        into = self.scratch / "redis"
        for package in sorted((self.scratch / "packages").glob("*.deb")):
            subprocess.run(["dpkg", "-x", package, into], check=True)
        return into

    def absent_libraries(self, packages: list[str]) -> list[str]:
        """The libraries that these packages need and that the machine has not installed."""
        needed = subprocess.run(
            ["apt-cache", *self.options, "depends", "--important", *packages],
            capture_output=True,
            text=True,
            check=True,
        )
        listed = subprocess.run(
            ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n"],
            capture_output=True,
            text=True,
            check=True,
        )
        installed = {line.split()[0] for line in listed.stdout.splitlines() if line.endswith(" installed")}
        return sorted(set(re.findall(r"Depends: (lib\S+)", needed.stdout)) - installed)
