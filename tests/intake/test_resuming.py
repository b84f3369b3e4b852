"""An import that was killed goes on where it stopped."""

import asyncio
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession

from intake.errors import ImportBusy, ImportLost
from intake.models import ImportRun, Phase
from intake.queries import catalogue
from kernel import clock
from kernel.work import Ground
from mall.commands.catalogue import LastSold
from server import carry_in
from tests.intake.carrying import SMALL, STAGING, carry, counts, small_lines, snapshot, write

ROOT = Path(__file__).parents[2]

# Imports a file in a process of its own and kills that process, with no chance to tidy up, when the
# given phase has reported the given number of steps.
KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from kernel.db import Database
from kernel.redis import connect
from kernel.work import Ground
from server.wiring import wiring
from intake.commands import invoices, stage, steps
from tests.intake.carrying import carry

url, file, phase, after = sys.argv[1:]
invoices.AT_ONCE, steps.CUSTOMERS_AT_ONCE, stage.INVOICES_AT_ONCE = 20, 5, 50
seen = 0

def progress(now, done, total):
    global seen
    seen += now == phase
    if seen >= int(after):
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(carry(Ground(Database(url), connect(None), wiring), Path(file), progress=progress))
"""

POINTS = [
    ("read", 1),
    ("compare", 2),
    ("customers", 1),
    ("invoices", 5),
    ("finishing", 1),
    ("done", 1),
]


async def kill(url: str, file: Path, phase: str, after: int) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, url, str(file), phase, str(after), cwd=ROOT, stderr=subprocess.PIPE
    )
    _, said = await process.communicate()
    assert process.returncode is not None
    assert process.returncode in (0, -signal.SIGKILL), said.decode()
    return process.returncode


async def let_go(ground: Ground) -> None:
    """Time passes: the lease of the killed process is over."""
    async with ground.db.write() as session:
        await session.execute(text("update import_run set lease_until = started_at"))


@pytest.mark.parametrize(("phase", "after"), POINTS)
async def test_a_killed_import_ends_as_if_it_had_not_been_killed(
    ground: Ground, database_url: str, tmp_path: Path, phase: str, after: int
) -> None:
    assert await kill(database_url, SMALL, phase, after) == -signal.SIGKILL
    done = (await counts(ground, "mall_order"))[0]
    await let_go(ground)

    report = await carry(ground, SMALL)

    assert report.resumed is (phase in ("customers", "invoices", "finishing"))
    assert bool(done) is (phase in ("finishing", "done") or (phase, after) == ("invoices", 5))
    assert await counts(ground, *STAGING) == [0, 0, 0, 0]
    killed = await snapshot(ground)
    await carry(ground, SMALL, brand_code="unharmed")
    both = await snapshot(ground)
    for name, rows in both.items():
        if name not in ("brand", "feeds"):
            assert rows == sorted(killed[name] * 2), name


async def test_whoever_comes_at_once_waits_for_the_lease_of_the_killed(
    ground: Ground, database_url: str, tmp_path: Path
) -> None:
    await kill(database_url, SMALL, "invoices", 3)

    report = await carry(ground, SMALL)

    assert report.resumed


async def test_another_file_finishes_the_interrupted_one_first(
    ground: Ground, database_url: str, tmp_path: Path
) -> None:
    header, *lines = small_lines()
    other = write(tmp_path / "other.csv", [header, lines[0].replace("C536379", "C999999")])
    await kill(database_url, SMALL, "customers", 2)
    await let_go(ground)

    report = await carry(ground, other)

    assert not report.resumed
    assert report.counts["invoices"] == {"new": 1, "changed": 0, "unchanged": 0}
    assert await counts(ground, "imported_invoice", "import_run where finished_at is null") == [285, 0]


async def test_two_at_once_are_refused(ground: Ground, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await kill(database_url, SMALL, "invoices", 3)
    async with ground.db.write() as session:
        await session.execute(update(ImportRun).values(lease_until=clock.now() + timedelta(hours=1)))
    monkeypatch.setattr(carry_in, "_PATIENCE", 0.3)
    before = await snapshot(ground)

    with pytest.raises(ImportBusy):
        await carry(ground, SMALL)

    assert await snapshot(ground) == before


async def test_whoever_lost_an_import_writes_no_more(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that slept through its lease finds another token in the row."""

    async def robbed(session: AsyncSession, run: ImportRun) -> list[LastSold]:
        async with ground.db.write() as writing:
            await writing.execute(update(ImportRun).values(token=uuid4()))
        return []

    monkeypatch.setattr(catalogue, "out_of_date", robbed)

    with pytest.raises(ImportLost):
        await carry(ground, SMALL)

    async with ground.db.read() as session:
        assert await session.scalar(text("select finished_at from import_run")) is None


async def test_a_phase_is_noted_with_what_was_done_in_it(ground: Ground, database_url: str) -> None:
    await kill(database_url, SMALL, "invoices", 4)

    async with ground.db.read() as session:
        phase, position = (await session.execute(text("select phase, position from import_run"))).one()
        last = await session.scalar(text("select max(number) from imported_invoice"))
    assert phase == Phase.INVOICES.value
    assert position == last
