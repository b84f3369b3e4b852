"""Stop without a loss: let what is under way end, and send every socket elsewhere, one after the other."""

import asyncio
import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

SPREAD_SECONDS = 2.0
DRAIN_SECONDS = 5.0

log = logging.getLogger(__name__)


class Mover(Protocol):
    """A socket, as far as it concerns whoever shuts the house."""

    async def move(self, pause: float) -> None:
        """Begin nothing new; after the pause, and once what is under way is answered, close."""


class Draining:
    """Whether this process is on its way out, and the sockets that must be told so."""

    def __init__(self) -> None:
        self.has_begun = False
        self._movers: set[Mover] = set()

    @contextmanager
    def telling(self, mover: Mover) -> Iterator[None]:
        """Tell a socket to move, should it come to that while the block lasts."""
        self._movers.add(mover)
        try:
            yield
        finally:
            self._movers.discard(mover)

    async def drain(self) -> None:
        """Return when every socket has been told to move, or after five seconds.

        Spread over two of them: whoever is told comes back elsewhere in the same instant.
        """
        self.has_begun = True
        movers = list(self._movers)
        log.info("draining", extra={"sockets": len(movers)})
        if not movers:
            return
        random.shuffle(movers)
        pause = SPREAD_SECONDS / len(movers)
        moves = [asyncio.create_task(mover.move(number * pause)) for number, mover in enumerate(movers)]
        _, late = await asyncio.wait(moves, timeout=DRAIN_SECONDS)
        for move in late:
            move.cancel()
        log.info("drained", extra={"late": len(late)})
