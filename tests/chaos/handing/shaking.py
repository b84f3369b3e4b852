"""What happens to the programs and their servers meanwhile."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from redis.asyncio import Redis as Client

from tests.chaos.handing.mutants import STOPPED
from tests.chaos.house import House
from tests.chaos.programs import Program
from tests.chaos.replacing import SHORT_LEASE
from tests.servers import Postgres, Redis

OF_WORKERS = ("killed", "killed moving", "frozen moving", "killed moving", "fast", "killed", "slow", "frozen moving")
SHORT_ONES = ("killed moving", "killed")
_FROZEN = 3 * SHORT_LEASE.total_seconds()  # so long that another one has begun to move
_WRONG_CLOCK = 8.0  # seconds for which a worker's clock is an hour wrong
_UNTIL_MOVING = 12.0
_LOOK = 0.05
_MENDS_EVERY = 0.2
_TRIES = 5


@dataclass
class Shaking:
    """Web programs, workers, and their servers are shaken side by side; one trouble after the other to each of them.

    They come about so many seconds apart. `counts` says how often each. The workers are the house's and another one,
    which goes on with what the first has left.
    """

    house: House
    postgres: Postgres
    redis: Redis
    rng: random.Random
    every: float
    of_workers: Sequence[str] = OF_WORKERS
    broken: Sequence[str] = ()
    counts: Counter[str] = field(default_factory=Counter)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _mending: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Two workers that take their time; with something broken, if that is asked for."""
        worker = self.house.worker
        assert worker is not None
        self.house.also.append(
            Program("other-worker", ["worker"], worker.environment, self.house.folder, worker.launcher)
        )
        for each in self._workers:
            await self._be(each)
        for web in self.house.webs if self.broken else ():
            web.arguments = [*self.broken, "serve"]
            await self._again(web)
        await self._up()
        self.house.forget()
        self._mending = asyncio.create_task(self._mend())

    async def for_ever(self) -> None:
        """Until `over`; what is under way then is brought to its end."""
        await asyncio.gather(self._shake_webs(), self._shake_workers(), self._shake_servers())

    async def end(self) -> None:
        """Everything as it was."""
        if self._mending is not None:
            self._mending.cancel()
            await asyncio.gather(self._mending, return_exceptions=True)
        for other in self.house.also:
            await asyncio.to_thread(other.end, signal.SIGKILL)
        self.house.also.clear()
        for program in self.house.programs:
            usual = ["worker"] if program is self.house.worker else ["serve"]
            if program.arguments != usual:
                program.arguments = usual
                await self._again(program)
        await self._up()

    @property
    def _workers(self) -> list[Program]:
        return [each for each in (self.house.worker, *self.house.also) if each is not None]

    async def _shake_webs(self) -> None:
        while await self._is_to_go_on():
            await self._again(self.rng.choice(self.house.webs))
            self.counts["server killed"] += 1

    async def _shake_servers(self) -> None:
        while await self._is_to_go_on():
            async with Client.from_url(self.redis.url) as client:
                await client.flushall()
            self.counts["Redis emptied"] += 1
            if await self._is_to_go_on():
                await asyncio.to_thread(self.postgres.quit)
                await asyncio.to_thread(self.postgres.start)
                self.counts["PostgreSQL restarted at once"] += 1

    async def _shake_workers(self) -> None:
        while True:
            for kind in self.rng.sample(self.of_workers, len(self.of_workers)):
                if not await self._is_to_go_on(0.5):
                    return
                worker = self.rng.choice(self._workers)
                self.counts[f"worker {await self._shake(worker, kind)}"] += 1
                await self._be(worker)

    async def _shake(self, worker: Program, kind: str) -> str:
        """Says what came of it: whoever is to die moving may have had nothing to move."""
        match kind:
            case "killed moving":
                await self._be(worker, "dies-moving")
                return kind if await self._stops() else "killed"
            case "frozen moving":
                await self._be(worker, "naps")
                is_moving = await self._stops()
                worker.freeze()
                await asyncio.sleep(_FROZEN)
                worker.thaw()
                await asyncio.sleep(self.every / 2)  # to do whatever it was about to do
                return kind if is_moving else "frozen"
            case "fast" | "slow":
                await self._be(worker, f"runs-{kind}")
                await self._wait(_WRONG_CLOCK)
                return f"an hour {kind}"
            case _:
                return kind

    async def _be(self, worker: Program, *also: str) -> None:
        """Kill it, and start it as this."""
        worker.arguments = ["unhurried", *self.broken, *also, "worker"]
        self._stopped.unlink(missing_ok=True)
        await self._again(worker)

    async def _again(self, program: Program) -> None:
        async with self._turn:
            await asyncio.to_thread(program.end, signal.SIGKILL)
            program.start()

    async def _mend(self) -> None:
        """Start what has ended by itself: programs do so that find no database when they begin."""
        while True:
            async with self._turn:
                for program in self.house.programs:
                    program.start()
            await asyncio.sleep(_MENDS_EVERY)

    async def _up(self) -> None:
        """All answer. Whoever began while there was no database may be about to end, and begins anew."""
        for _ in range(_TRIES):
            with suppress(RuntimeError):
                await self.house.up()
                return
        await self.house.up()

    @property
    def _stopped(self) -> Path:
        return self.house.folder / STOPPED

    async def _stops(self) -> bool:
        """Whether it has come to the middle of a handover, and says that it stops there."""
        until = asyncio.get_running_loop().time() + _UNTIL_MOVING
        while asyncio.get_running_loop().time() < until and not self.over.is_set():
            if self._stopped.exists():
                return True
            await self._wait(_LOOK)
        return False

    async def _is_to_go_on(self, share: float = 1.0) -> bool:
        """Whether nobody has said, before the next trouble is due, that it is over."""
        await self._wait(self.rng.uniform(0.6, 1.4) * self.every * share)
        return not self.over.is_set()

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.over.wait(), seconds)
        except TimeoutError:
            return
