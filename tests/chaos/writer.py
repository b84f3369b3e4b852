"""Somebody who writes without a queue: sends each write until it is answered, and notes every answer."""

import time
from asyncio import sleep
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import uuid4

from daogou_client import Rejected, Server, TokenRefused, Unreachable
from tests.chaos.handset import PATIENCE
from tests.chaos.house import House
from tests.chaos.ledger import Ledger
from tests.chaos.people import Person
from tests.chaos.writes import DOCUMENTS, Write, order, visit

_AGAIN = 0.1


@dataclass
class Writer:
    """Does one kind of thing. `answers` counts codes, `took` are seconds from an attempt to its answer."""

    name: str
    person: Person
    make: Callable[[str], Write]
    ledger: Ledger
    answers: Counter[str] = field(default_factory=Counter)
    took: list[float] = field(default_factory=list)
    _written: int = 0

    async def write(self, server: Server) -> str:
        """Do it once more, however often it has to be sent; returns the id of the new row."""
        self._written += 1
        mark, key = f"{self.ledger.name}.{self.name}.{self._written}", str(uuid4())
        write = self.make(mark)
        self.ledger.writes[key] = write
        while True:
            payload = await self._attempt(server, DOCUMENTS[write.deed], {**write.variables, "idempotencyKey": key})
            if payload is not None:
                return self.ledger.answered(key, payload)
            await sleep(_AGAIN)

    async def writes(self, url: str, pause: float) -> None:
        """One after the other to the server at this address, until cancelled."""
        server = Server(url, self.person, PATIENCE)
        try:
            while True:
                await self.write(server)
                await sleep(pause)
        finally:
            await server.aclose()

    async def _attempt(self, server: Server, document: str, variables: dict[str, Any]) -> dict[str, Any] | None:
        started = time.monotonic()
        code, payload = "done", None
        try:
            [payload] = (await server.ask(document, variables)).values()
        except Unreachable as lost:
            code = lost.code
        except TokenRefused:
            code = "TOKEN_REFUSED"
        except Rejected as rejected:
            code = rejected.code
        self.took.append(time.monotonic() - started)
        if payload is not None and payload["__typename"] == "Problem":
            code, payload = payload["code"], None
        self.answers[code] += 1
        return payload


def visitor(house: House, ledger: Ledger, name: str = "visitor") -> Writer:
    """A guide who notes visits of a customer of the second shop."""
    people = house.people
    return Writer(name, people.second[1], partial(visit, people.customer_of_second), ledger)


def visitors(house: House, ledger: Ledger) -> list[Writer]:
    """One for each web program."""
    return [visitor(house, ledger, f"visitor-{number}") for number, _ in enumerate(house.webs)]


def tills(house: House, ledger: Ledger) -> list[Writer]:
    """One for each web program: a mini-mall that reports orders of the same customer."""
    people = house.people
    make = partial(order, str(people.world.shops[1].store.id), people.customer_of_second)
    return [Writer(f"till-{number}", people.till, make, ledger) for number, _ in enumerate(house.webs)]
