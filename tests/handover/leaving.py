"""How tests mark somebody as leaving, and what they look at then."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from customers import commands as customers
from directory import commands as directory
from directory.models import Staff
from handover.commands import departing
from handover.models import Alert, AlertKind, HandoverSetting, Telling
from kernel import clock, ids
from kernel.actor import Actor, Role, system
from kernel.work import Ground, unit_of_work
from tests.factories import Shop, World, save

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


async def build_alert(ground: Ground, shop: Shop) -> Alert:
    """The store's managers are warned of its second guide."""
    at = clock.now()
    alert = Alert(
        brand_id=shop.store.brand_id,
        id=ids.new(),
        kind=AlertKind.REVEALS,
        staff_id=shop.other_guide.id,
        role=Role.GUIDE,
        store_id=shop.store.id,
        count=21,
        line=20,
        since=at - timedelta(hours=1),
        raised_at=at,
    )
    await save(ground, alert)
    return alert
