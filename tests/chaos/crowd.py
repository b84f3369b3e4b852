"""People with phones, in a house that is being shaken."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from tagging.models import Tag
from tests.chaos import copies, effects
from tests.chaos.ear import Ear
from tests.chaos.ghosts import haunted
from tests.chaos.handset import Handset
from tests.chaos.house import House
from tests.chaos.ledger import Ledger
from tests.chaos.network import troubled
from tests.chaos.people import Person
from tests.chaos.writes import Maker, of_guide, of_headquarters, of_manager
from tests.proxies import Proxy

EVERYBODY, NOBODY = slice(None), slice(0)

Trouble = Coroutine[Any, Any, None]


@dataclass
class Crowd:
    """The phones, and the ears beside them that keep account of how often and how late things are told."""

    house: House
    seed: int
    ledger: Ledger
    handsets: list[Handset]
    ears: list[Ear]
    changes: int
    started: float = field(default_factory=time.monotonic)

    def rng(self, what: str) -> random.Random:
        """Chance for one purpose: the same seed gives the same."""
        return random.Random(f"{self.seed} {what}")

    def networks(self, pause: float) -> list[Trouble]:
        """Trouble on everybody's way to the servers, every so many seconds."""
        ports = self.house.ports
        ways = {each.name: each.network for each in self.handsets} | {each.name: each.network for each in self.ears}
        return [troubled(way, ports, self.rng(f"way of {name}"), pause) for name, way in ways.items()]

    def ghosts(self, pause: float) -> Trouble:
        """Somebody who sends once more what was sent."""
        return haunted(self.handsets, self.ledger, self.rng("ghosts"), pause)

    async def batteries(self, pause: float) -> None:
        """A phone dies every so many seconds, until cancelled."""
        rng = self.rng("batteries")
        while True:
            await asyncio.sleep(rng.expovariate(1 / pause))
            death = asyncio.create_task(rng.choice(self.handsets).die())
            try:
                await asyncio.shield(death)
            finally:
                await death  # not halfway

    async def work(self, plan: Trouble, troubles: Sequence[Trouble] = (), *, pause: float = 0.3) -> None:
        """Write and listen for as long as the plan takes, while this and that happens."""
        until = asyncio.create_task(plan)
        tasks = [asyncio.create_task(each) for each in troubles]
        tasks += [asyncio.create_task(each.written_on(pause)) for each in self.handsets]
        try:
            await asyncio.wait([until, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in (until, *tasks):
                if task.done():
                    task.result()
        finally:
            await _ended([until, *tasks])

    async def until(self, seconds: float, enough: int | None = None, *, kills: int = 0) -> None:
        """A plan: so many seconds, or until so many writes are acknowledged; but so many kills come first."""
        over = time.monotonic() + seconds
        while self.house.kills < kills:  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.1)
        while time.monotonic() < over and (enough is None or self.ledger.acknowledged < enough):  # noqa: ASYNC110
            await asyncio.sleep(0.1)

    async def told(self, changes: int) -> None:
        """A plan: until every ear was told of so many changes more."""
        wanted = [len(ear.delays) + changes for ear in self.ears]
        while any(len(ear.delays) < count for ear, count in zip(self.ears, wanted, strict=True)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)

    async def repeated(self, times: int) -> None:
        """A plan: until so many writes were sent once more, and answered."""
        while self.ledger.repeats < times:  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.05)

    async def calm_down(self, within: float) -> list[str]:
        """Wait until all phones are up to date and have nothing more to say; returns who is not after so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await asyncio.gather(*(each.settled() for each in self.handsets))
        return [
            f"{each.name} does not come to rest: {each.phone.reach}, {len(each.phone.outbox.waiting())} waiting"
            for each in self.handsets
            if not each.is_settled
        ]

    async def last_words(self, within: float) -> list[str]:
        """Everybody is connected and writes once more: it must get to everybody without anybody reconnecting."""
        restless = await self.calm_down(within)
        for handset in self.handsets:
            handset.write()
        return restless + await self.calm_down(within)


@asynccontextmanager
async def crowd(house: House, seed: int, *, who: slice = EVERYBODY) -> AsyncIterator[Crowd]:
    """Phones for people of the house, each behind a network of its own, all with a whole copy."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(dir=house.folder)))
        house.forget()
        ledger = Ledger(await effects.versions(house.ground))
        made = Crowd(house, seed, ledger, [], [], await effects.changes(house.ground))
        ports = cycle(house.ports)
        for number, (person, make) in enumerate((await _owners(house))[who]):
            network = await stack.enter_async_context(Proxy(next(ports)))
            name = f"{person.name}-{number}"
            handset = Handset(name, person, make, network, folder, made.ledger, made.rng(f"hand of {name}"))
            stack.push_async_callback(handset.switched_off)
            made.handsets.append(handset)
        for number, person in enumerate(house.people.second[:2]):
            network = await stack.enter_async_context(Proxy(next(ports)))
            known = {id for kind, id in await copies.fresh(network.url, person) if kind == "VISIT"}
            made.ears.append(Ear(f"ear-{number}", person, network, known))
        await stack.enter_async_context(_listening(made.ears))
        await made.calm_down(20.0)
        yield made


@asynccontextmanager
async def _listening(ears: Sequence[Ear]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(ear.listen()) for ear in ears]
    try:
        async with asyncio.timeout(20.0):
            await asyncio.gather(*(ear.is_listening() for ear in ears))
        yield
    finally:
        await _ended(tasks)


async def _ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _owners(house: House) -> list[tuple[Person, Maker]]:
    """Who has a phone, and what they do with it. The first guide has two."""
    people = house.people
    accounts = [str(guide.account_ids[0]) for guide in people.world.shops[0].guides]
    async with house.ground.db.read() as session:
        tag_ids = [str(tag_id) for tag_id in await session.scalars(select(col(Tag.id)))]
    manager, guide, other = people.first
    return [
        (manager, of_manager(accounts, reassigns=True)),
        (guide, of_guide),
        (people.second[1], of_guide),
        (people.second[0], of_manager(accounts, reassigns=False)),
        (guide, of_guide),
        (other, of_guide),
        (people.headquarters, of_headquarters(tag_ids)),
    ]
