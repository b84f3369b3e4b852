"""Writes of how workbenches are laid out."""

from kernel import ids
from kernel.actor import Role
from kernel.work import Ground, unit_of_work
from tasks.commands import workbench
from tasks.models import Card, PlacedCard
from tests.factories import World
from tests.scenarios.writing import Prepare, Write

BEFORE = [PlacedCard(Card.ORDERS), PlacedCard(Card.TASKS, is_hidden=True)]


async def arrange_workbench(ground: Ground, world: World) -> Write:
    write = await reset_workbench(ground, world)
    return Write(write.actor, {"cards": [{"card": "TASKS", "taskKinds": ["REVISIT"]}]}, write.edited)


async def reset_workbench(ground: Ground, world: World) -> Write:
    guide = world.shop.guide
    async with unit_of_work(ground, guide) as work:
        await workbench.arrange(work, BEFORE)
    return Write(guide, {}, guide.id)


async def set_workbench_default(ground: Ground, world: World) -> Write:
    async with unit_of_work(ground, world.hq) as work:
        await workbench.set_default(work, Role.GUIDE, BEFORE)
    made = ids.derived(world.brand.id, "workbench of guide")
    return Write(world.hq, {"role": "GUIDE", "cards": [{"card": "TASKS", "isLocked": True}]}, made)


WRITES: dict[str, Prepare] = {
    "arrangeWorkbench": arrange_workbench,
    "resetWorkbench": reset_workbench,
    "setWorkbenchDefault": set_workbench_default,
}
