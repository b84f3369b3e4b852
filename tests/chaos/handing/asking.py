"""Ask a server for something, and say what is known of it afterwards."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2

from daogou_client import Rejected, Server, TokenRefused, Unreachable

_PAUSE = 0.1  # seconds
_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout)


class Unknown(Exception):
    """Nobody can say whether it was done."""


class NotSent(Unknown):
    """No server was there to hear of it: it was surely not done."""


@dataclass
class Caller:
    """Somebody signed in, on one server or another each time."""

    rng: random.Random
    server_of: Callable[[random.Random], Server]

    async def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer. Raises `Unknown` where none came that says what was done."""
        try:
            answer: dict[str, Any] = await self.server_of(self.rng).ask(document, variables)
        except Unreachable as error:
            raise (NotSent if isinstance(error.__cause__, _NOT_SENT) else Unknown)(str(error)) from error
        except (Rejected, TokenRefused) as error:
            raise Unknown(str(error)) from error
        return answer

    async def surely(self, document: str, **variables: Any) -> Any:
        """The only field of what is asked, until somebody answers: with an idempotency key, or what may be done twice.

        A server that could not say what became of it is asked again, too.
        """
        while True:
            try:
                [answer] = (await self.ask(document, **variables)).values()
            except Unknown:
                await asyncio.sleep(_PAUSE)
            else:
                return answer


def any_of(servers: list[Server]) -> Callable[[random.Random], Server]:
    """One of them by chance."""
    return lambda rng: rng.choice(servers)
