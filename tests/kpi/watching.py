"""Subscribers, what was sold for them to hear of, and what a worker does about it at some hour."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlmodel import col

from kernel import clock
from kernel.actor import Actor, system
from kernel.work import Ground, unit_of_work
from kpi.commands import recounting, watching
from kpi.commands.watching import Wish
from kpi.models import KpiNotice, KpiWatch, WatchKind
from kpi.models.definitions import Figure
from kpi.queries.scoping import Asked
from server import chores
from tests.factories import World
from tests.mall.trading import place

SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(day: int, hour: int = 8, minute: int = 0, zone: ZoneInfo = SHANGHAI, month: int = 3) -> datetime:
    """A moment of March 2026 on the wall of the store; the 2nd is a Monday."""
    return datetime(2026, month, day, hour, minute, tzinfo=zone)


async def subscribe(
    ground: Ground,
    actor: Actor,
    kind: WatchKind = WatchKind.DAILY,
    *figures: Figure,
    asked: Asked = watching.WHOLE,
    **also: Any,
) -> KpiWatch:
    async with unit_of_work(ground, actor) as work:
        return await watching.watch(work, kind, Wish(figures, asked, **also))


async def count(ground: Ground, world: World) -> None:
    """What a worker does within two seconds."""
    await chores.begin_days(ground)
    while True:
        async with unit_of_work(ground, system(world.brand.id)) as work:
            if not await recounting.follow_marks(work):
                return


async def sell(ground: Ground, world: World, moment: datetime, *amounts: int, **values: Any) -> None:
    """Orders of the first shop, placed at that moment."""
    with clock.stopped_at(moment):
        for amount in amounts:
            await place(ground, world, amount=amount, placed_at=moment - timedelta(minutes=5), **values)


async def send(ground: Ground, world: World, moment: datetime) -> None:
    """What a worker does at that moment: everything is counted, and whoever is to be told is told."""
    with clock.stopped_at(moment):
        await count(ground, world)
        await chores.send_notices(ground)


async def notices(ground: Ground, actor: Actor) -> list[KpiNotice]:
    """What somebody was told, the oldest first."""
    async with ground.db.read() as session:
        found = await session.scalars(
            select(KpiNotice)
            .where(col(KpiNotice.brand_id) == actor.brand_id, col(KpiNotice.staff_id) == actor.id)
            .order_by(col(KpiNotice.sent_at), col(KpiNotice.id))
        )
        return list(found)


async def values(ground: Ground, actor: Actor) -> list[tuple[str, list[tuple[Any, ...]]]]:
    """The days and values of each line that somebody was told, the oldest first."""
    return [
        (line["until_day"], [(each["value"], each.get("previous")) for each in line["figures"]])
        for notice in await notices(ground, actor)
        for line in notice.content["lines"]
    ]


async def watch_of(ground: Ground, watch_id: UUID, brand_id: UUID) -> KpiWatch:
    async with ground.db.read() as session:
        found = await session.get(KpiWatch, (brand_id, watch_id))
    assert found
    return found
