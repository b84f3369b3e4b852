"""Movers of handovers to be shaken, and broken ones for the checks to find; see `tests.chaos.mutants`."""

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable
from functools import partialmethod
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import customers.commands.relationships
import handover.commands.leasing
import handover.commands.leftovers
import handover.commands.moving
import handover.models.handovers
import handover.models.pacing
import handover.queries.moving
import server.handing_over
from handover.commands.leasing import LeaseLost
from handover.models import HandoverState
from handover.models.pacing import Pace
from kernel.work import Work
from server.handing_over import Mover
from tests.chaos.replacing import SHORT_LEASE, replace, shorten_waits

STOPPED = "stopped"
_FEW, _BETWEEN = 3, 0.05  # relationships in a transaction, and seconds until the next


def unhurried() -> None:
    """Not broken, but takes its time over handovers, so that others come in between: few at once, with pauses.

    Leases last seconds only: whoever stands still loses theirs soon.
    """

    chunk = Mover._chunk

    async def unhurried_chunk(mover: Mover, *given: Any) -> None:
        await chunk(mover, *given)
        await asyncio.sleep(_BETWEEN)

    shorten_waits()
    replace(handover.models.handovers, "LEASE", SHORT_LEASE)
    replace(handover.queries.moving, "LEASE", SHORT_LEASE)
    replace(handover.queries.moving, "_STARTS_WITHIN", SHORT_LEASE)
    replace(server.handing_over, "SILENT", SHORT_LEASE.total_seconds() / 5)
    for bound in ("FEWEST", "MOST"):
        replace(handover.models.pacing, bound, _FEW)
    replace(Mover, "_chunk", unhurried_chunk)
    replace(Mover, "__init__", partialmethod(Mover.__init__, pace=Pace(_FEW), tag_pace=Pace(_FEW)))


def dies_moving() -> None:
    """Killed between two chunks of a handover, or in the middle of one."""
    _stop_moving(signal.SIGKILL, is_between=random.random() < 0.5)


def naps() -> None:
    """Stands still between two chunks of a handover, until it is thawed."""
    _stop_moving(signal.SIGSTOP, is_between=True)


def unfenced() -> None:
    """Whoever has lost the lease of a handover goes on moving it."""

    async def hold(work: Work, handover_id: UUID, token: UUID) -> Any:
        found = await handover.queries.moving.lock(work.session, work.actor.brand_id, handover_id)
        if found is None or found.state is not HandoverState.MOVING:
            raise LeaseLost
        return found

    for module in (handover.commands.leasing, handover.commands.leftovers, handover.commands.moving):
        replace(module, "hold", hold)
    replace(handover.commands.moving, "hold_beside", hold)


def careless() -> None:
    """Nobody looks whether a relationship is still as the one who changes it has seen it."""
    replace(customers.commands.relationships, "require_version", lambda *_: None)


def _stop_moving(how: signal.Signals, *, is_between: bool) -> None:
    """At one of the first steps of a handover: before it begins, or before it is committed. A file says so."""
    do, at, steps = Mover.do, random.randint(2, 6), count(1)

    def stop() -> None:
        (Path(os.environ["DAOGOU_HOME"]) / STOPPED).touch()
        os.kill(os.getpid(), how)

    async def stopping(mover: Mover, step: Callable[..., Awaitable[Any]]) -> Any:
        is_now = next(steps) == at
        if is_now and is_between:
            stop()

        async def watched(work: Work, handover_id: UUID, token: UUID) -> Any:
            done = await step(work, handover_id, token)
            if is_now and not is_between:
                stop()
            return done

        return await do(mover, watched)

    replace(Mover, "do", stopping)


MUTANTS: dict[str, Callable[[], None]] = {
    "unhurried": unhurried, "dies-moving": dies_moving, "naps": naps,
    "unfenced": unfenced, "careless": careless,
}  # fmt: skip
