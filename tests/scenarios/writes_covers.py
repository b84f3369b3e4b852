"""Writes of covers."""

from datetime import timedelta
from uuid import UUID

from directory.commands import covers
from kernel import clock
from kernel.work import Ground, unit_of_work
from tests.factories import World
from tests.scenarios.writing import Prepare, Write, hire


async def arrange_cover(ground: Ground, world: World) -> Write:
    absent, delegate = await hire(ground, world), await hire(ground, world)
    given = {"staffId": str(absent), "delegateId": str(delegate), "endsAt": _in(days=3)}
    return Write(world.shop.manager, given)


async def edit_cover(ground: Ground, world: World) -> Write:
    arranged = await _arranged(ground, world)
    return Write(world.shop.manager, {"id": str(arranged), "endsAt": _in(days=2)}, arranged)


async def end_cover(ground: Ground, world: World) -> Write:
    arranged = await _arranged(ground, world)
    return Write(world.shop.manager, {"id": str(arranged)}, arranged)


def _in(**much: float) -> str:
    return (clock.now() + timedelta(**much)).isoformat()


async def _arranged(ground: Ground, world: World) -> UUID:
    """Somebody new covers for somebody else who is."""
    absent, delegate = await hire(ground, world), await hire(ground, world)
    ends_at = clock.now() + timedelta(days=1)
    async with unit_of_work(ground, world.shop.manager) as work:
        return (await covers.arrange(work, staff_id=absent, delegate_id=delegate, ends_at=ends_at)).id


WRITES: dict[str, Prepare] = {
    "arrangeCover": arrange_cover,
    "editCover": edit_cover,
    "endCover": end_cover,
}
