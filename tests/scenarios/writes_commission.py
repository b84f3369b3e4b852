"""Writes of commission plans and periods."""

from datetime import date, timedelta

from kernel.work import Ground, unit_of_work
from mall.commands import commission
from mall.models.periods import Rhythm
from mall.queries.commission import settings
from tests.factories import World
from tests.scenarios.belongings import furnish
from tests.scenarios.writing import Given, Prepare, Write, hq, name, of


async def add_commission_plan(_ground: Ground, world: World) -> Write:
    return Write(world.hq, {"input": _said()})


async def edit_commission_plan(ground: Ground, world: World) -> Write:
    plan = (await furnish(ground, world, world.shop))["commission_plan"]
    return Write(world.hq, {"id": str(plan), "input": _said()}, plan)


async def end_commission_plan(ground: Ground, world: World) -> Write:
    plan_id = (await furnish(ground, world, world.shop))["commission_plan"]
    async with unit_of_work(ground, world.hq) as work:
        plan = await commission.start_plan(work, plan_id)
    return Write(world.hq, {"id": str(plan_id), "untilDay": plan.from_day.isoformat()}, plan_id)


async def set_commission_rhythm(ground: Ground, world: World) -> Write:
    async with unit_of_work(ground, world.hq) as work:
        await commission.set_rhythm(work, Rhythm.MONTHLY)
    return Write(world.hq, {"rhythm": "QUARTERLY"}, world.brand.id)


async def close_commission_period(ground: Ground, world: World) -> Write:
    async with unit_of_work(ground, world.hq) as work:
        setting = await settings.lock(work.session, world.brand.id)
    closed = setting.closed_until or date(2019, 12, 31)
    return Write(world.hq, {"period": (closed + timedelta(days=1)).isoformat()})


def _said() -> Given:
    return {"name": name(), "fromDay": "2030-01-01", "rates": [{"role": "GUIDE", "rate": 300}]}


WRITES: dict[str, Prepare] = {
    "addCommissionPlan": add_commission_plan,
    "editCommissionPlan": edit_commission_plan,
    "removeCommissionPlan": of("commission_plan", hq),
    "startCommissionPlan": of("commission_plan", hq),
    "endCommissionPlan": end_commission_plan,
    "setCommissionRhythm": set_commission_rhythm,
    "closeCommissionPeriod": close_commission_period,
}
