"""Two web processes with writers on both; phones change from one to the other, and feeds are compacted all the time."""

import asyncio
import random
from collections.abc import Sequence

from sqlalchemy import select
from sqlmodel import col

from kernel import compaction
from kernel.feed import Feed
from kernel.work import Ground
from tests.chaos.crowd import crowd
from tests.chaos.handset import Handset
from tests.chaos.house import House
from tests.chaos.judging import judged
from tests.chaos.report import Report


async def hopping(house: House, seed: int, *, seconds: float, enough: int | None = None, pause: float = 0.3) -> Report:
    """Nothing is killed here: what is lost would be lost to compaction, or between two processes."""
    async with crowd(house, seed) as people:
        hops = [_hops(each, house.ports, people.rng(f"hops of {each.name}")) for each in people.handsets]
        troubles = [*hops, people.ghosts(0.3), _compacted(house.ground)]
        await people.work(people.until(seconds, enough), troubles, pause=pause)
        return await judged(people, "two-webs")


async def _hops(handset: Handset, ports: Sequence[int], rng: random.Random) -> None:
    """Send a phone to one server or the other, in the midst of whatever it does."""
    while True:
        await asyncio.sleep(rng.uniform(0.3, 1.5))
        handset.network.upstream = rng.choice(ports)
        handset.network.cut()


async def _compacted(ground: Ground) -> None:
    """Shorten every feed, over and over, however little it has grown."""
    while True:
        async with ground.db.read() as session:
            feeds = (await session.execute(select(col(Feed.brand_id), col(Feed.feed_id)))).all()
        for brand_id, feed_id in feeds:
            await compaction.compact(ground.db, brand_id, feed_id)
        await asyncio.sleep(0.05)
