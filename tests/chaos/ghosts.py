"""Send what phones send once more: at the same time, late, and in any order."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack, aclosing

from daogou_client import Mutation, ProtocolBroken, Rejected, Server, TokenRefused, Unreachable
from tests.chaos.handset import PATIENCE, Handset
from tests.chaos.ledger import Ledger


async def haunted(handsets: Sequence[Handset], ledger: Ledger, rng: random.Random, pause: float) -> None:
    """Repeat some write of somebody's, one to three times at once, about so many seconds apart, until cancelled."""
    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(aclosing(Server(each.network.url, each.person, PATIENCE)))
            for each in handsets
        ]
        while True:
            await asyncio.sleep(rng.expovariate(1 / pause))
            handset, server = rng.choice(list(zip(handsets, servers, strict=True)))
            mutation = _some(handset, rng)
            if mutation is not None:
                await asyncio.gather(*(_send(server, mutation, ledger) for _ in range(rng.choice((1, 1, 2, 3)))))


def _some(handset: Handset, rng: random.Random) -> Mutation | None:
    """The write that the phone is sending or about to send, or any that was answered before."""
    first = handset.phone.outbox.first()
    if first is not None and rng.random() < 0.5:
        return first
    return rng.choice(handset.sent) if handset.sent else first


async def _send(server: Server, mutation: Mutation, ledger: Ledger) -> None:
    variables = {**mutation.variables, "idempotencyKey": mutation.key}
    try:
        [payload] = (await server.ask(mutation.document, variables)).values()
    except (Unreachable, TokenRefused):
        return
    except (ProtocolBroken, Rejected) as error:
        ledger.broken.append(f"{mutation.key} once more: {error!r}")
        return
    ledger.repeated(mutation.key, payload)
