"""How long to wait, and waiting itself: time-outs, pauses between attempts, and a bell for whoever waits."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from secrets import SystemRandom

Uniform = Callable[[float, float], float]
_uniform: Uniform = SystemRandom().uniform


@dataclass(frozen=True, slots=True)
class Patience:
    """In seconds. The answer's is longer than the server gives itself, so that its time-out is heard, not ours."""

    connect: float = 10.0
    answer: float = 20.0
    ping: float = 10.0
    first_pause: float = 0.5
    longest_pause: float = 30.0
    poll: float | None = 5.0
    """Between two polls where no socket gets through; `None` never polls."""
    until_next_socket: float = 60.0
    """How long only to poll before a socket is tried again."""


class Pauses:
    """Ever longer pauses, each of a length up to chance: those cut off together don't come back together."""

    def __init__(self, patience: Patience, uniform: Uniform = _uniform) -> None:
        self._patience = patience
        self._uniform = uniform
        self._failures = 0
        self._cut_short = asyncio.Event()

    def reset(self) -> None:
        """Things work again."""
        self._failures = 0

    def at_least(self, failures: int) -> None:
        """Begin as if so many attempts had failed already."""
        self._failures = max(self._failures, failures)

    def next(self) -> float:
        """The length of the next pause."""
        longest = min(self._patience.longest_pause, self._patience.first_pause * 2 ** min(self._failures, 30))
        self._failures += 1
        return self._uniform(0, longest)

    async def wait(self, seconds: float | None = None) -> None:
        """Pause for as long as it is time to, or for so many seconds, unless it is cut short."""
        self._cut_short.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(self.next() if seconds is None else seconds):
                await self._cut_short.wait()

    def cut_short(self) -> None:
        """End the present pause: there is reason to believe that it works now."""
        self._cut_short.set()


class Bell:
    """Rung whenever something changed, for those who wait until something is so."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()

    def ring(self) -> None:
        """Let everybody look again."""
        for event in self._waiting:
            event.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return once it holds."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            while not holds():
                event.clear()
                await event.wait()
        finally:
            self._waiting.discard(event)
