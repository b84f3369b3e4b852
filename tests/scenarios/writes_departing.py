"""Writes of departures, and of what warns of them."""

from datetime import timedelta

from directory import commands as directory
from kernel import clock
from kernel.work import Ground, unit_of_work
from tests.factories import World
from tests.handover.leaving import build_alert
from tests.scenarios.writing import Prepare, Write, hire, of_newcomer


def next_week() -> str:
    return (clock.now() + timedelta(days=7)).date().isoformat()


async def withdraw_leaving(ground: Ground, world: World) -> Write:
    person = await hire(ground, world)
    async with unit_of_work(ground, world.shop.manager) as work:
        await directory.begin_leaving(work, person)
    return Write(world.shop.manager, {"id": str(person)}, person)


async def settle_alert(ground: Ground, world: World) -> Write:
    alert = await build_alert(ground, world.shop)
    return Write(world.shop.manager, {"id": str(alert.id), "words": "在做活动"}, alert.id)


WRITES: dict[str, Prepare] = {
    "markLeaving": of_newcomer(lastDay=next_week),
    "withdrawLeaving": withdraw_leaving,
    "settleAlert": settle_alert,
}
