"""Relationships change hands, rank and remark; their history says so."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from customers import commands
from customers.errors import AlreadyHeld, HolderUnfit, OtherStore
from customers.models import Customer, Holding, HoldingReason, Relationship
from directory.models import Assignment, Staff, StaffState
from kernel import clock, feed
from kernel.actor import Actor
from kernel.errors import Forbidden, Invalid, NotFound, Refusal, StaleVersion
from kernel.work import Ground, unit_of_work
from tests.asking import VAULT
from tests.factories import NOON, World, build_customer, build_world, relationship_of, reload, said
from tests.refusals import refused


async def reassign(ground: Ground, actor: Actor, relationship_id: UUID, to: UUID, **values: Any) -> Relationship:
    async with unit_of_work(ground, actor) as work:
        return await commands.reassign(work, relationship_id, to_account_id=to, **values)


async def remark(ground: Ground, actor: Actor, customer: Customer, text: str | None, **values: Any) -> Relationship:
    async with unit_of_work(ground, actor) as work:
        return await commands.edit_remark(work, customer.id, remark=text, **values)


async def set_primary(ground: Ground, actor: Actor, relationship: Relationship) -> Relationship:
    async with unit_of_work(ground, actor) as work:
        return await commands.set_primary(work, relationship.id)


async def claimed(ground: Ground, actor: Actor, customer: Customer) -> Relationship:
    """The relationship that the actor's store gets with a customer it didn't know."""
    async with unit_of_work(ground, actor) as work:
        await commands.claim(work, VAULT, member_number=customer.member_number)
    async with ground.db.read() as session:
        found = await session.scalar(
            select(Relationship).where(
                col(Relationship.customer_id) == customer.id, col(Relationship.store_id) == actor.store_id
            )
        )
    assert found
    return found


async def history(ground: Ground, relationship: Relationship) -> list[Holding]:
    async with ground.db.read() as session:
        found = await session.scalars(
            select(Holding).where(col(Holding.relationship_id) == relationship.id).order_by(col(Holding.from_at))
        )
        return list(found)


async def state_of(ground: Ground, actor: Actor) -> StaffState:
    async with ground.db.read() as session:
        person = await session.get(Staff, (actor.brand_id, actor.id))
    assert person
    return person.state


async def shut_out(ground: Ground, world: World, guide: Actor) -> None:
    async with unit_of_work(ground, world.hq) as work:
        await commands.close_access(work, guide.id)


async def test_a_relationship_goes_to_a_colleague_and_both_hear_of_it(ground: Ground) -> None:
    world = await build_world(ground)
    giver, taker = world.shop.guides
    relationship = await relationship_of(ground, await build_customer(ground, giver))
    later = NOON + timedelta(days=1)

    with clock.stopped_at(later):
        await reassign(ground, world.shop.manager, relationship.id, taker.account_ids[0], expected_version=1)

    moved = await reload(ground, relationship)
    assert (moved.holder_id, moved.touched_at, moved.version) == (taker.account_ids[0], later, 2)
    first, second = await history(ground, relationship)
    assert (first.account_id, first.from_at, first.until_at) == (giver.account_ids[0], NOON, later)
    assert (second.account_id, second.from_at, second.until_at) == (taker.account_ids[0], later, None)
    assert (second.reason, second.by_actor_id) == (HoldingReason.REASSIGNED, world.shop.manager.id)
    assert await said(ground, giver.id) == [
        ("del", "relationship", relationship.id),
        ("del", "customer", relationship.customer_id),
    ]
    assert await said(ground, taker.id) == [("whole", "relationship", relationship.id)]
    assert await said(ground, feed.of_desk(world.shop.store.id)) == [("put", "relationship", relationship.id)]


async def test_a_relationship_goes_to_the_public_account_and_back(ground: Ground) -> None:
    world = await build_world(ground)
    guide = world.shop.guide
    relationship = await relationship_of(ground, await build_customer(ground, guide))

    await reassign(ground, world.hq, relationship.id, world.shop.public.id)
    await reassign(ground, world.east_manager, relationship.id, guide.account_ids[0])

    assert [op for op, _, _ in await said(ground, guide.id)] == ["del", "del", "whole"]
    assert len(await history(ground, relationship)) == 3


async def test_only_managers_who_see_it_reassign(ground: Ground) -> None:
    world = await build_world(ground)
    taker = world.shop.other_guide.account_ids[0]
    relationship = await relationship_of(ground, await build_customer(ground, world.shop.guide))
    refusals: list[tuple[Actor, type[Refusal]]] = [
        (world.shop.guide, Forbidden),
        (world.shop.other_guide, NotFound),
        (world.shops[1].manager, NotFound),
        (world.shops[2].manager, NotFound),
    ]

    for actor, kind in refusals:
        async with refused(ground, kind):
            await reassign(ground, actor, relationship.id, taker)


async def test_a_relationship_stays_in_its_store_and_with_people_at_work(ground: Ground) -> None:
    world = await build_world(ground)
    giver, taker = world.shop.guides
    relationship = await relationship_of(ground, await build_customer(ground, giver))
    await build_customer(ground, taker)
    await shut_out(ground, world, taker)

    async with refused(ground, OtherStore):
        await reassign(ground, world.hq, relationship.id, world.shops[1].guide.account_ids[0])
    async with refused(ground, NotFound):
        await reassign(ground, world.shop.manager, relationship.id, world.shops[1].guide.account_ids[0])
    async with refused(ground, HolderUnfit):
        await reassign(ground, world.hq, relationship.id, taker.account_ids[0])
    async with refused(ground, AlreadyHeld):
        await reassign(ground, world.hq, relationship.id, giver.account_ids[0])
    async with refused(ground, StaleVersion):
        await reassign(ground, world.hq, relationship.id, world.shop.public.id, expected_version=3)


async def test_two_who_reassign_one_version_at_once_move_it_once(ground: Ground) -> None:
    world = await build_world(ground)
    giver, taker = world.shop.guides
    relationship = await relationship_of(ground, await build_customer(ground, giver))

    results = await asyncio.gather(
        *(
            reassign(ground, world.shop.manager, relationship.id, to, expected_version=1)
            for to in (taker.account_ids[0], world.shop.public.id)
        ),
        return_exceptions=True,
    )

    assert [type(result) for result in results if not isinstance(result, Relationship)] == [StaleVersion]
    assert [holding.until_at is None for holding in await history(ground, relationship)] == [False, True]


async def test_many_moves_crosswise_at_once_all_end(ground: Ground) -> None:
    world = await build_world(ground)
    one, two = world.shop.guides
    theirs = [await relationship_of(ground, await build_customer(ground, one)) for _ in range(4)]
    others = [await relationship_of(ground, await build_customer(ground, two)) for _ in range(4)]

    await asyncio.gather(
        *(reassign(ground, world.shop.manager, row.id, two.account_ids[0]) for row in theirs),
        *(reassign(ground, world.shop.manager, row.id, one.account_ids[0]) for row in others),
    )

    for row in theirs:
        assert (await reload(ground, row)).holder_id == two.account_ids[0]
    for row in others:
        assert (await reload(ground, row)).holder_id == one.account_ids[0]


async def test_a_leaver_has_departed_when_the_last_relationship_has_gone(ground: Ground) -> None:
    world = await build_world(ground)
    leaver, taker = world.shop.guides
    rows = [await relationship_of(ground, await build_customer(ground, leaver)) for _ in range(2)]
    await shut_out(ground, world, leaver)

    states = []
    for row in rows:
        await reassign(ground, world.shop.manager, row.id, taker.account_ids[0], reason=HoldingReason.HANDOVER)
        states.append(await state_of(ground, leaver))

    assert states == [StaffState.LEAVING, StaffState.DEPARTED]
    assert (await history(ground, rows[0]))[-1].reason is HoldingReason.HANDOVER
    async with ground.db.read() as session:
        assert await session.scalar(select(col(Assignment.ends_at)).where(col(Assignment.staff_id) == leaver.id))


async def test_a_remark_is_kept_with_the_relationship(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)

    await remark(ground, world.shop.guide, customer, " 喜欢红色 ", expected_version=1)
    relationship = await relationship_of(ground, customer)
    assert (relationship.remark, relationship.version) == ("喜欢红色", 2)
    assert relationship.touched_at

    await remark(ground, world.shop.manager, customer, None)
    assert (await relationship_of(ground, customer)).remark is None
    assert await said(ground, world.shop.guide.id) == [("put", "relationship", relationship.id)] * 2
    assert await said(ground, feed.of_desk(world.shop.store.id)) == [("put", "relationship", relationship.id)] * 2


async def test_a_remark_from_elsewhere_or_too_long_or_old_is_refused(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    refusals: list[tuple[Actor, str, dict[str, Any], type[Refusal]]] = [
        (world.shop.other_guide, "好", {}, NotFound),
        (world.shops[1].manager, "好", {}, NotFound),
        (world.hq, "好", {}, Forbidden),
        (world.east_manager, "好", {}, Forbidden),
        (world.shop.guide, "长" * 201, {}, Invalid),
        (world.shop.guide, "好", {"expected_version": 2}, StaleVersion),
    ]

    for actor, text, values, kind in refusals:
        async with refused(ground, kind):
            await remark(ground, actor, customer, text, **values)


async def test_the_primary_store_is_chosen_from_above_and_there_is_one(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    first = await relationship_of(ground, customer)
    second = await claimed(ground, world.shops[1].guide, customer)
    spoken = await said(ground, world.shops[1].guide.id)

    for _ in range(2):
        await set_primary(ground, world.east_manager, second)

    before, after = await reload(ground, first), await reload(ground, second)
    assert (before.is_primary, before.version, after.is_primary, after.version) == (False, 2, True, 2)
    assert await said(ground, world.shop.guide.id) == [("put", "relationship", first.id)]
    assert await said(ground, world.shops[1].guide.id) == [*spoken, ("put", "relationship", second.id)]


async def test_the_primary_store_is_not_chosen_from_within_nor_over_somebody_elses(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shops[2].guide)
    northern = await relationship_of(ground, customer)
    eastern = await claimed(ground, world.shop.guide, customer)

    async with refused(ground, Forbidden):
        await set_primary(ground, world.shop.manager, eastern)
    async with refused(ground, Forbidden):
        await set_primary(ground, world.east_manager, eastern)
    async with refused(ground, NotFound):
        await set_primary(ground, world.east_manager, northern)
    async with refused(ground, NotFound):
        await set_primary(ground, world.shop.other_guide, eastern)


async def test_two_primaries_chosen_at_once_leave_one(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    rows = [
        await relationship_of(ground, customer),
        await claimed(ground, world.shops[1].guide, customer),
        await claimed(ground, world.shops[2].guide, customer),
    ]

    await asyncio.gather(*(set_primary(ground, world.hq, row) for row in rows[1:]))

    assert sum([(await reload(ground, row)).is_primary for row in rows]) == 1
