"""One server with its phones and writers, and what can be asked of them."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.bench.live.figures import Opened, Round
from tests.bench.live.orders import Program, program
from tests.bench.programs import Running, Used, used

AT_ONCE = 200  # sockets under way to being open: phones don't come in one instant, but not in good order either
PATIENCE = 10.0


@dataclass
class Scene:
    """`writes` gives orders to whoever writes: the writers beside the product, or the plain server itself."""

    server: Running
    swarm: Program
    writes: Program
    people: int = 0

    async def open(self, tokens: Sequence[str], people: Sequence[int], at_once: int = AT_ONCE) -> Opened:
        """Open a socket for each token, and have each answered."""
        self.people = len(set(people))
        before = used(self.server.pid)
        said = await self.swarm.ask("open", port=self.server.port, tokens=tokens, people=people, at_once=at_once)
        return self._opened(len(tokens), said, before)

    async def come_back(self, count: int, at_once: int = AT_ONCE) -> Opened:
        """Let all sockets that were cut come back from their cursors."""
        before = used(self.server.pid)
        said = await self.swarm.ask("come_back", at_once=at_once)
        return self._opened(count, said, before)

    async def round(self, what: str, rate: float, seconds: float, **more: Any) -> Round:
        """Write at a rate for some seconds, and judge what was heard of it."""
        before, started = await self._used(), time.monotonic()
        written = await self.writes.ask(what, rate=rate, seconds=seconds, among=self.people, **more)
        took = time.monotonic() - started
        shares = [(after - then) / took for after, then in zip(await self._used(), before, strict=True)]
        found = await self.judged(rate, written, took)
        spent = used(self.server.pid).processor_seconds - before[0]
        each = spent * 1e6 / max(1.0, found.per_second * took)
        return found._replace(server=shares[0], waited=shares[1], swarm=shares[2], writers=shares[3], microseconds=each)

    async def judged(self, rate: float, written: Any, took: float) -> Round:
        """What became of some writes that took so long."""
        judged = await self.swarm.ask("judge", writes=written, patience=PATIENCE)
        deliveries, told = judged.pop("deliveries"), judged.pop("bytes")
        return Round(
            wanted=rate,
            written=len(written) / took,
            per_second=deliveries / took,
            bytes_each=told / max(1, deliveries),
            **judged,
        )

    def memory(self) -> int:
        """KiB that the server holds."""
        return used(self.server.pid).kibibytes

    async def _used(self) -> tuple[float, float, float, float]:
        server = used(self.server.pid)
        return (
            server.processor_seconds,
            server.waited_seconds,
            await self.swarm.ask("used"),
            await self.writes.ask("used"),
        )

    def _opened(self, count: int, said: Any, before: Used) -> Opened:
        after = used(self.server.pid)
        return Opened(
            sockets=count,
            seconds=said["seconds"],
            half=said["median"],
            turned_away=said["turned_away"],
            processor_seconds=after.processor_seconds - before.processor_seconds,
            waited_seconds=after.waited_seconds - before.waited_seconds,
        )


@asynccontextmanager
async def scene(server: Running, writes: Program) -> AsyncIterator[Scene]:
    """A scene with phones of its own."""
    async with program("swarm") as swarm:
        for each in (swarm, writes):
            await each.ask("used")  # nothing is timed before all are there
        yield Scene(server, swarm, writes)
