"""How much of the figures is still to be counted is told, and to whom it matters."""

from datetime import date, timedelta
from typing import Any

from kernel import clock, ids
from kernel.actor import Actor
from kernel.work import Ground
from kpi.models import KpiMark
from tests.asking import ask
from tests.factories import World, build_world, save
from tests.kpi.counting import at, count_marked
from tests.mall.trading import place

NOON = "2026-03-05T12:00+08:00"
MARCH = """query ($storeId: ID, $staffId: ID) {
  kpiWaiting(fromDay: "2026-03-01", untilDay: "2026-03-31", storeId: $storeId, staffId: $staffId) { days stores }
}"""


async def waiting(ground: Ground, actor: Actor, **asked: Any) -> tuple[int, int]:
    found = (await ask(ground, actor, MARCH, **asked))["kpiWaiting"]
    return found["days"], found["stores"]


async def mark(ground: Ground, world: World, place: int, first: date, last: date) -> None:
    store_id = world.shops[place].store.id
    await save(ground, KpiMark(brand_id=world.brand.id, id=ids.new(), store_id=store_id, first=first, last=last))


async def test_an_order_waits_until_it_is_counted(ground: Ground) -> None:
    with clock.stopped_at(at(NOON)):
        world = await build_world(ground)
        await count_marked(ground, world.brand.id)
        calm = await waiting(ground, world.hq)
        await place(ground, world, placed_at=at(NOON) - timedelta(hours=1))
        told = await waiting(ground, world.hq)
        await count_marked(ground, world.brand.id)

        assert (calm, told, await waiting(ground, world.hq)) == ((0, 0), (1, 1), (0, 0))


async def test_days_that_several_changes_mark_are_told_once_and_only_those_of_the_range(ground: Ground) -> None:
    with clock.stopped_at(at(NOON)):
        world = await build_world(ground)
        await count_marked(ground, world.brand.id)
        await mark(ground, world, 0, date(2025, 6, 1), date(2026, 3, 4))
        await mark(ground, world, 0, date(2026, 3, 2), date(2026, 3, 3))
        await mark(ground, world, 0, date(2026, 3, 4), date(2026, 3, 5))
        await mark(ground, world, 1, date(2026, 3, 1), date(2026, 3, 1))
        await mark(ground, world, 1, date(2026, 2, 1), date(2026, 2, 28))

        assert await waiting(ground, world.hq) == (6, 2)


async def test_everybody_is_told_of_the_stores_in_their_sight(ground: Ground) -> None:
    with clock.stopped_at(at(NOON)):
        world = await build_world(ground)
        here, there = world.shops[:2]
        await count_marked(ground, world.brand.id)
        await mark(ground, world, 0, date(2026, 3, 3), date(2026, 3, 4))

        assert [await waiting(ground, each) for each in (here.manager, here.guide)] == [(2, 1), (2, 1)]
        assert [await waiting(ground, each) for each in (there.manager, there.guide)] == [(0, 0), (0, 0)]
        assert await waiting(ground, world.hq, storeId=str(there.store.id)) == (0, 0)
        assert await waiting(ground, world.hq, staffId=str(here.guide.staff_id)) == (2, 1)
