"""What happens to a phone on its way through a day: lifts, cellars, full trains."""

import asyncio
import random
from collections.abc import Sequence

from tests.proxies import Proxy


async def troubled(network: Proxy, ports: Sequence[int], rng: random.Random, pause: float) -> None:
    """One trouble after another, about so many seconds apart, until cancelled; then the network is good again."""
    try:
        while True:
            await asyncio.sleep(rng.expovariate(1 / pause))
            await _one(network, ports, rng)
    finally:
        repair(network)


def repair(network: Proxy) -> None:
    """Make everything get through again."""
    network.is_down = False
    network.delay = 0.0
    network.cut_after = None
    network.heal()
    network.cut()  # what was half cut is whole again after this only


async def _one(network: Proxy, ports: Sequence[int], rng: random.Random) -> None:
    match rng.choice(("cut", "hop", "slow", "short", "away", "half", "silent", "reply", "reply", "reply")):
        case "cut":
            network.cut()
        case "hop":  # as if a balancer had chosen another server
            network.upstream = rng.choice(ports)
            network.cut()
        case "slow":
            network.delay = rng.uniform(0.02, 0.3)
            await asyncio.sleep(rng.uniform(0.5, 1.5))
            network.delay = 0.0
        case "short":
            network.cut_after = rng.randint(50, 3000)
            await asyncio.sleep(rng.uniform(0.3, 1.0))
            network.cut_after = None
        case "away":
            network.is_down = True
            network.cut()
            await asyncio.sleep(rng.uniform(0.1, 1.0))
            network.is_down = False
        case "half":
            network.swallow(rng.choice(("up", "down")))
            await asyncio.sleep(rng.uniform(0.5, 2.5))
            network.heal()
        case "silent":
            network.swallow("up", "down")
            await asyncio.sleep(rng.uniform(0.5, 2.5))
            network.heal()
        case "reply":
            network.lose_reply_to("idempotencyKey")
