"""Writes of revisit rules and of how stores plan."""

from uuid import UUID

from sqlalchemy import delete
from sqlmodel import col

from kernel.work import Ground, unit_of_work
from tasks.commands import settings
from tasks.models import RevisitRule
from tests.factories import World
from tests.scenarios.belongings import furnish
from tests.scenarios.writing import Given, Prepare, Write, hq, name, new, of


async def edit_revisit_rule(ground: Ground, world: World) -> Write:
    rule = (await furnish(ground, world, world.shop))["revisit_rule"]
    return Write(world.hq, {"id": str(rule), "input": _rule()}, rule)


async def pause_revisit_rule(ground: Ground, world: World) -> Write:
    rule = (await furnish(ground, world, world.shop))["live_rule"]
    return Write(world.hq, {"id": str(rule)}, rule)


async def add_starter_rules(ground: Ground, world: World) -> Write:
    async with ground.db.write() as session:
        await session.execute(delete(RevisitRule).where(col(RevisitRule.brand_id) == world.brand.id))
    return Write(world.hq, {})


async def set_plan_setting(ground: Ground, world: World) -> Write:
    return Write(world.shop.manager, _store(world) | {"input": {"quota": 5}}, await _own_setting(ground, world))


async def drop_plan_setting(ground: Ground, world: World) -> Write:
    return Write(world.shop.manager, _store(world), await _own_setting(ground, world))


async def _own_setting(ground: Ground, world: World) -> UUID:
    async with unit_of_work(ground, world.shop.manager) as work:
        return (await settings.set_plan_setting(work, world.shop.store.id, quota=6)).id


def _store(world: World) -> Given:
    return {"storeId": str(world.shop.store.id)}


def _rule() -> Given:
    return {"name": name(), "trigger": "NO_CONTACT", "title": "问候", "days": 60}


WRITES: dict[str, Prepare] = {
    "addRevisitRule": new(hq, input=_rule),
    "editRevisitRule": edit_revisit_rule,
    "startRevisitRule": of("revisit_rule", hq),
    "pauseRevisitRule": pause_revisit_rule,
    "retireRevisitRule": of("revisit_rule", hq),
    "addStarterRules": add_starter_rules,
    "setPlanSetting": set_plan_setting,
    "dropPlanSetting": drop_plan_setting,
}
