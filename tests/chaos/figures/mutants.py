"""Workers that count to be killed, and a broken one for the check to find; see `tests.chaos.mutants`."""

import asyncio
import os
import random
import signal
from collections.abc import Callable, Collection
from itertools import count as numbers

from sqlalchemy import ColumnElement, true

import kpi.commands.recounting
import server.worker
from kernel.work import Work
from kpi.queries.store_days import StoreDay
from tests.chaos.replacing import replace

_PAUSE, _LASTS = 0.02, 0.05  # seconds between two countings, and that one takes longer


def restless() -> None:
    """Not broken, but counts all the time, and takes its time in the middle of it: others come in between."""
    count = kpi.commands.recounting.count

    async def slow(work: Work, days: Collection[StoreDay]) -> None:
        await asyncio.sleep(_LASTS)
        await count(work, days)
        await asyncio.sleep(_LASTS)

    replace(server.worker, "COUNTING_SECONDS", _PAUSE)
    replace(kpi.commands.recounting, "count", slow)


def dies_counting() -> None:
    """Killed once rows have gone and come, before the commit."""
    count, at, calls = kpi.commands.recounting.count, random.randint(1, 3), numbers(1)

    async def fatal(work: Work, days: Collection[StoreDay]) -> None:
        await count(work, days)
        if next(calls) == at:
            os.kill(os.getpid(), signal.SIGKILL)

    replace(kpi.commands.recounting, "count", fatal)


def greedy() -> None:
    """Takes all marks away that there are by then, and not only those that were read."""

    def any_one(*_: object) -> ColumnElement[bool]:
        return true()

    replace(kpi.commands.recounting, "OneOf", any_one)


MUTANTS: dict[str, Callable[[], None]] = {"restless": restless, "dies-counting": dies_counting, "greedy": greedy}
