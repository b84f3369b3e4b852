"""How stores plan: as they say for themselves, or as the brand does, or as is usual."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from kernel import ids
from kernel.actor import Actor, Role, Scope
from kernel.errors import Forbidden, Invalid, NotFound, StaleVersion
from kernel.work import Ground, unit_of_work
from tasks.commands import settings
from tasks.models import PlanSetting
from tasks.queries import settings as queries
from tests.factories import World, build_world
from tests.refusals import refused
from tests.statements import statements


async def say(ground: Ground, actor: Actor, store_id: UUID | None, **changes: Any) -> PlanSetting:
    async with unit_of_work(ground, actor) as work:
        return await settings.set_plan_setting(work, store_id, **changes)


async def drop(ground: Ground, actor: Actor, store_id: UUID, **values: Any) -> PlanSetting:
    async with unit_of_work(ground, actor) as work:
        return await settings.drop_plan_setting(work, store_id, **values)


async def quotas(ground: Ground, world: World) -> list[int]:
    """What the three stores give a guide a day."""
    async with ground.db.read() as session:
        found = await queries.settings_of(session, world.brand.id, [shop.store.id for shop in world.shops])
    return [found[shop.store.id].quota for shop in world.shops]


async def test_a_stores_own_say_replaces_the_brands_and_that_what_is_usual(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    here, next_door, _ = (shop.store.id for shop in world.shops)
    assert await quotas(ground, world) == [8, 8, 8]

    await say(ground, world.hq, None, quota=10, cool_down_days=30)
    assert await quotas(ground, world) == [10, 10, 10]

    own = await say(ground, world.shop.manager, here, quota=5)
    await say(ground, world.east_manager, next_door, quota=6)
    await say(ground, world.hq, None, quota=12)
    assert await quotas(ground, world) == [5, 6, 12]
    assert own.cool_down_days == 30
    assert await quotas(ground, other) == [8, 8, 8]

    await drop(ground, world.shop.manager, here)
    assert await quotas(ground, world) == [12, 6, 12]


async def test_what_is_usual_is_no_row_and_has_no_version(ground: Ground) -> None:
    world = await build_world(ground)
    async with ground.db.read() as session:
        usual = await queries.setting_of(session, world.brand.id, world.shop.store.id)

    assert (usual.version, usual.store_id, usual.is_on, usual.plans_at) == (0, None, True, "06:00")
    assert (await say(ground, world.shop.manager, world.shop.store.id, is_on=False, expected_version=0)).version == 1


async def test_any_number_of_stores_takes_one_statement(ground: Ground) -> None:
    world = await build_world(ground)

    for many in (1, 3):
        with statements(ground) as sent:
            async with ground.db.read() as session:
                await queries.settings_of(session, world.brand.id, [shop.store.id for shop in world.shops[:many]])
        assert len(sent) == 1


async def test_all_that_is_said_is_kept_and_nothing_else_changes(ground: Ground) -> None:
    world = await build_world(ground)
    said: dict[str, Any] = {
        "is_on": False,
        "plans_at": "00:00",
        "due_by": "23:59",
        "quiet_from": "22:30",
        "quiet_until": "08:15",
        "quota": 0,
        "cool_down_days": 365,
        "escalates_after_hours": 168,
        "expires_after_days": 30,
        "influence_days": 90,
    }

    await say(ground, world.hq, None, **said)
    changed = await say(ground, world.hq, None, quota=50, expected_version=1)

    assert {name: getattr(changed, name) for name in said} == said | {"quota": 50}
    assert changed.version == 2


@pytest.mark.parametrize(
    "wrong",
    [
        *({name: value} for name in settings._TIMES for value in ("24:00", "9:00", "", "12:60", "noon", "09:00 ")),
        *(
            {name: value}
            for name, (_, lowest, highest) in settings._RANGES.items()
            for value in (lowest - 1, highest + 1)
        ),
    ],
)
async def test_hours_and_numbers_have_limits(ground: Ground, wrong: dict[str, Any]) -> None:
    world = await build_world(ground)

    async with refused(ground, Invalid):
        await say(ground, world.shop.manager, world.shop.store.id, is_on=False, **wrong)


async def test_managers_say_it_for_stores_in_sight_and_headquarters_for_the_brand(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    here, next_door, far = (shop.store.id for shop in world.shops)
    machine = Actor(brand_id=world.brand.id, id=ids.new(), role=Role.SERVICE, scopes=frozenset(Scope))
    await say(ground, world.hq, here, quota=1)

    for actor, store_id in ((world.shop.guide, here), (machine, here), *((who, None) for who in _below(world))):
        async with refused(ground, Forbidden):
            await say(ground, actor, store_id, quota=3)
    async with refused(ground, Forbidden):
        await drop(ground, world.shop.guide, here)
    for actor, store_id in ((world.shop.manager, next_door), (world.east_manager, far), (other.hq, here)):
        async with refused(ground, NotFound):
            await say(ground, actor, store_id, quota=3)
        async with refused(ground, NotFound):
            await drop(ground, actor, store_id)


async def test_nothing_of_ones_own_cant_be_dropped(ground: Ground) -> None:
    world = await build_world(ground)
    await say(ground, world.hq, None, quota=3)

    async with refused(ground, NotFound):
        await drop(ground, world.shop.manager, world.shop.store.id)


async def test_an_older_version_isnt_edited(ground: Ground) -> None:
    world = await build_world(ground)
    await say(ground, world.hq, None, quota=3)

    for store_id in (None, world.shop.store.id):
        async with refused(ground, StaleVersion):
            await say(ground, world.hq, store_id, quota=4, expected_version=0)
    await say(ground, world.shop.manager, world.shop.store.id, quota=4, expected_version=1)
    async with refused(ground, StaleVersion):
        await drop(ground, world.shop.manager, world.shop.store.id, expected_version=2)


@pytest.mark.parametrize("of_brand", [True, False])
async def test_two_who_say_the_first_thing_at_once_are_both_heard(ground: Ground, of_brand: bool) -> None:
    world = await build_world(ground)
    store_id = None if of_brand else world.shop.store.id

    both = await asyncio.gather(
        say(ground, world.hq, store_id, quota=3), say(ground, world.hq, store_id, cool_down_days=7)
    )

    async with ground.db.read() as session:
        found = await queries.setting_of(session, world.brand.id, store_id)
    assert (found.quota, found.cool_down_days, found.version) == (3, 7, 2)
    assert {each.id for each in both} == {found.id}


def _below(world: World) -> list[Actor]:
    return [world.east_manager, world.shop.manager, world.shop.guide]
