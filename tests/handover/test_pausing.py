"""A handover stops between two chunks when a manager says so, and goes on from there."""

from datetime import timedelta
from typing import Any

import pytest

from handover.commands import approving, leasing, pausing, undoing
from handover.commands.starting import start
from handover.errors import HandoverMovedOn, OwnHandover, UndoWindowOver
from handover.models import Handover, HandoverAccount, HandoverKind, HandoverState
from kernel import clock
from kernel.actor import Actor, system
from kernel.errors import Forbidden, NotFound, StaleVersion
from kernel.work import Ground, unit_of_work
from server import handing_over
from tests.factories import World, build_customer, build_world, reload, save
from tests.handover.handing import build_handover, held_by, leave, run
from tests.refusals import refused


async def build_scene(ground: Ground, customers: int = 3) -> tuple[World, Handover]:
    world = await build_world(ground)
    for _ in range(customers):
        await build_customer(ground, world.shop.guide)
    await leave(ground, world.shop.guide)
    return world, await build_handover(ground, world)


async def pause(ground: Ground, actor: Actor, handover: Handover, **values: Any) -> Handover:
    async with unit_of_work(ground, actor) as work:
        return await pausing.pause(work, handover.id, **values)


async def resume(ground: Ground, actor: Actor, handover: Handover, **values: Any) -> Handover:
    async with unit_of_work(ground, actor) as work:
        return await pausing.resume(work, handover.id, **values)


async def undo(ground: Ground, actor: Actor, handover: Handover, **values: Any) -> Handover:
    async with unit_of_work(ground, actor) as work:
        return await undoing.undo(work, handover.id, **values)


async def test_no_chunk_goes_after_a_pause_and_all_of_them_after_it_is_resumed(ground: Ground) -> None:
    world, handover = await build_scene(ground)
    mover = handing_over.Mover(ground, world.brand.id, handover.id, lanes=1)
    mover.pace.size = 1
    async with unit_of_work(ground, system(world.brand.id)) as work:
        assert await leasing.take(work, handover.id, mover.token)
    chunks = mover.transactions()
    await anext(chunks)

    await pause(ground, world.shop.manager, handover)
    with pytest.raises(leasing.LeaseLost):
        await anext(chunks)
    await run(ground, handover)
    assert len(await held_by(ground, world.shop.guide)) == 2

    await resume(ground, world.east_manager, handover)
    await run(ground, handover)
    assert not await held_by(ground, world.shop.guide)
    assert (await reload(ground, handover)).state is HandoverState.DONE


async def test_what_isnt_in_sight_or_has_moved_on_is_neither_paused_nor_resumed(ground: Ground) -> None:
    world, handover = await build_scene(ground, 1)
    guide, manager, other = world.shop.guide, world.shop.manager, world.shops[1].manager
    cases: list[tuple[Any, Actor, dict[str, Any], type[Any]]] = [
        (pause, guide, {}, Forbidden),
        (pause, other, {}, NotFound),
        (pause, manager, {"expected_version": 9}, StaleVersion),
        (resume, guide, {}, Forbidden),
        (resume, other, {}, NotFound),
        (resume, manager, {}, HandoverMovedOn),
    ]
    for act, actor, values, refusal in cases:
        async with refused(ground, refusal):
            await act(ground, actor, handover, **values)

    await run(ground, handover)
    async with refused(ground, HandoverMovedOn):
        await pause(ground, manager, handover)


async def test_a_manager_who_is_handed_over_decides_on_nothing_of_it(ground: Ground) -> None:
    world, handover = await build_scene(ground, 1)
    async with ground.db.write() as session:
        mine = await session.get(Handover, (handover.brand_id, handover.id))
        assert mine
        mine.staff_id = world.shop.manager.id

    async with refused(ground, OwnHandover):
        await pause(ground, world.shop.manager, handover)


async def test_what_touches_two_stores_is_steered_by_who_answers_for_both(ground: Ground) -> None:
    world, handover = await build_scene(ground, 1)
    next_door = world.shops[1]
    await save(
        ground,
        HandoverAccount(
            brand_id=world.brand.id,
            handover_id=handover.id,
            account_id=next_door.guide.account_ids[0],
            store_id=next_door.store.id,
        ),
    )

    async with refused(ground, Forbidden):
        await pause(ground, world.shop.manager, handover)
    await pause(ground, world.east_manager, handover)
    for act in (resume, undo):
        async with refused(ground, Forbidden):
            await act(ground, next_door.manager, handover)
    assert (await undo(ground, world.east_manager, handover)).undoes_id == handover.id


async def test_what_is_paused_is_undone_however_late_and_another_one_can_be_started(ground: Ground) -> None:
    """It could only be resumed: its time was over, and as long as it was there nobody could start another one."""
    world, handover = await build_scene(ground)
    mover = handing_over.Mover(ground, world.brand.id, handover.id, lanes=1)
    mover.pace.size = 1
    async with unit_of_work(ground, system(world.brand.id)) as work:
        assert await leasing.take(work, handover.id, mover.token)
    await anext(mover.transactions())
    late = clock.now() + timedelta(days=30)
    with clock.stopped_at(late):
        async with refused(ground, UndoWindowOver):
            await undo(ground, world.shop.manager, handover)
        await pause(ground, world.shop.manager, handover)
        assert len(await held_by(ground, world.shop.guide)) == 2

        back = await undo(ground, world.shop.manager, handover)
        await run(ground, back)

        assert len(await held_by(ground, world.shop.guide)) == 3
        assert (await reload(ground, handover)).state is HandoverState.UNDONE
        async with unit_of_work(ground, world.shop.manager) as work:
            again = await start(work, kind=HandoverKind.RESIGNATION, staff_id=world.shop.guide.staff_id)
        assert again.state is HandoverState.DRAFT


async def test_what_gives_back_is_not_undone_by_pausing_it(ground: Ground) -> None:
    world, handover = await build_scene(ground, 1)
    await run(ground, handover)
    back = await undo(ground, world.shop.manager, handover)
    await pause(ground, world.shop.manager, back)

    async with refused(ground, UndoWindowOver):
        await undo(ground, world.shop.manager, back)


async def test_what_gives_back_is_not_given_up(ground: Ground) -> None:
    world, handover = await build_scene(ground, 1)
    await run(ground, handover)
    back = await undo(ground, world.shop.manager, handover)

    async with refused(ground, HandoverMovedOn), unit_of_work(ground, world.shop.manager) as work:
        await approving.cancel(work, back.id)

    await run(ground, back)
    assert len(await held_by(ground, world.shop.guide)) == 1
