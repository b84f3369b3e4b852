"""A listener that keeps nothing but account: which visits it was told of how often, and how late each change came."""

import asyncio
import time
from collections import Counter
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from daogou_client import ProtocolBroken, Rejected, Server, TokenRefused, Unreachable
from tests.chaos.handset import PATIENCE
from tests.chaos.people import Person
from tests.proxies import Proxy

LIVE = """
subscription ($after: Cursor) { changes(after: $after) {
  cursor mustRefetch changes { op entityType id at }
} }
"""


@dataclass
class Ear:
    """One person's stream, taken up again at the last cursor whenever it ends; `ends` counts why it did.

    A visit is never changed, and in the second shop it is never moved: each has to be told exactly once, except
    those that are `known` from before.
    """

    name: str
    person: Person
    network: Proxy
    known: set[str]
    visits: Counter[str] = field(default_factory=Counter)
    delays: list[tuple[float, float]] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    refetches: int = 0
    cursor: str | None = None
    broken: list[str] = field(default_factory=list)

    async def listen(self) -> None:
        """Go on until cancelled."""
        server = Server(self.network.url, self.person, PATIENCE)
        try:
            while True:
                try:
                    await self._hear(server)
                    self.ends["completed"] += 1
                except Unreachable as lost:
                    self.ends[lost.code] += 1
                except TokenRefused:
                    self.ends["TOKEN_REFUSED"] += 1
                except (ProtocolBroken, Rejected) as error:
                    self.broken.append(f"{self.name}: {error!r}")
                await asyncio.sleep(0.1)
        finally:
            await server.aclose()

    async def is_listening(self) -> None:
        """Return once it has a place to listen from."""
        while self.cursor is None:  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.02)

    def late(self, since: float = 0.0) -> list[float]:
        """How many seconds after its commit each change came, of those that came since."""
        return [delay for arrived, delay in self.delays if arrived >= since]

    def times(self, visit_id: str) -> int:
        """How often it knows of a visit: from before, or because it was told. After starting over, once at least."""
        count = self.visits[visit_id] + (visit_id in self.known)
        return max(count, 1) if self.refetches else count

    def wrong(self, refetches: int) -> list[str]:
        """What it should not have met; `refetches` is how often it had to be told to start over."""
        if self.refetches == refetches:
            return self.broken
        return [*self.broken, f"{self.name} was told to start over {self.refetches} times"]

    async def _hear(self, server: Server) -> None:
        async with aclosing(server.hear(LIVE, {"after": self.cursor})) as answers:
            async for data in answers:
                self._take(data["changes"])

    def _take(self, said: Any) -> None:
        now = time.time()
        if said["mustRefetch"]:
            self.refetches += 1
            self.visits.clear()
            self.known.clear()
        for change in said["changes"]:
            if change["entityType"] == "VISIT" and change["op"] == "PUT":
                self.visits[change["id"]] += 1
            self.delays.append((now, now - datetime.fromisoformat(change["at"]).timestamp()))
        self.cursor = said["cursor"]
