"""What needs no programs: many steps of phones that wander in one process, and many writers of one feed."""

import time

from kernel.work import Ground
from tests.chaos.report import Report
from tests.kernel.racing import run as race
from tests.scenarios.wandering import run as wander

_SHOWN = 5


async def random_walks(ground: Ground, seed: int, *, walks: int, steps: int) -> Report:
    """Walks of so many steps, each with the next seed; after each step, copies that are up to date are compared."""
    started = time.monotonic()
    report = Report("random-walks", seed)
    for number in range(walks):
        walked = await wander(ground, seed + number, steps)
        report.written += walked.steps
        report.acknowledged += walked.steps - walked.refused
        report.refused += walked.refused
        report.changes += walked.changes
        report.compared += walked.compared
        report.lost += [f"seed {walked.seed}: {line}" for line in walked.differences[:_SHOWN]]
    report.seconds = time.monotonic() - started
    return report


async def many_writers(ground: Ground, seed: int, *, writers: int, changes: int) -> Report:
    """One feed, so many writers, and a reader that must see each change once."""
    started = time.monotonic()
    raced = await race(ground, writers, changes)
    return Report(
        name="many-writers",
        seed=seed,
        seconds=time.monotonic() - started,
        written=changes,
        acknowledged=raced.written,
        changes=len(raced.seen),
        lost=[f"{raced.lost} changes"] * raced.lost,
        doubled=[f"{raced.doubled} changes"] * raced.doubled,
    )
