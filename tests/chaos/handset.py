"""A phone in somebody's hand: it writes, it dies with an empty battery, and goes on from what its file holds."""

import asyncio
import random
import time
from contextlib import suppress
from pathlib import Path

from daogou_client import Mutation, Patience, Phone, Store
from daogou_client.news import Json
from daogou_client.sync import Reach
from tests.chaos.kept import KEPT
from tests.chaos.ledger import Ledger
from tests.chaos.people import Person
from tests.chaos.writes import DOCUMENTS, Maker
from tests.clients.crashing import dying_at
from tests.proxies import Proxy

# Everything goes quicker than in a hand: what takes a phone a minute is to happen many times in a test.
PATIENCE = Patience(
    connect=2.0, answer=4.0, ping=1.0, first_pause=0.1, longest_pause=1.0, poll=0.5, until_next_socket=1.0
)
_MOST_WAITING = 10


class Handset:
    """One device of one person's. `network` is what lies between it and the servers."""

    def __init__(
        self, name: str, person: Person, make: Maker, network: Proxy, folder: Path, ledger: Ledger, rng: random.Random
    ) -> None:
        self.name = name
        self.person = person
        self.network = network
        self.deaths = 0
        self.sent: list[Mutation] = []
        self._make = make
        self._folder = folder
        self._ledger = ledger
        self._rng = rng
        self._written = 0
        self._path = folder / f"{name}.db"
        self._switch_on()

    async def switched_off(self) -> None:
        """Stop, and close the file."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        await self.phone.aclose()
        self.store.close()

    async def die(self, within: float = 1.0) -> None:
        """Lose power at one of the next statements, and be switched on again with what the file held then."""
        self.deaths += 1
        into = self._folder / f"{self.name}-{self.deaths}.db"
        statement, until = self._rng.randrange(12), time.monotonic() + within
        with dying_at(self.store, statement, into) as seen:
            while seen.count <= statement and time.monotonic() < until:  # noqa: ASYNC110 - nobody is told
                await asyncio.sleep(0.01)
        await self.switched_off()
        self._path = into
        self._switch_on()

    @property
    def is_settled(self) -> bool:
        """Whether it is connected, up to date, and has heard of everything that it has sent."""
        return self.phone.reach is Reach.LIVE and not self.phone.outbox.waiting()

    async def is_live(self) -> None:
        """Return once it is connected and up to date."""
        phone = self.phone
        await phone.bell.until(lambda: phone.reach is Reach.LIVE)

    async def settled(self) -> None:
        """Return once it has nothing more to say or to hear."""
        await self.phone.bell.until(lambda: self.is_settled)

    async def written_on(self, pause: float) -> None:
        """Write now and then, about so many seconds apart, until cancelled."""
        while True:
            await asyncio.sleep(self._rng.expovariate(1 / pause))
            if len(self.phone.outbox.waiting()) < _MOST_WAITING:
                self.write()

    def write(self) -> str | None:
        """Write something, if the copy shows anything to write about; returns the key."""
        self._written += 1
        write = self._make(self.phone, self._rng, f"{self._ledger.name}.{self.name}.{self._written}")
        if write is None:
            return None
        key = self.phone.edit(DOCUMENTS[write.deed], write.variables, write.edits)
        self._ledger.writes[key] = write
        return key

    def _switch_on(self) -> None:
        self.store = Store(self._path)
        # The file outlives its program, and need not outlive this machine.
        self.store.db.execute("PRAGMA synchronous = OFF")
        self.phone = Phone(
            self.network.url,
            self.person,
            self.store,
            kinds=KEPT,
            patience=PATIENCE,
            on_sent=self._sent,
            on_refused=self._refused,
        )
        self._task = asyncio.create_task(self._run(self.phone))

    async def _run(self, phone: Phone) -> None:
        while True:
            try:
                await phone.run()
            except Exception as error:
                self._ledger.broken.append(f"{self.name}: {error!r}")
                await asyncio.sleep(0.5)

    def _sent(self, mutation: Mutation, payload: Json) -> None:
        self.sent.append(mutation)
        self._ledger.answered(mutation.key, payload)

    def _refused(self, mutation: Mutation) -> None:
        assert mutation.problem is not None
        self._ledger.refusals[mutation.key] = mutation.problem["code"]
        self.phone.outbox.dismiss(mutation.key)
