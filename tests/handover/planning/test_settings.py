"""How a brand hands over, and how many a guide takes on."""

from functools import partial
from typing import Any

from handover import commands
from handover.models import HandoverSetting, TakeoverCapacity, Telling
from kernel.actor import Actor
from kernel.errors import Forbidden, Invalid, NotFound, StaleVersion
from kernel.work import Ground
from tests.factories import World
from tests.handover.planning.rows import do
from tests.refusals import refused


async def test_how_a_brand_hands_over_is_hqs_to_say(ground: Ground, world: World) -> None:
    for actor in (world.shop.guide, world.shop.manager, world.east_manager):
        async with refused(ground, Forbidden):
            await do(ground, actor, lambda work: commands.set_handover_settings(work, capacity=9))
    outside: list[Any] = [{"capacity": 0}, {"capacity": 50_001}, {"undo_hours": -1}, {"welcomes_a_day": 201}]
    outside.append({"reveals_an_hour": 60})  # the call that would cross it is refused
    for wrong in outside:
        async with refused(ground, Invalid):
            await do(ground, world.hq, partial(commands.set_handover_settings, **wrong))
    first = await do(
        ground,
        world.hq,
        lambda work: commands.set_handover_settings(work, telling=Telling.GENTLY, undo_hours=0, expected_version=0),
    )
    async with refused(ground, StaleVersion):
        await do(ground, world.hq, lambda work: commands.set_handover_settings(work, capacity=9, expected_version=0))

    async with ground.db.read() as session:
        kept = await session.get(HandoverSetting, world.brand.id)
    assert kept
    assert (kept.telling, kept.undo_hours, kept.capacity, first.version) == (Telling.GENTLY, 0, 2_000, 1)


async def test_how_many_a_guide_takes_on_is_said_by_who_stands_above(ground: Ground, world: World) -> None:
    guide = world.shop.guide

    async def say(actor: Actor, capacity: int | None, **given: Any) -> TakeoverCapacity:
        done: TakeoverCapacity = await do(
            ground, actor, lambda work: commands.set_takeover_capacity(work, guide.id, capacity=capacity, **given)
        )
        return done

    async with refused(ground, Forbidden):
        await say(world.shop.other_guide, 5)
    async with refused(ground, NotFound):
        await say(world.shops[1].manager, 5)
    for wrong in (-1, 50_001):
        async with refused(ground, Invalid):
            await say(world.shop.manager, wrong)
    assert (await say(world.shop.manager, 5, expected_version=0)).version == 1
    async with refused(ground, StaleVersion):
        await say(world.shop.manager, 6, expected_version=0)
    assert (await say(world.hq, 6, expected_version=1)).version == 2
    await say(world.hq, None)
    await say(world.hq, None)
    async with ground.db.read() as session:
        assert await session.get(TakeoverCapacity, (world.brand.id, guide.id)) is None
