"""Starting a handover: who may, what it does once, and what is refused."""

import asyncio
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from directory.models import StaffState
from handover import commands
from handover.errors import HandoverInFlight, OwnHandover
from handover.models import Handover, HandoverAccount, HandoverKind, HandoverState, LedgerTotal
from handover.models.planning.options import Options
from kernel import clock
from kernel.actor import Actor
from kernel.errors import Forbidden, Invalid, NotFound
from kernel.work import Ground
from tests.factories import World, build_customer, build_task, build_world, reload
from tests.handover.handing import run
from tests.handover.planning.deciding import approve, begin, cancel, set_state, state_of
from tests.handover.planning.rows import asked, do, planned, worked_out
from tests.refusals import refused


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
