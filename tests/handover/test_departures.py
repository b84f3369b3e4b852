"""Managers see who is leaving, and what they still hold."""

from typing import Any

from directory.models import Staff, StaffState
from handover.queries import departures as queries
from kernel import clock
from kernel.actor import Actor
from kernel.pages import Page
from kernel.work import Ground
from mall.models import OrderState
from tasks.models import TaskState
from tests.factories import build_customer, build_task, build_world
from tests.mall.trading import place, till
from tests.statements import statements


async def leave(ground: Ground, person: Actor) -> None:
    async with ground.db.write() as session:
        staff = await session.get(Staff, (person.brand_id, person.id))
        assert staff
        staff.state, staff.access_closed_at = StaffState.LEAVING, clock.now()


async def seen(ground: Ground, actor: Actor) -> list[Any]:
    async with ground.db.read() as session:
        rows = await queries.departures(session, actor, Page())
    return [(row.id, row.relationships, row.open_tasks, row.open_orders) for row in rows]


async def test_what_leavers_hold_is_counted_within_sight_in_one_statement(ground: Ground) -> None:
    world = await build_world(ground)
    leaver, idle, northern = world.shop.guide, world.shops[1].guide, world.shops[2].guide
    customers = [await build_customer(ground, leaver) for _ in range(3)]
    await build_task(ground, leaver, customers[0])
    await build_task(ground, leaver)
    await build_task(ground, leaver, customers[0], state=TaskState.DONE)
    for state in (OrderState.PAID, OrderState.SHIPPED, OrderState.COMPLETED):
        await place(ground, world, customers[0], state=state)
    await build_customer(ground, world.shop.other_guide)
    for person in (leaver, idle, northern):
        await leave(ground, person)

    mine, idles, north = (leaver.id, 3, 2, 2), (idle.id, 0, 0, 0), (northern.id, 0, 0, 0)
    assert await seen(ground, world.shop.manager) == [mine]
    assert await seen(ground, world.east_manager) == [mine, idles]
    with statements(ground) as sent:
        assert await seen(ground, world.hq) == [mine, idles, north]
    assert len(sent) == 1


async def test_guides_machines_and_other_brands_see_no_departures(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    await leave(ground, world.shop.guide)

    for actor in (world.shop.guide, world.shop.other_guide, till(world), world.shops[1].manager, other.hq):
        assert await seen(ground, actor) == []
