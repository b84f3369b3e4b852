"""Editing, approving and cancelling a plan: who may, what it does once, and what is refused."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

from directory.models import Account, AccountKind, StaffState
from handover import commands
from handover.commands import leasing
from handover.errors import HandoverMovedOn, OwnHandover, PlanMissing, TakeoverFull, TakeoverUnfit
from handover.models import Handover, HandoverKind, HandoverState, HeldHere, ItemReason, Strategy
from kernel import clock, ids
from kernel.actor import Actor
from kernel.errors import Forbidden, Invalid, NotFound, StaleVersion
from kernel.work import Ground
from tests.factories import World, build_customer, build_world, relationship_of, reload, save
from tests.handover.planning.deciding import approve, begin, cancel, set_state, state_of
from tests.handover.planning.rows import asked, do, item_of, items, planned, started, worked_out
from tests.refusals import refused


async def edit(ground: Ground, actor: Actor, handover: Handover, pairs: dict[UUID, UUID], **given: Any) -> Handover:
    done: Handover = await do(ground, actor, lambda work: commands.edit(work, handover.id, pairs=pairs, **given))
    return done


async def test_an_edit_changes_who_takes_over_and_the_totals(ground: Ground, world: World) -> None:
    leaver, other, manager = world.shop.guide, world.shop.other_guide, world.shop.manager
    first, second = await build_customer(ground, leaver), await build_customer(ground, leaver)
    handover = await planned(ground, manager, leaver)
    relationship = (await relationship_of(ground, first)).id

    edited = await edit(ground, manager, handover, {relationship: world.shop.public.id}, expected_version=2)

    item = await item_of(ground, handover, first)
    assert (item.to_account_id, item.reason, item.because, item.score) == (
        world.shop.public.id,
        ItemReason.EDITED,
        {},
        0,
    )
    assert (await item_of(ground, handover, second)).to_account_id == other.account_ids[0]
    assert edited.version == 3
    plan = (await reload(ground, handover)).plan
    given = {each["account_id"]: each["given"] for each in plan["accounts"]}
    assert given == {str(other.account_ids[0]): 1, str(world.shop.public.id): 1}
    assert (plan["edited"], plan["overflow"], plan["unplaced"]) == (1, 0, 0)


async def test_an_edit_is_refused_whole(ground: Ground, world: World) -> None:
    leaver, manager, other = world.shop.guide, world.shop.manager, await build_world(ground, "other")
    customer = await build_customer(ground, leaver)
    stranger = (await relationship_of(ground, await build_customer(ground, world.shop.other_guide))).id
    relationship = (await relationship_of(ground, customer)).id
    taker = world.shop.other_guide.account_ids[0]
    unplanned = await begin(ground, manager, leaver)
    async with refused(ground, PlanMissing):
        await edit(ground, manager, unplanned, {relationship: taker})
    handover = await worked_out(ground, unplanned)
    wrong: list[tuple[Any, Actor, dict[UUID, UUID]]] = [
        (Invalid, manager, {}),
        (Invalid, manager, {ids.new(): taker for _ in range(501)}),
        (NotFound, manager, {relationship: other.shop.guide.account_ids[0]}),
        (NotFound, manager, {relationship: world.shops[1].guide.account_ids[0]}),
        (NotFound, manager, {relationship: taker, stranger: taker}),
        (NotFound, other.hq, {relationship: taker}),
        (Forbidden, world.shop.other_guide, {relationship: taker}),
        (TakeoverUnfit, manager, {relationship: leaver.account_ids[0]}),
        (TakeoverUnfit, world.hq, {relationship: world.shops[1].guide.account_ids[0]}),
    ]
    for kind, actor, pairs in wrong:
        async with refused(ground, kind):
            await edit(ground, actor, handover, pairs)
    async with refused(ground, StaleVersion):
        await edit(ground, manager, handover, {relationship: taker}, expected_version=1)
    await do(ground, world.hq, lambda work: commands.set_takeover_capacity(work, world.shop.other_guide.id, capacity=1))
    async with refused(ground, TakeoverFull):
        await edit(ground, manager, handover, {relationship: taker})


async def test_an_approved_plan_is_carried_out_and_stays_as_it_is(ground: Ground, world: World) -> None:
    leaver, manager = world.shop.guide, world.shop.manager
    customer = await build_customer(ground, leaver)
    await do(ground, world.hq, lambda work: commands.set_handover_settings(work, undo_hours=5))
    handover = await planned(ground, manager, leaver)
    at = clock.now()

    with clock.stopped_at(at):
        approved = await approve(ground, manager, handover, expected_version=2)

    assert (approved.state, approved.approved_by_id, approved.approved_at) == (HandoverState.APPROVED, manager.id, at)
    assert approved.undo_until == at + timedelta(hours=5)
    assert await asked(ground, world.brand.id, leasing.MOVE) == [{"handover_id": str(handover.id)}]
    pairs = {(await relationship_of(ground, customer)).id: world.shop.public.id}
    async with refused(ground, HandoverMovedOn):
        await edit(ground, manager, handover, pairs)
    async with refused(ground, HandoverMovedOn):
        await approve(ground, manager, handover)
    async with refused(ground, HandoverMovedOn):
        await do(ground, manager, lambda work: commands.replan(work, handover.id, strategy=Strategy.TO_STORE))


async def test_two_who_approve_at_once_approve_once(ground: Ground, world: World) -> None:
    await build_customer(ground, world.shop.guide)
    handover = await planned(ground, world.hq, world.shop.guide)

    came = await asyncio.gather(
        *(approve(ground, actor, handover) for actor in (world.hq, world.shop.manager)), return_exceptions=True
    )

    assert sorted(type(each).__name__ for each in came) == ["Handover", "HandoverMovedOn"]
    assert len(await asked(ground, world.brand.id, leasing.MOVE)) == 1


async def test_without_a_complete_plan_nothing_is_approved(ground: Ground, world: World) -> None:
    leaver, manager = world.shop.guide, world.shop.manager
    customer = await build_customer(ground, leaver)
    handover = await started(ground, manager, leaver, Strategy.BY_HAND)
    async with refused(ground, PlanMissing):
        await approve(ground, manager, handover)
    handover = await worked_out(ground, handover)
    async with refused(ground, PlanMissing):
        await approve(ground, manager, handover)

    taker = world.shop.other_guide.account_ids[0]
    await edit(ground, manager, handover, {(await relationship_of(ground, customer)).id: taker})

    assert (await approve(ground, manager, handover)).state is HandoverState.APPROVED


async def test_approval_is_for_who_answers_for_every_store_it_touches(ground: Ground, world: World) -> None:
    leaver, next_door = world.shop.guide, world.shops[1]
    old = Account(
        brand_id=world.brand.id, id=ids.new(), store_id=next_door.store.id, kind=AccountKind.GUIDE, staff_id=leaver.id
    )
    await save(ground, old)
    await build_customer(ground, leaver)
    other = await relationship_of(ground, await build_customer(ground, next_door.guide))
    async with ground.db.write() as session:
        row = await session.get(type(other), (world.brand.id, other.id))
        assert row
        row.holder_id = old.id
    handover = await planned(ground, world.shop.manager, leaver)

    async with refused(ground, Forbidden):
        await approve(ground, world.shop.manager, handover)
    async with refused(ground, Forbidden):
        await approve(ground, next_door.manager, handover)
    for actor in (world.shop.other_guide, leaver):
        async with refused(ground, Forbidden):
            await approve(ground, actor, handover)
    for actor in (world.shops[2].manager, (await build_world(ground, "other")).hq):
        async with refused(ground, NotFound):
            await approve(ground, actor, handover)
    assert (await approve(ground, world.east_manager, handover)).state is HandoverState.APPROVED


async def test_nobody_decides_on_their_own_handover(ground: Ground, world: World) -> None:
    """A manager who was a guide here, holds customers of then, and leaves."""
    manager = world.shop.manager
    old = Account(
        brand_id=world.brand.id, id=ids.new(), store_id=world.shop.store.id, kind=AccountKind.GUIDE, staff_id=manager.id
    )
    await save(ground, old)
    customer = await build_customer(ground, world.shop.guide)
    relationship = await relationship_of(ground, customer)
    async with ground.db.write() as session:
        row = await session.get(type(relationship), (world.brand.id, relationship.id))
        assert row
        row.holder_id = old.id
    handover = await planned(ground, world.hq, manager)
    for act in (approve, cancel):
        async with refused(ground, OwnHandover):
            await act(ground, manager, handover)
    async with refused(ground, OwnHandover):
        await edit(ground, manager, handover, {relationship.id: world.shop.public.id})
    async with refused(ground, OwnHandover):
        await do(ground, manager, lambda work: commands.replan(work, handover.id, strategy=Strategy.TO_STORE))


async def test_whoever_can_not_take_over_any_more_is_found_before_anything_moves(ground: Ground, world: World) -> None:
    leaver, other, manager = world.shop.guide, world.shop.other_guide, world.shop.manager
    await build_customer(ground, leaver)
    handover = await planned(ground, manager, leaver)
    unfit: list[dict[str, Any]] = [
        {"state": StaffState.LEAVING},
        {"access_closed_at": clock.now()},
        {"store_id": world.shops[1].store.id},
        {"role": "store_manager"},
    ]
    fit = {"state": StaffState.ACTIVE, "access_closed_at": None, "store_id": world.shop.store.id, "role": "guide"}
    for change in unfit:
        await set_state(ground, other, **change)
        async with refused(ground, TakeoverUnfit):
            await approve(ground, manager, handover)
        await set_state(ground, other, **fit)
    await do(ground, world.hq, lambda work: commands.set_takeover_capacity(work, other.id, capacity=0))
    async with refused(ground, TakeoverFull):
        await approve(ground, manager, handover)
    await do(ground, world.hq, lambda work: commands.set_takeover_capacity(work, other.id, capacity=1))
    assert (await approve(ground, manager, handover)).state is HandoverState.APPROVED


async def test_who_came_after_the_plan_was_made_is_not_left_behind(ground: Ground, world: World) -> None:
    leaver, manager = world.shop.guide, world.shop.manager
    await build_customer(ground, leaver)
    handover = await started(ground, manager, leaver, Strategy.BALANCED, HandoverKind.TRANSFER)
    handover = await worked_out(ground, handover)
    late = await build_customer(ground, leaver)

    await approve(ground, manager, handover)

    item = await item_of(ground, handover, late)
    assert (item.to_account_id, item.reason, item.because) == (
        world.shop.public.id,
        ItemReason.OVERFLOW,
        {"has_arrived": True},
    )
    assert (item.from_account_id, item.here, item.is_merged) == (leaver.account_ids[0], HeldHere.PENDING, False)
    assert len(await items(ground, handover)) == 2


async def test_a_handover_is_given_up_before_it_moves_and_can_be_started_again(ground: Ground, world: World) -> None:
    leaver, manager = world.shop.guide, world.shop.manager
    await build_customer(ground, leaver)
    handover = await planned(ground, manager, leaver)
    async with refused(ground, StaleVersion):
        await cancel(ground, manager, handover, expected_version=1)
    async with refused(ground, Forbidden):
        await cancel(ground, world.shop.other_guide, handover)

    cancelled = await cancel(ground, manager, handover)

    assert cancelled.state is HandoverState.CANCELLED
    assert await state_of(ground, leaver) is StaffState.LEAVING
    async with refused(ground, HandoverMovedOn):
        await cancel(ground, manager, handover)
    again = await planned(ground, manager, leaver)
    await approve(ground, manager, again)
    assert (await cancel(ground, manager, again)).state is HandoverState.CANCELLED
