"""How tests mark somebody as leaving, and what they look at then."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from customers import commands as customers
from directory import commands as directory
from directory.models import Staff
from handover.commands import departing
from handover.models import HandoverSetting, Telling
from kernel.actor import Actor, system
from kernel.work import Ground, unit_of_work
from tests.factories import World, save

MONDAY = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)  # noon in Shanghai
TODAY = date(2026, 3, 2)
FRIDAY = TODAY + timedelta(days=4)


async def person(ground: Ground, actor: Actor) -> Staff:
    async with ground.db.read() as session:
        found = await session.get(Staff, (actor.brand_id, actor.id))
    assert found
    return found


async def mark(ground: Ground, by: Actor, whom: Actor, last_day: date | None = None, **also: Any) -> Staff:
    async with unit_of_work(ground, by) as work:
        return await directory.begin_leaving(work, whom.id, last_day=last_day, **also)


async def withdraw(ground: Ground, by: Actor, whom: Actor, **also: Any) -> Staff:
    async with unit_of_work(ground, by) as work:
        return await departing.withdraw_leaving(work, whom.id, **also)


async def close(ground: Ground, by: Actor, whom: Actor) -> Staff:
    async with unit_of_work(ground, by) as work:
        return await customers.close_access(work, whom.id)


async def reopen(ground: Ground, by: Actor, whom: Actor) -> Staff:
    async with unit_of_work(ground, by) as work:
        return await departing.reopen_access(work, whom.id)


async def report(ground: Ground, whom: Actor, **also: Any) -> Staff | None:
    async with unit_of_work(ground, system(whom.brand_id)) as work:
        return await customers.report_leaving(work, whom.id, **also)


async def tell(ground: Ground, world: World, telling: Telling) -> None:
    await save(ground, HandoverSetting(brand_id=world.brand.id, telling=telling))
