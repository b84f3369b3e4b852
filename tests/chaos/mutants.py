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
from tests.chaos.figures import mutants as counting
from tests.chaos.handing import mutants as moving
from tests.chaos.replacing import replace, shorten_waits

_LATE = 0.2
# Later than as many as are under way at once, of which none would ever come to an end.
_MORTAL_AT = 9
_calls = count(1)


def run(arguments: Sequence[str]) -> None:
    """A command of the product. Mutants' names before it break something first."""
    while arguments[0] in MUTANTS:
        MUTANTS[arguments[0]]()
        arguments = arguments[1:]
    sys.argv = ["daogou", *arguments]
    cli.main()


def blind() -> None:
    """Nobody looks at the heads of feeds: a poke is all that wakes. Not wrong yet as long as no poke is lost."""
    replace(Hub, "_look", _for_ever)


def deaf() -> None:
    """Neither does anybody hear pokes: a listener hears nothing but what there was when it came."""
    blind()
    replace(Hub, "_listen", _for_ever)


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

    replace(kernel.work, "settle", early)
    replace(schema.context, "settle", early)
    replace(kernel.redis, "poke", never)


def late() -> None:
    """The hub learns of a waiter when it begins to wait, and not before it reads."""
    blind()

    @contextmanager
    def watch(hub: Hub, feed_ids: Collection[UUID]) -> Iterator[Waiter]:
        yield _Late(hub, list(feed_ids), register)

    register = Hub.watch
    replace(Hub, "watch", watch)


def forgetful() -> None:
    """Keys are not looked at: what is sent twice is done twice."""

    async def once(
        _session: object, _actor: object, _key: object, _name: object, _hash: object, act: Callable[[], Awaitable[Any]]
    ) -> Reference:
        done: Reference = await act()
        return done

    replace(schema.context, "once", once)


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
    shorten_waits()
    replace(applier, "AT_ONCE", 0)


def keeps_no_job() -> None:
    """A message is kept without the job that applies it: the check has to see that it is lost."""
    passes_on()
    take_in = inbox.take_in

    async def forget(work: Work, *given: Any) -> bool:
        is_new = await take_in(work, *given)
        work.requests.clear()
        return is_new

    replace(inbox, "take_in", forget)


def waits_less() -> None:
    """Not broken at all, but a test has no minute for what a dead program had taken."""
    shorten_waits()


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
    "waits-less": waits_less, "runs-fast": runs_fast, "runs-slow": runs_slow,
    **moving.MUTANTS, **counting.MUTANTS,
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

    shorten_waits()
    replace(owner, name, die)


def _die_after(owner: Any, name: str) -> None:
    act = getattr(owner, name)

    async def die(*given: Any, **also: Any) -> Any:
        done = await act(*given, **also)
        _perhaps_die()
        return done

    shorten_waits()
    replace(owner, name, die)


def _perhaps_die() -> None:
    """kill -9, by one's own hand, in the middle of every so many: nothing of what is under way comes to an end."""
    if next(_calls) == _MORTAL_AT:
        os.kill(os.getpid(), signal.SIGKILL)


def _shift_clock(by: timedelta) -> None:
    now = kernel.clock.now
    replace(kernel.clock, "now", lambda: now() + by)


async def _for_ever(_hub: Hub) -> None:
    await asyncio.Event().wait()


if __name__ == "__main__":
    run(sys.argv[1:])
