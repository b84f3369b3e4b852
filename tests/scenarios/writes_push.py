"""Writes of subscriptions to figures, and of where notices are posted to."""

from kernel import ids
from kernel.work import Ground, unit_of_work
from kpi.commands import hooking
from tests.asking import VAULT
from tests.factories import World
from tests.scenarios.belongings import furnish
from tests.scenarios.writing import Prepare, Write, guide, of

URL = "https://hooks.example.com/daogou"


async def watch_kpi(_ground: Ground, world: World) -> Write:
    store_id = str(world.shop.store.id)
    return Write(world.hq, {"storeId": store_id, "kind": "DAILY", "figures": ["GROSS"]})


async def see_kpi_notices(ground: Ground, world: World) -> Write:
    notice = (await furnish(ground, world, world.shop))["kpi_notice"]
    return Write(world.shop.guide, {"noticeIds": [str(notice)]})


async def set_kpi_hook(ground: Ground, world: World) -> Write:
    await _hooked(ground, world)
    return Write(world.hq, {"url": URL}, world.brand.id)


async def end_kpi_hook(ground: Ground, world: World) -> Write:
    await _hooked(ground, world)
    return Write(world.hq, {}, world.brand.id)


async def _hooked(ground: Ground, world: World) -> None:
    async with unit_of_work(ground, world.hq) as work:
        await hooking.set_hook(work, VAULT, f"{URL}/{ids.new()}")


WRITES: dict[str, Prepare] = {
    "watchKpi": watch_kpi,
    "editKpiWatch": of("kpi_watch", guide, figures=["NET"]),
    "endKpiWatch": of("kpi_watch", guide),
    "seeKpiNotices": see_kpi_notices,
    "setKpiHook": set_kpi_hook,
    "endKpiHook": end_kpi_hook,
}
