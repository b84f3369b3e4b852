"""What happens to the programs and their servers meanwhile."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from redis.asyncio import Redis as Client

from tests.chaos.house import House
from tests.servers import Postgres, Redis

LEASE_SECONDS = 20.0  # longer than the lease of whoever moves a handover
TROUBLES = ("kill web", "kill worker", "flush", "postgres", "frozen worker", "fast worker", "slow worker")
SHORT_ONES = ("kill web", "kill worker", "flush", "postgres")


@dataclass
class Shaking:
    """One trouble after the other, about so many seconds apart. `counted` says how often each."""

    house: House
    postgres: Postgres
    redis: Redis
    rng: random.Random
    every: float
    kinds: Sequence[str] = TROUBLES
    counted: Counter[str] = field(default_factory=Counter)

    async def for_ever(self) -> None:
        """Each kind in turn, in an order by chance, so that a run of some length has had all of them."""
        while True:
            for kind in self.rng.sample(self.kinds, len(self.kinds)):
                await asyncio.sleep(self.rng.uniform(0.6, 1.4) * self.every)
                await self._one(kind)
                self.counted[kind] += 1

    async def good(self) -> None:
        """Everything as it should be again."""
        worker = self.house.worker
        assert worker is not None
        worker.thaw()
        if worker.arguments != ["worker"]:
            await self._begin_worker(["worker"])
        await asyncio.to_thread(self.postgres.start)
        await asyncio.to_thread(self.redis.start)
        await self.house.up()

    async def _one(self, kind: str) -> None:
        worker = self.house.worker
        assert worker is not None
        match kind:
            case "kill web":
                web = self.rng.choice(self.house.webs)
                await asyncio.to_thread(web.kill)
                web.start()
                await web.ready()
            case "kill worker":
                await asyncio.to_thread(worker.kill)
                worker.start()
            case "flush":
                async with Client.from_url(self.redis.url) as client:
                    await client.flushall()
            case "postgres":
                await asyncio.to_thread(self.postgres.quit)
                await asyncio.to_thread(self.postgres.start)
            case "frozen worker":
                worker.freeze()
                await asyncio.sleep(LEASE_SECONDS)
                worker.thaw()
            case "fast worker" | "slow worker":
                await self._begin_worker([kind.replace("fast worker", "runs-fast").replace("slow worker", "runs-slow")])
                await asyncio.sleep(self.every)
                await self._begin_worker([])
            case _:
                raise ValueError(kind)

    async def _begin_worker(self, before: Sequence[str]) -> None:
        worker = self.house.worker
        assert worker is not None
        await asyncio.to_thread(worker.kill)
        worker.arguments = [*(each for each in before if each != "worker"), "worker"]
        worker.start()
