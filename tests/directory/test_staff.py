"""Staff are hired, renamed and moved by those who stand above them."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from customers.commands import move_staff
from directory import commands
from directory.errors import (
    AccessClosed,
    CodeTaken,
    OwnAccess,
    PlaceMismatch,
    StillHolds,
    StoreClosed,
)
from directory.models import Account, Assignment, Staff, Store, StoreState
from kernel import feed
from kernel.actor import Actor, Role, Scope
from kernel.errors import Forbidden, Invalid, NotFound, Refusal, StaleVersion
from kernel.work import Ground, unit_of_work
from tests.factories import build_customer, build_world, reload, said
from tests.refusals import refused


async def hire(ground: Ground, actor: Actor, role: Role = Role.GUIDE, *, number: str = "G9", **place: Any) -> Staff:
    async with unit_of_work(ground, actor) as work:
        return await commands.hire(work, number=number, name=" 李雷 ", role=role, **place)


async def move(ground: Ground, actor: Actor, staff_id: UUID, role: Role = Role.GUIDE, **changes: Any) -> Staff:
    async with unit_of_work(ground, actor) as work:
        return await move_staff(work, staff_id, role=role, **changes)


async def rows(ground: Ground, model: Any, staff_id: UUID) -> list[Any]:
    async with ground.db.read() as session:
        found = await session.scalars(select(model).where(model.staff_id == staff_id).order_by(model.id))
        return list(found)


async def staff_row(ground: Ground, actor: Actor) -> Staff:
    async with ground.db.read() as session:
        found = await session.get(Staff, (actor.brand_id, actor.id))
    assert found
    return found


async def test_a_new_guide_has_an_account_an_assignment_and_a_feed(ground: Ground) -> None:
    world = await build_world(ground)
    store = world.shop.store

    guide = await hire(ground, world.shop.manager, store_id=store.id)

    assert (guide.name, guide.password_hash) == ("李雷", None)
    assert [(row.store_id, row.kind) for row in await rows(ground, Account, guide.id)] == [(store.id, "guide")]
    assert [(row.store_id, row.role, row.ends_at) for row in await rows(ground, Assignment, guide.id)] == [
        (store.id, Role.GUIDE, None)
    ]
    news = [("put", "staff", guide.id)]
    for feed_id in (feed.of_staff(guide.id), feed.of_store(store.id), feed.of_desk(store.id)):
        assert await said(ground, feed_id) == news


async def test_managers_get_no_account_of_their_own(ground: Ground) -> None:
    world = await build_world(ground)

    manager = await hire(ground, world.hq, Role.STORE_MANAGER, store_id=world.shop.store.id)
    regional = await hire(ground, world.hq, Role.REGIONAL_MANAGER, number="R9", region_id=world.regions["north"].id)
    colleague = await hire(ground, world.hq, Role.HQ, number="H9")

    for person in (manager, regional, colleague):
        assert await rows(ground, Account, person.id) == []
    assert await said(ground, feed.of_staff(colleague.id)) == [("put", "staff", colleague.id)]


async def test_a_number_is_given_once_even_by_two_at_once(ground: Ground) -> None:
    world = await build_world(ground)

    results = await asyncio.gather(
        *(hire(ground, world.hq, store_id=world.shop.store.id) for _ in range(2)), return_exceptions=True
    )

    assert [type(result) for result in results if not isinstance(result, Staff)] == [CodeTaken]


@pytest.mark.parametrize("role", [Role.GUIDE, Role.STORE_MANAGER, Role.REGIONAL_MANAGER, Role.HQ, Role.SERVICE])
async def test_a_place_that_does_not_fit_the_role_is_refused(ground: Ground, role: Role) -> None:
    world = await build_world(ground)
    store, region = world.shop.store.id, world.regions["east"].id
    wrong: list[dict[str, Any]] = [{"store_id": store, "region_id": region}]
    wrong += [{"region_id": region}, {}] if role in (Role.GUIDE, Role.STORE_MANAGER) else [{"store_id": store}]

    for place in wrong:
        async with refused(ground, PlaceMismatch):
            await hire(ground, world.hq, role, **place)


async def test_nobody_is_hired_into_a_closed_store(ground: Ground) -> None:
    world = await build_world(ground)
    async with ground.db.write() as session:
        store = await session.get(Store, (world.brand.id, world.shop.store.id))
        assert store
        store.state = StoreState.CLOSED

    async with refused(ground, StoreClosed):
        await hire(ground, world.hq, store_id=world.shop.store.id)
    async with refused(ground, StoreClosed):
        await move(ground, world.hq, world.shops[1].guide.id, store_id=world.shop.store.id)


async def test_each_hires_below_themselves_only(ground: Ground) -> None:
    world = await build_world(ground)
    here, there = world.shop.store.id, world.shops[1].store.id
    east, north = world.regions["east"].id, world.regions["north"].id
    async with unit_of_work(ground, world.hq) as work:
        below = (await commands.add_region(work, code="sh", name="上海", parent_id=east)).id

    await hire(ground, world.east_manager, Role.STORE_MANAGER, number="A1", store_id=here)
    await hire(ground, world.east_manager, Role.REGIONAL_MANAGER, number="A2", region_id=below)
    refusals: list[tuple[Actor, Role, dict[str, Any], type[Refusal]]] = [
        (world.east_manager, Role.REGIONAL_MANAGER, {"region_id": east}, Forbidden),
        (world.east_manager, Role.HQ, {}, Forbidden),
        (world.east_manager, Role.REGIONAL_MANAGER, {"region_id": north}, NotFound),
        (world.east_manager, Role.GUIDE, {"store_id": world.shops[2].store.id}, NotFound),
        (world.shop.manager, Role.STORE_MANAGER, {"store_id": here}, Forbidden),
        (world.shop.manager, Role.GUIDE, {"store_id": there}, NotFound),
        (world.shop.guide, Role.GUIDE, {"store_id": here}, Forbidden),
    ]
    for actor, role, place, kind in refusals:
        async with refused(ground, kind):
            await hire(ground, actor, role, **place)


async def test_a_number_with_blanks_or_an_empty_name_is_refused(ground: Ground) -> None:
    world = await build_world(ground)

    async with refused(ground, Invalid):
        await hire(ground, world.hq, number="G 9", store_id=world.shop.store.id)
    async with refused(ground, Invalid), unit_of_work(ground, world.hq) as work:
        await commands.hire(work, number="G9", name=" ", role=Role.HQ)


async def test_renaming_tells_the_person_the_store_and_the_desk(ground: Ground) -> None:
    world = await build_world(ground)
    guide = world.shop.guide

    async with unit_of_work(ground, world.shop.manager) as work:
        await commands.rename(work, guide.id, name="韩梅梅", expected_version=1)

    person = await staff_row(ground, guide)
    assert (person.name, person.version) == ("韩梅梅", 2)
    for feed_id in (guide.id, feed.of_store(world.shop.store.id), feed.of_desk(world.shop.store.id)):
        assert await said(ground, feed_id) == [("put", "staff", guide.id)]


async def test_a_rename_from_beside_or_below_or_of_an_old_version_is_refused(ground: Ground) -> None:
    world = await build_world(ground)
    guide = world.shop.guide

    for actor, kind in (
        (world.shop.other_guide, Forbidden),
        (world.shops[1].manager, NotFound),
        (world.shops[2].guide, NotFound),
    ):
        async with refused(ground, kind), unit_of_work(ground, actor) as work:
            await commands.rename(work, guide.id, name="某某")
    async with refused(ground, StaleVersion), unit_of_work(ground, world.hq) as work:
        await commands.rename(work, guide.id, name="某某", expected_version=3)
    async with refused(ground, Forbidden), unit_of_work(ground, world.shop.guide) as work:
        await commands.rename(work, world.shop.manager.id, name="某某")


async def test_a_move_ends_one_assignment_and_begins_another(ground: Ground) -> None:
    world = await build_world(ground)
    guide, here, there = world.shop.guide, world.shop.store, world.shops[1].store

    await move(ground, world.east_manager, guide.id, store_id=there.id, expected_version=1)

    assert (await staff_row(ground, guide)).store_id == there.id
    first, second = await rows(ground, Assignment, guide.id)
    assert first.ends_at == second.starts_at
    assert (second.store_id, second.ends_at) == (there.id, None)
    for feed_id in (feed.of_store(here.id), feed.of_desk(here.id)):
        assert await said(ground, feed_id) == [("del", "staff", guide.id)]
    for feed_id in (guide.id, feed.of_store(there.id), feed.of_desk(there.id)):
        assert await said(ground, feed_id) == [("put", "staff", guide.id)]


async def test_a_guide_who_comes_back_gets_the_old_account_again(ground: Ground) -> None:
    world = await build_world(ground)
    guide, here, there = world.shop.guide, world.shop.store.id, world.shops[1].store.id

    for store_id in (there, here):
        await move(ground, world.hq, guide.id, store_id=store_id)

    accounts = await rows(ground, Account, guide.id)
    assert {row.store_id: row.id for row in accounts}[here] == guide.account_ids[0]
    assert len(accounts) == 2


async def test_a_promotion_keeps_the_place(ground: Ground) -> None:
    world = await build_world(ground)

    await move(ground, world.hq, world.shop.guide.id, Role.STORE_MANAGER, store_id=world.shop.store.id)

    assert (await staff_row(ground, world.shop.guide)).role is Role.STORE_MANAGER
    assert await said(ground, feed.of_store(world.shop.store.id)) == [("put", "staff", world.shop.guide.id)]


async def test_a_move_to_the_same_place_says_nothing(ground: Ground) -> None:
    world = await build_world(ground)

    await move(ground, world.hq, world.shop.guide.id, store_id=world.shop.store.id)

    assert (await staff_row(ground, world.shop.guide)).version == 1
    assert await said(ground, world.shop.guide.id) == []


async def test_a_guide_who_holds_customers_is_not_moved(ground: Ground) -> None:
    world = await build_world(ground)
    for _ in range(2):
        await build_customer(ground, world.shop.guide)

    async with refused(ground, StillHolds):
        await move(ground, world.hq, world.shop.guide.id, store_id=world.shops[1].store.id)
    async with refused(ground, StillHolds):
        await move(ground, world.hq, world.shop.guide.id, Role.HQ)


async def test_who_is_shut_out_is_not_moved(ground: Ground) -> None:
    world = await build_world(ground)
    async with unit_of_work(ground, world.hq) as work:
        await commands.close_access(work, world.shop.guide.id, holds=0)

    async with refused(ground, AccessClosed):
        await move(ground, world.hq, world.shop.guide.id, store_id=world.shops[1].store.id)


async def test_nobody_moves_themselves_or_those_beside_and_above(ground: Ground) -> None:
    world = await build_world(ground)
    peer = await hire(ground, world.hq, Role.REGIONAL_MANAGER, number="R9", region_id=world.regions["east"].id)
    here, there = world.shop.store.id, world.shops[1].store.id

    async with refused(ground, OwnAccess):
        await move(ground, world.hq, world.hq.id, store_id=here)
    async with refused(ground, Forbidden):
        await move(ground, world.east_manager, peer.id, store_id=here)
    async with refused(ground, NotFound):
        await move(ground, world.east_manager, world.hq.id, store_id=here)
    async with refused(ground, Forbidden):
        await move(ground, world.shop.manager, world.shop.guide.id, Role.STORE_MANAGER, store_id=here)
    async with refused(ground, NotFound):
        await move(ground, world.shop.manager, world.shop.guide.id, store_id=there)
    async with refused(ground, NotFound):
        await move(ground, world.east_manager, world.shop.guide.id, store_id=world.shops[2].store.id)


async def test_two_moves_at_once_leave_one_open_assignment(ground: Ground) -> None:
    world = await build_world(ground)
    guide = world.shop.guide

    results = await asyncio.gather(
        *(move(ground, world.hq, guide.id, store_id=shop.store.id, expected_version=1) for shop in world.shops[1:]),
        return_exceptions=True,
    )

    assert [type(result) for result in results if not isinstance(result, Staff)] == [StaleVersion]
    assert [row.ends_at is None for row in await rows(ground, Assignment, guide.id)] == [False, True]


async def test_hiring_into_a_store_that_closes_at_once_happens_before_or_not_at_all(ground: Ground) -> None:
    world = await build_world(ground)
    store = world.shop.store
    async with ground.db.write() as session:
        for person in await session.scalars(select(Staff).where(col(Staff.store_id) == store.id)):
            person.state = person.state.DEPARTED

    async def close() -> Store:
        async with unit_of_work(ground, world.hq) as work:
            return await commands.close_store(work, store.id, holds=0)

    hired, closed = await asyncio.gather(hire(ground, world.hq, store_id=store.id), close(), return_exceptions=True)

    assert isinstance(hired, Staff) != isinstance(closed, Store)
    assert ((await reload(ground, store)).state is StoreState.CLOSED) == isinstance(closed, Store)


async def test_a_machine_that_may_write_the_directory_appoints_anybody_but_headquarters(ground: Ground) -> None:
    world = await build_world(ground)
    reader, writer = (
        Actor(brand_id=world.brand.id, id=world.brand.id, role=Role.SERVICE, scopes=frozenset({scope.value}))
        for scope in (Scope.DIRECTORY_READ, Scope.DIRECTORY_WRITE)
    )

    assert await hire(ground, writer, Role.STORE_MANAGER, store_id=world.shop.store.id)
    async with refused(ground, Forbidden):
        await hire(ground, writer, Role.HQ, number="H9")
    async with refused(ground, Forbidden):
        await move(ground, writer, world.hq.id, store_id=world.shop.store.id)
    async with refused(ground, Forbidden):
        await hire(ground, reader, number="G8", store_id=world.shop.store.id)
