"""The product with one thing broken, for the checks to find: `python -m tests.chaos.mutants deaf serve`.

Nothing in the product knows of this: each mutant replaces a function before the program begins.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import UUID

import kernel.redis
import kernel.work
import schema.context
from kernel.feed import Place
from kernel.idempotency import Reference
from kernel.work import Ground, Work
from server import cli
from server.hub import Hub, Waiter

_LATE = 0.2


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


MUTANTS: dict[str, Callable[[], None]] = {
    "blind": blind, "deaf": deaf, "hasty": hasty, "late": late, "forgetful": forgetful
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


async def _for_ever(_hub: Hub) -> None:
    await asyncio.Event().wait()


def _replace(owner: Any, name: str, broken: Any) -> None:
    if not hasattr(owner, name):  # otherwise the mutant would break nothing, and prove nothing
        raise AttributeError(f"{owner} has no {name} any more: adapt the mutant")
    setattr(owner, name, broken)


if __name__ == "__main__":
    run(sys.argv[1:])
