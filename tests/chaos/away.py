"""Phones that come back late: to a tail of news, to too long a tail, and to a feed that was cut short meanwhile."""

from datetime import timedelta

from sqlalchemy import update
from sqlmodel import col

from kernel import clock, compaction, feed
from kernel.actor import Actor
from kernel.feed import Entry, FeedEvent
from kernel.work import Ground
from tests.chaos.crowd import Crowd, crowd
from tests.chaos.handset import Handset
from tests.chaos.house import House
from tests.chaos.judging import judged
from tests.chaos.report import Report
from tests.factories import build_task

_AT_ONCE = 1000


async def away(house: House, seed: int, *, seconds: float) -> Report:
    """The others write for so many seconds meanwhile."""
    async with crowd(house, seed) as people:
        below, brief, long = people.handsets[0], people.handsets[3], people.handsets[5]
        await people.work(people.until(seconds))
        await people.calm_down(15.0)
        copies = {each.name: each.store.progress.shown for each in people.handsets}
        for handset in (below, brief, long):
            handset.network.is_down = True
            handset.network.cut()
        await people.work(people.until(seconds))
        await _tell(house.ground, long.person.actor, feed.FURTHEST_BEHIND + 1)
        await _tell(house.ground, below.person.actor, 3)
        await _cut_short(house.ground, below.person.actor)
        for handset in (below, brief, long):
            handset.network.is_down = False
        report = await judged(people, "away")
        report.broken += _wrongly_kept(people, copies, [below, long])
    return report


async def _tell(ground: Ground, actor: Actor, count: int) -> None:
    """That many entries about a task of somebody's, in their own feed."""
    task = await build_task(ground, actor)
    entry = Entry(feed.of_staff(actor.id), "task", task.id, task.version)
    for start in range(0, count, _AT_ONCE):
        async with ground.db.write() as session:
            await feed.append(session, actor.brand_id, [entry] * min(_AT_ONCE, count - start))


async def _cut_short(ground: Ground, actor: Actor) -> None:
    """Let two months pass for somebody's own feed, and compact it."""
    mine = (col(FeedEvent.brand_id) == actor.brand_id, col(FeedEvent.feed_id) == feed.of_staff(actor.id))
    async with ground.db.write() as session:
        await session.execute(
            update(FeedEvent).where(*mine).values(at=clock.now() - compaction.KEPT - timedelta(days=1))
        )
    await compaction.compact(ground.db, actor.brand_id, feed.of_staff(actor.id))


def _wrongly_kept(people: Crowd, copies: dict[str, int], renewed: list[Handset]) -> list[str]:
    """Whose copy was renewed without need, or was not although it had to be."""
    return [
        f"{each.name} has {'not ' if each in renewed else ''}taken a new copy"
        for each in people.handsets
        if (each.store.progress.shown > copies[each.name]) is not (each in renewed)
    ]
