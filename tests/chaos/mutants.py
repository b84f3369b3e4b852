"""The product with one thing broken, for the checks to find: `python -m tests.chaos.mutants deaf serve`.

Nothing in the product knows of this: each mutant replaces a function before the program begins.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any
from uuid import UUID

import kernel.clock
import kernel.jobs
import kernel.redis
import kernel.work
import schema.context
import server.worker
from intake.commands import inbox
from kernel.feed import Place
from kernel.idempotency import Reference
from kernel.work import Ground, Work
from server import cli
from server.hooks import applier
from server.hub import Hub, Waiter
from server.worker import Worker

_LATE = 0.2
# Later than as many as are under way at once, of which none would ever come to an end.
_MORTAL_AT = 9
_SHORT_LEASE = timedelta(seconds=2)
_calls = count(1)


def run(arguments: Sequence[str]) -> None:
    """A command of the product. A mutant's name before it breaks something first."""
    if arguments[0] in MUTANTS:
        MUTANTS[arguments[0]]()
        arguments = arguments[1:]
    sys.argv = ["daogou", *arguments]
    cli.main()


def blind() -> None:
    """Nobody looks at the heads of feeds: a poke is all that wakes. Not wrong yet as long as no poke is lost."""
    _replace(Hub, "_look", _for_ever)


def deaf() -> None:
    """Neither does anybody hear pokes: a listener hears nothing but what there was when it came."""
    blind()
    _replace(Hub, "_listen", _for_ever)


def hasty() -> None:
    """The poke goes out before the commit, and whoever it wakes trusts it."""
    blind()
    poke, settle = kernel.redis.poke, kernel.work.settle

    async def early(ground: Ground, work: Work) -> Mapping[UUID, Place]:
        heads = await settle(ground, work)
        await poke(ground.redis, heads)
        await asyncio.sleep(_LATE)
        return heads

    async def never(_redis: object, _feed_ids: object) -> None:
        return

    _replace(kernel.work, "settle", early)
    _replace(schema.context, "settle", early)
    _replace(kernel.redis, "poke", never)


def late() -> None:
    """The hub learns of a waiter when it begins to wait, and not before it reads."""
    blind()

    @contextmanager
    def watch(hub: Hub, feed_ids: Collection[UUID]) -> Iterator[Waiter]:
        yield _Late(hub, list(feed_ids), register)

    register = Hub.watch
    _replace(Hub, "watch", watch)


def forgetful() -> None:
    """Keys are not looked at: what is sent twice is done twice."""

    async def once(
        _session: object, _actor: object, _key: object, _name: object, _hash: object, act: Callable[[], Awaitable[Any]]
    ) -> Reference:
        done: Reference = await act()
        return done

    _replace(schema.context, "once", once)


def dies_before_keeping() -> None:
    """Not broken, but mortal: killed where a mall's message is written, and not committed yet."""
    _die_after(inbox, "take_in")


def dies_before_applying() -> None:
    """Killed between the commit of a mall's message and the job that applies it."""
    _die_before(applier.Applier, "see_to")


def dies_before_the_end() -> None:
    """Killed between what a mall's message does and the commit of its job."""
    _die_after(inbox, "apply")


def dies_at_the_end() -> None:
    """Killed after the commit of a mall's message's job, and before anybody is told."""
    _die_after(server.worker, "run")


def passes_on() -> None:
    """What malls send is left to the worker."""
    _shorten_leases()
    _replace(applier, "AT_ONCE", 0)


def keeps_no_job() -> None:
    """A message is kept without the job that applies it: the check has to see that it is lost."""
    passes_on()
    take_in = inbox.take_in

    async def forget(work: Work, *given: Any) -> bool:
        is_new = await take_in(work, *given)
        work.requests.clear()
        return is_new

    _replace(inbox, "take_in", forget)


def runs_fast() -> None:
    """Not broken, but its clock is an hour ahead."""
    _shift_clock(timedelta(hours=1))


def runs_slow() -> None:
    """Its clock is an hour behind."""
    _shift_clock(timedelta(hours=-1))


MUTANTS: dict[str, Callable[[], None]] = {
    "blind": blind, "deaf": deaf, "hasty": hasty, "late": late, "forgetful": forgetful,
    "dies-before-keeping": dies_before_keeping, "dies-before-applying": dies_before_applying,
    "dies-before-the-end": dies_before_the_end, "dies-at-the-end": dies_at_the_end,
    "passes-on": passes_on, "keeps-no-job": keeps_no_job,
    "runs-fast": runs_fast, "runs-slow": runs_slow,
}  # fmt: skip


class _Late(Waiter):
    """Registered only while it waits, and a moment late."""

    def __init__(self, hub: Hub, feed_ids: list[UUID], register: Any) -> None:
        super().__init__()
        self._watch = partial(register, hub, feed_ids)

    async def changed(self) -> None:
        await asyncio.sleep(_LATE)
        with self._watch() as waiter:
            await waiter.changed()


def _die_before(owner: Any, name: str) -> None:
    act = getattr(owner, name)

    async def die(*given: Any, **also: Any) -> Any:
        _perhaps_die()
        return await act(*given, **also)

    _shorten_leases()
    _replace(owner, name, die)


def _die_after(owner: Any, name: str) -> None:
    act = getattr(owner, name)

    async def die(*given: Any, **also: Any) -> Any:
        done = await act(*given, **also)
        _perhaps_die()
        return done

    _shorten_leases()
    _replace(owner, name, die)


def _perhaps_die() -> None:
    """kill -9, by one's own hand, in the middle of every so many: nothing of what is under way comes to an end."""
    if next(_calls) == _MORTAL_AT:
        os.kill(os.getpid(), signal.SIGKILL)


def _shorten_leases() -> None:
    """What a dead program had taken is free after seconds, as a test can't wait for a minute."""
    _replace(kernel.jobs, "LEASE", _SHORT_LEASE)
    _replace(server.worker, "Worker", _brisk)


def _brisk(*given: Any, **also: Any) -> Worker:
    """A worker that sweeps more often than the product's."""
    return Worker(*given, **also | {"sweep_seconds": 0.5})


def _shift_clock(by: timedelta) -> None:
    now = kernel.clock.now
    _replace(kernel.clock, "now", lambda: now() + by)


async def _for_ever(_hub: Hub) -> None:
    await asyncio.Event().wait()


def _replace(owner: Any, name: str, broken: Any) -> None:
    if not hasattr(owner, name):  # otherwise the mutant would break nothing, and prove nothing
        raise AttributeError(f"{owner} has no {name} any more: adapt the mutant")
    setattr(owner, name, broken)


if __name__ == "__main__":
    run(sys.argv[1:])
