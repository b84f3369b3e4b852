"""The tree of regions grows and is reshaped; every path follows."""

import asyncio

import pytest
from sqlalchemy import select
from sqlmodel import col

from directory import commands
from directory.errors import CodeTaken, RegionCycle, RegionTooDeep
from directory.models import Region
from kernel.actor import Actor
from kernel.errors import Forbidden, Invalid, NotFound, Refusal, StaleVersion
from kernel.work import Ground, unit_of_work
from tests.factories import World, build_world, reload
from tests.refusals import refused


async def add(ground: Ground, actor: Actor, code: str, parent: Region | None) -> Region:
    async with unit_of_work(ground, actor) as work:
        return await commands.add_region(work, code=code, name=code, parent_id=parent.id if parent else None)


async def move(ground: Ground, actor: Actor, region: Region, parent: Region | None) -> Region:
    async with unit_of_work(ground, actor) as work:
        return await commands.move_region(work, region.id, parent_id=parent.id if parent else None)


async def paths(world: World) -> dict[str, str]:
    async with world.ground.db.read() as session:
        found = await session.scalars(select(Region).where(col(Region.brand_id) == world.brand.id))
    return {region.code: region.path for region in found}


async def test_a_region_is_added_below_another_and_at_the_top(ground: Ground) -> None:
    world = await build_world(ground)

    below = await add(ground, world.hq, " SH-1 ", world.regions["east"])
    top = await add(ground, world.hq, "uk", None)

    assert (below.code, below.path) == ("sh-1", "/cn/east/sh-1/")
    assert top.path == "/uk/"


@pytest.mark.parametrize("code", ["", "a/b", "a b", "%", "华东", "x" * 33, "-a"])
async def test_a_code_that_could_not_stand_in_a_path_is_refused(ground: Ground, code: str) -> None:
    world = await build_world(ground)

    async with refused(ground, Invalid):
        await add(ground, world.hq, code, None)


async def test_a_code_is_taken_once_in_a_brand_and_free_in_another(ground: Ground) -> None:
    world = await build_world(ground)
    other = await build_world(ground, "baiyu")

    async with refused(ground, CodeTaken):
        await add(ground, world.hq, "EAST", None)

    assert (await add(ground, other.hq, "west", other.regions["cn"])).path == "/cn/west/"


async def test_two_who_add_one_code_at_once_make_one_region(ground: Ground) -> None:
    world = await build_world(ground)

    results = await asyncio.gather(
        *(add(ground, world.hq, "west", world.regions["cn"]) for _ in range(2)), return_exceptions=True
    )

    assert [type(result) for result in results if not isinstance(result, Region)] == [CodeTaken]
    assert len(await paths(world)) == 4


async def test_renaming_keeps_the_code(ground: Ground) -> None:
    world = await build_world(ground)

    async with unit_of_work(ground, world.hq) as work:
        await commands.rename_region(work, world.regions["east"].id, name=" 华东大区 ", expected_version=1)

    renamed = await reload(ground, world.regions["east"])
    assert (renamed.name, renamed.code, renamed.version) == ("华东大区", "east", 2)


async def test_renaming_an_older_version_is_refused(ground: Ground) -> None:
    world = await build_world(ground)

    async with refused(ground, StaleVersion), unit_of_work(ground, world.hq) as work:
        await commands.rename_region(work, world.regions["east"].id, name="华东", expected_version=9)


async def test_moving_carries_all_below_along(ground: Ground) -> None:
    world = await build_world(ground)
    shanghai = await add(ground, world.hq, "sh", world.regions["east"])
    await add(ground, world.hq, "pudong", shanghai)
    await add(ground, world.hq, "east-2", world.regions["cn"])

    moved = await move(ground, world.hq, world.regions["east"], world.regions["north"])

    assert (moved.path, moved.version, moved.parent_id) == ("/cn/north/east/", 2, world.regions["north"].id)
    assert await paths(world) == {
        "cn": "/cn/",
        "north": "/cn/north/",
        "east": "/cn/north/east/",
        "sh": "/cn/north/east/sh/",
        "pudong": "/cn/north/east/sh/pudong/",
        "east-2": "/cn/east-2/",
    }


async def test_moving_to_where_a_region_is_changes_nothing(ground: Ground) -> None:
    world = await build_world(ground)

    await move(ground, world.hq, world.regions["east"], world.regions["cn"])

    assert (await reload(ground, world.regions["east"])).version == 1


async def test_a_region_moves_to_the_top(ground: Ground) -> None:
    world = await build_world(ground)

    assert (await move(ground, world.hq, world.regions["east"], None)).path == "/east/"


async def test_a_region_is_not_moved_below_itself(ground: Ground) -> None:
    world = await build_world(ground)
    shanghai = await add(ground, world.hq, "sh", world.regions["east"])

    for target in (world.regions["east"], shanghai):
        async with refused(ground, RegionCycle):
            await move(ground, world.hq, world.regions["east"], target)


async def test_two_moves_at_once_make_no_circle(ground: Ground) -> None:
    world = await build_world(ground)
    east, north = world.regions["east"], world.regions["north"]

    results = await asyncio.gather(
        move(ground, world.hq, east, north), move(ground, world.hq, north, east), return_exceptions=True
    )

    assert [type(result) for result in results if isinstance(result, Refusal)] == [RegionCycle]
    assert sorted((await paths(world)).values()) in (
        ["/cn/", "/cn/north/", "/cn/north/east/"],
        ["/cn/", "/cn/east/", "/cn/east/north/"],
    )


async def test_a_tree_that_would_not_fit_its_paths_is_refused(ground: Ground) -> None:
    world = await build_world(ground)
    region = world.regions["east"]
    for number in range(11):
        region = await add(ground, world.hq, f"{number:02}{'x' * 30}", region)

    async with refused(ground, RegionTooDeep):
        await add(ground, world.hq, "y" * 32, region)

    long = await add(ground, world.hq, "z" * 32, world.regions["cn"])
    async with refused(ground, RegionTooDeep):
        await move(ground, world.hq, world.regions["east"], long)


async def test_a_regional_manager_shapes_what_is_below_their_region_only(ground: Ground) -> None:
    world = await build_world(ground)
    east, manager = world.regions["east"], world.east_manager
    shanghai = await add(ground, manager, "sh", east)
    pudong = await add(ground, manager, "pudong", east)
    assert (await move(ground, manager, pudong, shanghai)).path == "/cn/east/sh/pudong/"

    async with refused(ground, Forbidden):
        await move(ground, manager, east, shanghai)
    async with refused(ground, Forbidden):
        await move(ground, manager, shanghai, None)
    async with refused(ground, Forbidden):
        await add(ground, manager, "top", None)
    for unseen in (world.regions["cn"], world.regions["north"]):
        async with refused(ground, NotFound):
            await move(ground, manager, shanghai, unseen)
        async with refused(ground, NotFound):
            await add(ground, manager, "inside", unseen)


async def test_a_store_shapes_no_region(ground: Ground) -> None:
    world = await build_world(ground)

    for actor in (world.shop.manager, world.shop.guide):
        async with refused(ground, Forbidden):
            await add(ground, actor, "sh", world.regions["east"])
        async with refused(ground, Forbidden), unit_of_work(ground, actor) as work:
            await commands.rename_region(work, world.regions["east"].id, name="我的")


async def test_another_brands_region_does_not_exist(ground: Ground) -> None:
    world = await build_world(ground)
    other = await build_world(ground, "baiyu")

    async with refused(ground, NotFound):
        await add(ground, world.hq, "spy", other.regions["cn"])
    async with refused(ground, NotFound):
        await move(ground, world.hq, other.regions["east"], world.regions["cn"])
