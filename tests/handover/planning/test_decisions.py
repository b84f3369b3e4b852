"""Starting, editing, approving and cancelling: who may, what it does once, and what is refused."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from directory.models import Account, AccountKind, Staff, StaffState
from handover import commands
from handover.commands import leasing
from handover.errors import (
    HandoverInFlight,
    HandoverMovedOn,
    OwnHandover,
    PlanMissing,
    TakeoverFull,
    TakeoverUnfit,
)
from handover.models import (
    Handover,
    HandoverAccount,
    HandoverKind,
    HandoverSetting,
    HandoverState,
    HeldHere,
    ItemReason,
    LedgerTotal,
    Strategy,
    TakeoverCapacity,
    Telling,
)
from handover.models.planning.options import Options
from kernel import clock, ids
from kernel.actor import Actor
from kernel.errors import Forbidden, Invalid, NotFound, StaleVersion
from kernel.work import Ground
from tests.factories import World, build_customer, build_task, build_world, relationship_of, reload, save
from tests.handover.handing import run
from tests.handover.planning.rows import asked, do, item_of, items, planned, started, worked_out
from tests.refusals import refused


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


async def begin(ground: Ground, actor: Actor, leaver: Actor, kind: HandoverKind = HandoverKind.RESIGNATION) -> Handover:
    return await started(ground, actor, leaver, Strategy.BALANCED, kind)


async def approve(ground: Ground, actor: Actor, handover: Handover, **given: Any) -> Handover:
    done: Handover = await do(ground, actor, lambda work: commands.approve(work, handover.id, **given))
    return done


async def cancel(ground: Ground, actor: Actor, handover: Handover, **given: Any) -> Handover:
    done: Handover = await do(ground, actor, lambda work: commands.cancel(work, handover.id, **given))
    return done


async def edit(ground: Ground, actor: Actor, handover: Handover, pairs: dict[UUID, UUID], **given: Any) -> Handover:
    done: Handover = await do(ground, actor, lambda work: commands.edit(work, handover.id, pairs=pairs, **given))
    return done


async def set_state(ground: Ground, person: Actor, **values: Any) -> None:
    async with ground.db.write() as session:
        row = await session.get(Staff, (person.brand_id, person.id))
        assert row
        for name, value in values.items():
            setattr(row, name, value)


async def state_of(ground: Ground, person: Actor) -> StaffState:
    async with ground.db.read() as session:
        row = await session.get(Staff, (person.brand_id, person.id))
    assert row
    return row.state


async def rows(ground: Ground, kind: Any, handover: Handover) -> list[Any]:
    async with ground.db.read() as session:
        found = await session.scalars(
            select(kind).where(col(kind.brand_id) == handover.brand_id, col(kind.handover_id) == handover.id)
        )
        return list(found.all())


async def test_starting_counts_what_is_held_marks_the_leaver_and_asks_for_a_plan(ground: Ground, world: World) -> None:
    leaver, manager = world.shop.guide, world.shop.manager
    customer = await build_customer(ground, leaver)
    await build_task(ground, leaver, customer)

    handover = await begin(ground, manager, leaver)

    kept = await reload(ground, handover)
    assert (kept.state, kept.staff_id, kept.store_id) == (HandoverState.DRAFT, leaver.id, world.shop.store.id)
    assert (kept.started_by_id, kept.planned_at, kept.version) == (manager.id, None, 1)
    assert await state_of(ground, leaver) is StaffState.LEAVING
    [account] = await rows(ground, HandoverAccount, handover)
    assert (account.account_id, account.store_id) == (leaver.account_ids[0], world.shop.store.id)
    totals = {total.line.value: total.count for total in await rows(ground, LedgerTotal, handover)}
    assert (totals["relationships"], totals["open_tasks"], totals["open_orders"]) == (1, 1, 0)
    assert await asked(ground, world.brand.id) == [{"handover_id": str(handover.id), "version": 1}]


async def test_who_works_elsewhere_from_now_on_hands_over_and_is_not_leaving(ground: Ground, world: World) -> None:
    await build_customer(ground, world.shop.guide)

    await begin(ground, world.shop.manager, world.shop.guide, HandoverKind.TRANSFER)

    assert await state_of(ground, world.shop.guide) is StaffState.ACTIVE


async def test_whoever_is_leaving_already_is_handed_over_as_well(ground: Ground, world: World) -> None:
    leaver = world.shop.guide
    await set_state(ground, leaver, state=StaffState.LEAVING, access_closed_at=clock.now())

    handover = await begin(ground, world.shop.manager, leaver)

    assert handover.staff_id == leaver.id
    assert await state_of(ground, leaver) is StaffState.LEAVING


async def test_who_never_had_an_account_hands_over_nothing_and_blocks_nobody(ground: Ground, world: World) -> None:
    """A store manager, and whoever answers for a region: nothing is held, but it is planned, and can be given up."""
    for leaver, decider in ((world.shop.manager, world.east_manager), (world.east_manager, world.hq)):
        handover = await planned(ground, world.hq, leaver)
        assert (await reload(ground, handover)).planned_at is not None
        await cancel(ground, decider, handover)
        again = await planned(ground, world.hq, leaver)
        async with refused(ground, NotFound):
            await approve(ground, world.shops[1].manager, again)
        assert (await approve(ground, decider, again)).state is HandoverState.APPROVED
        await run(ground, again)
        assert (await reload(ground, again)).state is HandoverState.DONE


async def test_a_handover_is_started_by_who_stands_above_and_once_at_a_time(ground: Ground, world: World) -> None:
    leaver, other_brand = world.shop.guide, await build_world(ground, "other")
    strangers = [world.shops[1].manager, world.shops[2].manager, other_brand.hq]
    for actor in strangers:
        async with refused(ground, NotFound):
            await begin(ground, actor, leaver)
    async with refused(ground, Forbidden):
        await begin(ground, world.shop.other_guide, leaver)
    async with refused(ground, OwnHandover):
        await begin(ground, world.shop.manager, world.shop.manager)
    await begin(ground, world.shop.manager, leaver)
    async with refused(ground, HandoverInFlight):
        await begin(ground, world.hq, leaver, HandoverKind.TRANSFER)


async def test_two_who_start_at_once_start_one(ground: Ground, world: World) -> None:
    leaver = world.shop.guide
    await build_customer(ground, leaver)

    came = await asyncio.gather(
        *(begin(ground, actor, leaver, HandoverKind.TRANSFER) for actor in (world.hq, world.shop.manager)),
        return_exceptions=True,
    )

    assert sorted(type(each).__name__ for each in came) == ["Handover", "HandoverInFlight"]


async def test_a_store_closes_without_a_handover_of_its_guides_beside_it(ground: Ground, world: World) -> None:
    store, other = world.shop.store, world.shops[1].store

    async def close(actor: Actor, *store_ids: UUID) -> Handover:
        done: Handover = await do(
            ground,
            actor,
            lambda work: commands.start(
                work, kind=HandoverKind.CLOSING, store_id=store.id, options=Options(store_ids=store_ids)
            ),
        )
        return done

    async with refused(ground, Forbidden):
        await close(world.shop.manager, other.id)
    for wrong in ((), (store.id,), (store.id, other.id)):
        async with refused(ground, Invalid):
            await close(world.hq, *wrong)
    async with refused(ground, NotFound):
        await close(world.east_manager, world.shops[2].store.id)
    handover = await begin(ground, world.hq, world.shop.guide)
    async with refused(ground, HandoverInFlight):
        await close(world.hq, other.id)
    await cancel(ground, world.hq, handover)
    closing = await close(world.hq, other.id)
    assert len(await rows(ground, HandoverAccount, closing)) == 3
    async with refused(ground, HandoverInFlight):
        await begin(ground, world.hq, world.shop.other_guide, HandoverKind.TRANSFER)


async def test_a_store_is_given_to_others_by_who_answers_for_all_of_them(ground: Ground, world: World) -> None:
    near, far = world.shops[1].store.id, world.shops[2].store.id
    close = partial(commands.start, kind=HandoverKind.CLOSING, store_id=world.shop.store.id)
    for taking, who in (((near, far), world.hq), ((near,), world.east_manager)):
        handover = await do(ground, world.hq, partial(close, options=Options(store_ids=taking)))
        handover = await worked_out(ground, handover)
        for actor in {world.shop.manager, world.east_manager} - {who}:
            async with refused(ground, Forbidden):
                await approve(ground, actor, handover)
        assert (await approve(ground, who, handover)).state is HandoverState.APPROVED
        await cancel(ground, who, handover)


async def test_what_a_start_leaves_out_is_asked_for(ground: Ground, world: World) -> None:
    for kind in HandoverKind:
        async with refused(ground, Invalid):
            await do(ground, world.hq, partial(commands.start, kind=kind))


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
