"""How long the import of a large file takes, and how much memory, on both engines.

    DAOGOU_REAL_DATA=online-retail.csv.gz python -m tests.bench.import_speed

Each import runs in a process of its own: an empty database, the file, and the same file once more.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from server import migrating
from server.settings import Settings
from tests.servers import postgres

ROOT = Path(__file__).parents[2]
MEASURE = """
import resource, sys
from server import cli
try:
    cli.app(sys.argv[1:], prog_name="daogou", standalone_mode=False)
finally:
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"USED {used.ru_maxrss // 1024} {used.ru_utime + used.ru_stime:.1f}", file=sys.stderr)
"""


class Measured(NamedTuple):
    seconds: float
    processor_seconds: float
    mebibytes: int


def carry(file: Path, home: Path, database: str) -> Measured:
    """One import by the command line. Raises when it fails."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, "import", "orders", str(file), "--mapping", "online-retail", "--json"],
        cwd=ROOT,
        env={**os.environ, "DAOGOU_HOME": str(home), "DATABASE_URL": database},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(done.stderr)
    used = next(line for line in reversed(done.stderr.splitlines()) if line.startswith("USED")).split()
    return Measured(seconds, float(used[2]), int(used[1]))


def measure(name: str, file: Path, home: Path, database: str) -> None:
    asyncio.run(migrating.upgrade(Settings(daogou_home=home, database_url=database)))
    for title in ("first", "second"):
        found = carry(file, home, database)
        say(f"{name:10} {title:7} {found.seconds:6.1f} s {found.processor_seconds:6.1f} s {found.mebibytes:5} MiB")


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a measurement speaks to whoever started it


def main() -> None:
    place = os.environ.get("DAOGOU_REAL_DATA")
    if not place:
        raise SystemExit("DAOGOU_REAL_DATA must name the file to import.")
    file = Path(place).absolute()
    say("engine     import    wall  processor   peak")
    with tempfile.TemporaryDirectory() as folder:
        measure("sqlite", file, Path(folder), f"sqlite:///{folder}/bench.db")
        with postgres() as server:
            measure("postgres", file, Path(folder), server.create_database("bench_import"))


if __name__ == "__main__":
    main()
