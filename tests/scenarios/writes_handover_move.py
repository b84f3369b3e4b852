"""Writes of handovers that are approved: stopped, gone on with, undone."""

from handover import commands
from handover.commands import pausing
from kernel.work import Ground, unit_of_work
from server import handing_over
from tests.factories import World
from tests.scenarios.writes_handover_plan import planned
from tests.scenarios.writing import Prepare, Write


async def pause(ground: Ground, world: World) -> Write:
    handover, _ = await planned(ground, world)
    async with unit_of_work(ground, world.hq) as work:
        await commands.approve(work, handover.id)
    return Write(world.shop.manager, {"id": str(handover.id)}, handover.id)


async def resume(ground: Ground, world: World) -> Write:
    write = await pause(ground, world)
    assert write.edited
    async with unit_of_work(ground, world.hq) as work:
        await pausing.pause(work, write.edited)
    return write


async def undo(ground: Ground, world: World) -> Write:
    write = await pause(ground, world)
    await handing_over.move(ground, world.brand.id, handover_id=write.given["id"])
    return write


WRITES: dict[str, Prepare] = {"pauseHandover": pause, "resumeHandover": resume, "undoHandover": undo}
