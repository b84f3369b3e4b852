"""The directory is read by those who may see it."""

from typing import Any

from directory import commands
from directory.models import StaffState
from directory.queries import accounts, brands, regions, staff, stores
from kernel.actor import Actor, Role
from kernel.pages import Page
from kernel.work import Ground, unit_of_work
from tests.factories import build_world


async def seen(ground: Ground, actor: Actor, query: Any, field: str, *values: Any, **wanted: Any) -> list[str]:
    async with ground.db.read() as session:
        return [getattr(row, field) for row in await query(session, actor, Page(100), *values, **wanted)]


async def test_regions_are_seen_from_above(ground: Ground) -> None:
    world = await build_world(ground)
    other = await build_world(ground, "baiyu")

    assert await seen(ground, world.hq, regions.page, "path") == ["/cn/", "/cn/east/", "/cn/north/"]
    assert await seen(ground, world.hq, regions.page, "path", world.regions["cn"].id) == ["/cn/east/", "/cn/north/"]
    assert await seen(ground, world.east_manager, regions.page, "path") == ["/cn/east/"]
    assert await seen(ground, world.shop.guide, regions.page, "path") == ["/cn/east/"]
    async with ground.db.read() as session:
        assert await regions.by_ids(session, world.hq, [other.regions["cn"].id]) == {}
        assert await brands.by_ids(session, world.hq, [other.brand.id]) == {}
        assert [row.code for row in (await brands.by_ids(session, world.shop.guide, [world.brand.id])).values()] == [
            "qinghe"
        ]


async def test_stores_are_seen_by_who_works_there_or_above(ground: Ground) -> None:
    world = await build_world(ground)

    assert await seen(ground, world.hq, stores.page, "code") == ["qinghe-1", "qinghe-2", "qinghe-3"]
    assert await seen(ground, world.hq, stores.page, "code", world.regions["north"].id) == ["qinghe-3"]
    assert await seen(ground, world.hq, stores.page, "code", None, "closed") == []
    assert await seen(ground, world.east_manager, stores.page, "code") == ["qinghe-1", "qinghe-2"]
    assert await seen(ground, world.shop.guide, stores.page, "code") == ["qinghe-1"]


async def test_staff_are_found_by_number_name_role_and_state(ground: Ground) -> None:
    world = await build_world(ground)
    async with unit_of_work(ground, world.hq) as work:
        await commands.close_access(work, world.shop.guide.id, holds=0)

    assert await seen(ground, world.shop.guide, staff.page, "number") == ["qinghe-1-G1", "qinghe-1-G2", "qinghe-1-M"]
    assert len(await seen(ground, world.east_manager, staff.page, "number")) == 7
    assert len(await seen(ground, world.hq, staff.page, "number")) == 11
    for wanted, found in (
        ({"search": "qinghe-1-G1"}, ["qinghe-1-G1"]),
        ({"search": "-G1"}, ["qinghe-1-G1", "qinghe-2-G1", "qinghe-3-G1"]),
        ({"search": "%"}, []),
        ({"search": "\x00"}, []),
        ({"role": Role.REGIONAL_MANAGER}, ["qinghe-east"]),
        ({"state": StaffState.DEPARTED}, ["qinghe-1-G1"]),
        ({"store_id": world.shops[1].store.id, "role": Role.STORE_MANAGER}, ["qinghe-2-M"]),
    ):
        assert await seen(ground, world.hq, staff.page, "number", **wanted) == found


async def test_a_row_of_staff_never_holds_the_passwords_hash(ground: Ground) -> None:
    world = await build_world(ground)

    async with ground.db.read() as session:
        [row] = (await staff.by_ids(session, world.hq, [world.shop.guide.id])).values()

    assert "password_hash" not in row._fields


async def test_accounts_are_listed_by_store_and_by_person(ground: Ground) -> None:
    world = await build_world(ground)
    shop = world.shop
    ids = [shop.public.id, *(guide.account_ids[0] for guide in shop.guides)]

    async with ground.db.read() as session:
        by_store = await accounts.of_stores(session, world.hq, [shop.store.id, world.brand.id])
        by_person = await accounts.of_staff(session, world.hq, [shop.guide.id, world.hq.id])
        unseen = await accounts.of_stores(session, world.shops[1].guide, [shop.store.id])
        own = [await accounts.own(session, actor) for actor in (shop.guide, shop.manager, world.hq)]

    assert [row.id for row in by_store[shop.store.id]] == ids
    assert by_store[world.brand.id] == []
    assert [row.id for row in by_person[shop.guide.id]] == [ids[1]]
    assert unseen == {shop.store.id: []}
    assert [account and account.id for account in own] == [ids[1], ids[0], None]


async def test_a_guide_who_became_manager_takes_customers_on_for_the_store(ground: Ground) -> None:
    world = await build_world(ground)
    promoted = Actor(
        brand_id=world.brand.id,
        id=world.shop.guide.id,
        role=Role.STORE_MANAGER,
        staff_id=world.shop.guide.id,
        store_id=world.shop.store.id,
        account_ids=(*world.shop.guide.account_ids, world.shop.public.id),
    )

    async with ground.db.read() as session:
        account = await accounts.own(session, promoted)

    assert account
    assert account.id == world.shop.public.id


async def test_assignments_are_told_latest_first(ground: Ground) -> None:
    world = await build_world(ground)
    guide, there = world.shop.guide, world.shops[1].store.id
    async with unit_of_work(ground, world.hq) as work:
        await commands.move_staff(work, guide.id, role=Role.GUIDE, store_id=there, holds=0)

    async with ground.db.read() as session:
        found = await staff.assignments(session, world.hq, [guide.id, world.hq.id])
        unseen = await staff.assignments(session, world.shops[2].manager, [guide.id])

    assert [row.store_id for row in found[guide.id]] == [there, world.shop.store.id]
    assert (found[world.hq.id], unseen) == ([], {guide.id: []})
