"""Chunks of one handover that are written at once: each is whole in itself, and nobody waits for the last of them."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from customers import commands as customers
from handover.commands import leasing, moving, pausing
from handover.models import Handover, HandoverState, HeldHere
from handover.queries import verifying
from kernel.actor import system
from kernel.work import Ground, unit_of_work
from server import handing_over
from tests.factories import World, build_customer, build_task, build_world, reload
from tests.handover.handing import build_handover, held_by, items_of, leave, run


async def build_scene(ground: Ground, monkeypatch: Any) -> tuple[World, Handover, handing_over.Mover]:
    """A leaver with nine customers who all go to one colleague, and who moves them: two at a time, twice at once."""
    world = await build_world(ground)
    for _ in range(9):
        await build_task(ground, world.shop.guide, await build_customer(ground, world.shop.guide))
    await leave(ground, world.shop.guide)
    handover = await build_handover(ground, world)
    monkeypatch.setattr("handover.models.pacing.FEWEST", 2)
    monkeypatch.setattr("handover.models.pacing.MOST", 2)
    mover = handing_over.Mover(ground, world.brand.id, handover.id)
    mover.pace.size = 2
    async with unit_of_work(ground, system(world.brand.id)) as work:
        assert await leasing.take(work, handover.id, mover.token)
    return world, handover, mover


async def moved(ground: Ground, handover: Handover) -> int:
    return sum(item.here is HeldHere.MOVED for item in (await items_of(ground, handover)).values())


async def test_chunks_at_once_move_everything_once(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    world, handover, mover = await build_scene(ground, monkeypatch)
    at_once = most_at_once = 0
    move_many = customers.move_many

    async def counted(*given: Any, **named: Any) -> Any:
        nonlocal at_once, most_at_once
        at_once += 1
        most_at_once = max(most_at_once, at_once)
        moved = await move_many(*given, **named)
        await asyncio.sleep(0.02)
        at_once -= 1
        return moved

    monkeypatch.setattr(customers, "move_many", counted)
    async for _ in mover.transactions():
        pass

    assert most_at_once == (1 if ground.db.is_sqlite else handing_over.LANES)
    assert (await reload(ground, handover)).state is HandoverState.DONE
    assert len(await held_by(ground, world.shop.other_guide)) == 9
    async with ground.db.read() as session:
        assert not await verifying.violations(session, world.brand.id)


async def test_a_chunk_that_fails_leaves_the_one_beside_it_whole(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, handover, mover = await build_scene(ground, monkeypatch)
    chunks: list[UUID] = []
    move_chunk = moving.move_chunk

    async def failing(work: Any, handover_id: UUID, token: UUID, turns: Any) -> None:
        is_first = not chunks
        chunks.append(turns[0].relationship_id)
        await move_chunk(work, handover_id, token, turns)
        if is_first:
            raise ConnectionError

    monkeypatch.setattr(moving, "move_chunk", failing)
    with pytest.raises(ConnectionError):
        async for _ in mover.transactions():
            pass

    assert await moved(ground, handover) == (0 if ground.db.is_sqlite else 2)
    assert len(await held_by(ground, world.shop.other_guide)) == await moved(ground, handover)

    async for _ in mover.transactions():
        pass
    assert len(await held_by(ground, world.shop.other_guide)) == 9


async def test_whoever_pauses_it_comes_between_however_many_chunks_are_left(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, handover, mover = await build_scene(ground, monkeypatch)

    move_chunk, begun = moving.move_chunk, asyncio.Event()

    async def slow(*given: Any) -> None:
        await move_chunk(*given)
        begun.set()
        await asyncio.sleep(0.05)

    async def go() -> None:
        async for _ in mover.transactions():
            pass

    monkeypatch.setattr(moving, "move_chunk", slow)
    going = asyncio.create_task(go())
    await begun.wait()
    async with unit_of_work(ground, world.shop.manager) as work:
        await pausing.pause(work, handover.id)

    with pytest.raises(leasing.LeaseLost):
        await going
    assert 0 < await moved(ground, handover) < 9
    assert (await reload(ground, handover)).state is HandoverState.PAUSED
    await run(ground, handover)
    assert await moved(ground, handover) < 9
