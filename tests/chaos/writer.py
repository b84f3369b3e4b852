"""Somebody who writes without a queue: sends each write until it is answered, and notes every answer."""

import time
from asyncio import sleep
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from daogou_client import Rejected, Server, TokenRefused, Unreachable
from tests.chaos.handset import PATIENCE
from tests.chaos.house import House
from tests.chaos.ledger import Ledger
from tests.chaos.people import Person
from tests.chaos.writes import DOCUMENTS, Deed, Write

_AGAIN = 0.1


@dataclass
class Writer:
    """Notes visits of one customer. `answers` counts codes, `took` are seconds from an attempt to its answer."""

    name: str
    person: Person
    customer_id: str
    ledger: Ledger
    answers: Counter[str] = field(default_factory=Counter)
    took: list[float] = field(default_factory=list)
    _written: int = 0

    async def write(self, server: Server) -> str:
        """Note a visit, however often it has to be sent; returns its id."""
        self._written += 1
        mark, key = f"{self.ledger.name}.{self.name}.{self._written}", str(uuid4())
        write = Write(Deed.VISIT, {"customerId": self.customer_id, "remark": mark}, mark)
        self.ledger.writes[key] = write
        while True:
            payload = await self._attempt(server, {**write.variables, "idempotencyKey": key})
            if payload is not None:
                self.ledger.answered(key, payload)
                visit_id: str = payload["visit"]["id"]
                return visit_id
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

    async def _attempt(self, server: Server, variables: dict[str, Any]) -> dict[str, Any] | None:
        started = time.monotonic()
        code, payload = "done", None
        try:
            [payload] = (await server.ask(DOCUMENTS[Deed.VISIT], variables)).values()
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


def writers_of(house: House, ledger: Ledger) -> list[Writer]:
    """One for each web program, writing down visits of a customer of the second shop."""
    people = house.people
    return [
        Writer(f"writer-{n}", people.second[1], people.customer_of_second, ledger) for n, _ in enumerate(house.webs)
    ]
