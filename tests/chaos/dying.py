"""Phones that lose power again and again while news come in."""

import asyncio
from contextlib import suppress

from tests.chaos.crowd import crowd
from tests.chaos.handset import Handset
from tests.chaos.house import House
from tests.chaos.judging import judged
from tests.chaos.report import Report
from tests.chaos.writer import visitors

_READERS = slice(2, 4)  # of the second shop, where the writers are


async def dying(house: House, seed: int, *, deaths: int, within: float = 15.0) -> Report:
    """Two phones die so many times, each time at some statement, while visits come in one by one."""
    async with crowd(house, seed, who=_READERS) as people:
        writers = visitors(house, people.ledger)
        plan = _all(people.handsets, deaths)
        await people.work(plan, [writer.writes(web.url, 0.02) for writer, web in zip(writers, house.webs, strict=True)])
        return await judged(people, "dying", within)


async def _all(handsets: list[Handset], deaths: int) -> None:
    await asyncio.gather(*(_again_and_again(each, deaths) for each in handsets))


async def _again_and_again(handset: Handset, deaths: int) -> None:
    for _ in range(deaths):
        await handset.die()
        with suppress(TimeoutError):
            async with asyncio.timeout(5.0):
                await handset.is_live()
