"""Stores are opened, edited, closed and opened again."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from customers.commands import close_store
from directory import commands
from directory.errors import (
    BadOpeningHours,
    BadTimeZone,
    CodeTaken,
    StillHolds,
    StoreClosed,
    StoreOpen,
    StoreStaffed,
)
from directory.models import Account, AccountKind, Region, Staff, StaffState, Store, StoreState
from kernel import feed
from kernel.actor import Actor
from kernel.errors import Forbidden, Invalid, NotFound, StaleVersion
from kernel.work import Ground, unit_of_work
from tests.factories import HOURS, World, build_customer, build_world, reload, said
from tests.refusals import refused


async def open_store(ground: Ground, actor: Actor, region: Region, **values: Any) -> Store:
    usual: dict[str, Any] = {
        "code": "S9",
        "name": "新天地店",
        "time_zone": "Asia/Shanghai",
        "opening_hours": HOURS,
    }
    async with unit_of_work(ground, actor) as work:
        return await commands.open_store(work, region_id=region.id, **usual | values)


async def edit(ground: Ground, actor: Actor, store: Store, **changes: Any) -> Store:
    async with unit_of_work(ground, actor) as work:
        return await commands.edit_store(work, store.id, **changes)


async def close(ground: Ground, actor: Actor, store: Store, version: int | None = None) -> Store:
    async with unit_of_work(ground, actor) as work:
        return await close_store(work, store.id, expected_version=version)


async def empty(ground: Ground, world: World, shop: int = 0) -> Store:
    """The shop with everybody gone."""
    store = world.shops[shop].store
    async with ground.db.write() as session:
        for person in await session.scalars(select(Staff).where(col(Staff.store_id) == store.id)):
            person.state = StaffState.DEPARTED
    return store


async def accounts_of(ground: Ground, store_id: UUID) -> list[AccountKind]:
    async with ground.db.read() as session:
        return list(await session.scalars(select(col(Account.kind)).where(col(Account.store_id) == store_id)))


async def test_a_new_store_has_a_public_account_and_feeds_that_tell_of_it(ground: Ground) -> None:
    world = await build_world(ground)

    store = await open_store(ground, world.hq, world.regions["east"], city=" 上海 ")

    assert (store.city, store.state, store.version) == ("上海", StoreState.OPEN, 1)
    assert await accounts_of(ground, store.id) == [AccountKind.PUBLIC]
    news = [("put", "store", store.id)]
    assert await said(ground, feed.of_store(store.id)) == news
    assert await said(ground, feed.of_desk(store.id)) == news


@pytest.mark.parametrize("zone", ["", "Shanghai", "Asia/Nowhere", "../etc/passwd", "GMT+8"])
async def test_a_time_zone_nobody_knows_is_refused(ground: Ground, zone: str) -> None:
    world = await build_world(ground)

    async with refused(ground, BadTimeZone):
        await open_store(ground, world.hq, world.regions["east"], time_zone=zone)


@pytest.mark.parametrize(
    "hours",
    [
        HOURS[:6],
        [*HOURS, None],
        [["10:00"], *HOURS[1:]],
        [["22:00", "10:00"], *HOURS[1:]],
        [["9:00", "22:00"], *HOURS[1:]],
        [["10:00", "25:00"], *HOURS[1:]],
    ],
)
async def test_opening_hours_that_make_no_week_are_refused(ground: Ground, hours: Any) -> None:
    world = await build_world(ground)

    async with refused(ground, BadOpeningHours):
        await open_store(ground, world.hq, world.regions["east"], opening_hours=hours)


async def test_a_store_may_be_shut_on_a_day_and_open_until_midnight(ground: Ground) -> None:
    world = await build_world(ground)

    store = await open_store(
        ground, world.hq, world.regions["east"], opening_hours=[None, ("10:00", "24:00"), *HOURS[2:]]
    )

    assert (await reload(ground, store)).opening_hours[:2] == [None, ["10:00", "24:00"]]


async def test_two_who_open_one_code_at_once_open_one_store(ground: Ground) -> None:
    world = await build_world(ground)

    results = await asyncio.gather(
        *(open_store(ground, world.hq, world.regions["east"]) for _ in range(2)), return_exceptions=True
    )

    assert [type(result) for result in results if not isinstance(result, Store)] == [CodeTaken]


async def test_a_code_with_blanks_is_refused(ground: Ground) -> None:
    world = await build_world(ground)

    async with refused(ground, Invalid):
        await open_store(ground, world.hq, world.regions["east"], code="S 9")


async def test_editing_changes_what_is_named_and_tells_store_and_desk(ground: Ground) -> None:
    world = await build_world(ground)

    await edit(ground, world.hq, world.shop.store, name="南京西路店", city="上海", expected_version=1)
    await edit(ground, world.east_manager, world.shop.store, city=None, time_zone="Europe/London")

    store = await reload(ground, world.shop.store)
    assert (store.name, store.city, store.time_zone, store.version) == ("南京西路店", None, "Europe/London", 3)
    assert store.opening_hours == HOURS
    assert await said(ground, feed.of_store(store.id)) == [("put", "store", store.id)] * 2
    assert await said(ground, feed.of_desk(store.id)) == [("put", "store", store.id)] * 2


async def test_an_edit_that_is_wrong_or_old_is_refused(ground: Ground) -> None:
    world = await build_world(ground)

    async with refused(ground, StaleVersion):
        await edit(ground, world.hq, world.shop.store, name="旧", expected_version=5)
    async with refused(ground, BadTimeZone):
        await edit(ground, world.hq, world.shop.store, name="新", time_zone="Mars/Base")
    async with refused(ground, Invalid):
        await edit(ground, world.hq, world.shop.store, name="  ")


async def test_a_store_goes_to_another_region_that_the_manager_sees(ground: Ground) -> None:
    world = await build_world(ground)

    async with refused(ground, NotFound):
        await edit(ground, world.east_manager, world.shop.store, region_id=world.regions["north"].id)

    await edit(ground, world.hq, world.shop.store, region_id=world.regions["north"].id)
    assert (await reload(ground, world.shop.store)).region_id == world.regions["north"].id


async def test_only_hq_and_the_regions_manager_arrange_stores(ground: Ground) -> None:
    world = await build_world(ground)

    for actor in (world.shop.manager, world.shop.guide):
        async with refused(ground, Forbidden):
            await open_store(ground, actor, world.regions["east"])
        async with refused(ground, Forbidden):
            await edit(ground, actor, world.shop.store, name="我的店")
        async with refused(ground, Forbidden):
            await close(ground, actor, world.shop.store)
    async with refused(ground, NotFound):
        await open_store(ground, world.east_manager, world.regions["north"])
    for stranger in (world.east_manager, world.shop.manager):
        async with refused(ground, NotFound):
            await edit(ground, stranger, world.shops[2].store, name="他店")


async def test_a_store_closes_once_nobody_works_there_and_opens_again(ground: Ground) -> None:
    world = await build_world(ground)
    store = await empty(ground, world)

    assert (await close(ground, world.hq, store, 1)).state is StoreState.CLOSED
    async with refused(ground, StoreClosed):
        await close(ground, world.hq, store)
    async with unit_of_work(ground, world.hq) as work:
        await commands.reopen_store(work, store.id, expected_version=2)
    async with refused(ground, StoreOpen), unit_of_work(ground, world.hq) as work:
        await commands.reopen_store(work, store.id)

    assert (await reload(ground, store)).version == 3
    assert await said(ground, feed.of_desk(store.id)) == [("put", "store", store.id)] * 2


async def test_a_store_with_staff_stays_open(ground: Ground) -> None:
    world = await build_world(ground)

    async with refused(ground, StoreStaffed):
        await close(ground, world.hq, world.shop.store)


async def test_a_store_that_owns_relationships_stays_open(ground: Ground) -> None:
    world = await build_world(ground)
    await build_customer(ground, world.shop.manager)
    store = await empty(ground, world)

    async with refused(ground, StillHolds):
        await close(ground, world.hq, store)
