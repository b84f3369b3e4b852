"""Whoever moves a handover may die, sleep, or be two: each relationship moves once."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from handover.commands import leasing, moving
from handover.commands.leasing import LeaseLost
from handover.models import HandoverState, HeldHere
from handover.queries import moving as queries
from kernel import clock, feed
from kernel.actor import system
from kernel.work import Ground, unit_of_work
from server import chores, handing_over
from tests.factories import reload, said
from tests.handover.handing import build_handover, held_by, items_of, leave, run
from tests.handover.moved import build_scene, holdings, keepers, work_off


async def test_two_workers_at_once_move_each_relationship_once(ground: Ground) -> None:
    scene = await build_scene(ground)
    await leave(ground, scene.leaver)
    handover = await build_handover(ground, scene.world)

    await asyncio.gather(*(run(ground, handover) for _ in range(3)))

    assert [row.version for row in await held_by(ground, scene.taker)] == [2, 2, 2]
    assert (await reload(ground, handover)).state is HandoverState.DONE
    assert len(await holdings(ground)) == 6


async def test_moving_what_has_moved_does_nothing(ground: Ground) -> None:
    scene = await build_scene(ground)
    await leave(ground, scene.leaver)
    handover = await build_handover(ground, scene.world)
    await run(ground, handover)
    told = await said(ground, feed.of_staff(scene.taker.id))

    await run(ground, handover)

    assert await said(ground, feed.of_staff(scene.taker.id)) == told


async def test_a_worker_that_dies_between_chunks_is_followed_by_another(ground: Ground, monkeypatch: Any) -> None:
    scene = await build_scene(ground, 5)
    await leave(ground, scene.leaver)
    handover = await build_handover(ground, scene.world)
    monkeypatch.setattr("handover.models.pacing.FEWEST", 2)
    mover = handing_over.Mover(ground, scene.world.brand.id, handover.id, lanes=1)
    mover.pace.size = 2
    async with unit_of_work(ground, system(scene.world.brand.id)) as work:
        assert await leasing.take(work, handover.id, mover.token)
    async for _ in mover.transactions():
        break
    assert sum(item.here is HeldHere.MOVED for item in (await items_of(ground, handover)).values()) == 2

    await run(ground, handover)  # the dead one's lease still holds
    assert len(await held_by(ground, scene.leaver)) == 3
    with clock.stopped_at(clock.now() + timedelta(seconds=16)):
        await chores.mind_handovers(ground)
        await work_off(ground)

    assert await keepers(ground, scene) == [{scene.taker.account_ids[0]}] * 5
    assert (await reload(ground, handover)).state is HandoverState.DONE


async def test_a_worker_that_was_paused_past_its_lease_finds_another_token_and_writes_nothing(ground: Ground) -> None:
    scene = await build_scene(ground)
    await leave(ground, scene.leaver)
    handover = await build_handover(ground, scene.world)
    brand_id, slow, quick = scene.world.brand.id, uuid4(), uuid4()
    async with unit_of_work(ground, system(brand_id)) as work:
        assert await leasing.take(work, handover.id, slow)
    async with ground.db.read() as session:
        turns = await queries.turns(session, brand_id, handover.id)
    with clock.stopped_at(clock.now() + timedelta(seconds=16)):
        async with unit_of_work(ground, system(brand_id)) as work:
            assert await leasing.take(work, handover.id, quick)

    with pytest.raises(LeaseLost):
        async with unit_of_work(ground, system(brand_id)) as work:
            await moving.move_chunk(work, handover.id, slow, turns)

    assert len(await held_by(ground, scene.leaver)) == 3
    async with unit_of_work(ground, system(brand_id)) as work:
        await moving.move_chunk(work, handover.id, quick, turns)
    assert not await held_by(ground, scene.leaver)


async def test_a_lease_of_a_clock_that_is_an_hour_ahead_blocks_nobody(ground: Ground) -> None:
    scene = await build_scene(ground, 1)
    await leave(ground, scene.leaver)
    ahead = clock.now() + timedelta(hours=1)
    handover = await build_handover(
        ground, scene.world, state=HandoverState.MOVING, lease_token=uuid4(), lease_until=ahead
    )

    await chores.mind_handovers(ground)
    await work_off(ground)

    assert (await reload(ground, handover)).state is HandoverState.DONE


async def test_a_job_asked_for_by_a_clock_that_is_an_hour_ahead_keeps_nobody_waiting(ground: Ground) -> None:
    scene = await build_scene(ground, 1)
    await leave(ground, scene.leaver)
    handover = await build_handover(ground, scene.world)
    token = uuid4()
    with clock.stopped_at(clock.now() + timedelta(hours=1)):
        async with unit_of_work(ground, system(scene.world.brand.id)) as work:
            assert await leasing.take(work, handover.id, token)
        async with unit_of_work(ground, system(scene.world.brand.id)) as work:
            await leasing.pass_on(work, handover.id, token)

    await chores.mind_handovers(ground)
    await work_off(ground)

    assert (await reload(ground, handover)).state is HandoverState.DONE
