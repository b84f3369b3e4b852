"""Whether each write is heard at once by whoever listens, on whichever server they are: no reconnecting helps."""

import asyncio
from contextlib import AsyncExitStack, aclosing, suppress

from daogou_client import Server
from tests.chaos.crowd import NOBODY, Crowd, crowd
from tests.chaos.handset import PATIENCE
from tests.chaos.house import House
from tests.chaos.report import Report
from tests.chaos.writer import visitor


async def echo(house: House, seed: int, *, count: int = 20, within: float = 10.0) -> Report:
    """Write one visit after the other, each when the last one was heard, on one server and the other by turns.

    `within` is how long to wait for what is not heard at once.
    """
    async with crowd(house, seed, who=NOBODY) as people, AsyncExitStack() as stack:
        writer = visitor(house, people.ledger)
        servers = [
            await stack.enter_async_context(aclosing(Server(web.url, writer.person, PATIENCE))) for web in house.webs
        ]
        is_warm = await _heard(people, await writer.write(servers[0]), within)
        lost = [] if is_warm else ["the first visit"]
        for number in range(count if is_warm else 0):
            visit_id = await writer.write(servers[number % len(servers)])
            if not await _heard(people, visit_id, within):
                lost.append(f"visit {number}")
                break
        delays = [delay for ear in people.ears for delay in ear.late()]
        return Report("echo", seed, written=count, acknowledged=people.ledger.acknowledged, lost=lost, delays=delays)


async def _heard(people: Crowd, visit_id: str, within: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            while not all(ear.visits[visit_id] for ear in people.ears):  # noqa: ASYNC110 - nobody is told
                await asyncio.sleep(0.005)
            return True
    return False
