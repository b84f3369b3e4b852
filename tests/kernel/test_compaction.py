"""Feeds are kept short, and no reader misses a thing by it."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlmodel import col

from kernel import clock, compaction, feed, ids
from kernel.db import Database
from kernel.feed import Entry, FeedEvent, FeedRow, Op, Place
from kernel.work import Ground
from server import worker
from tests.factories import World, build_world

PUT, DEL, WHOLE = Op.PUT, Op.DEL, Op.WHOLE
Said = list[tuple[Op, int]]

logs = st.lists(st.tuples(st.sampled_from(list(Op)), st.integers(0, 3)), min_size=1, max_size=25)


async def write(ground: Ground, world: World, said: Said, feed_id: UUID | None = None) -> None:
    """Entries on things that go by small numbers."""
    entries = [Entry(feed_id or world.shop.guide.id, "task", UUID(int=thing), 1, op) for op, thing in said]
    async with ground.db.write() as session:
        await feed.append(session, world.brand.id, entries)


async def kept(ground: Ground, world: World) -> list[tuple[int, str, int]]:
    async with ground.db.read() as session:
        found = await session.execute(
            select(col(FeedEvent.seq), col(FeedEvent.op), col(FeedEvent.entity_id))
            .where(col(FeedEvent.feed_id) == world.shop.guide.id)
            .order_by(col(FeedEvent.seq))
        )
    return [(seq, op, thing.int) for seq, op, thing in found]


async def state(ground: Ground, world: World) -> FeedRow:
    async with ground.db.read() as session:
        return (await feed.heads(session, world.brand.id, [world.shop.guide.id]))[world.shop.guide.id]


async def compact(ground: Ground, world: World) -> int:
    return await compaction.compact(ground.db, world.brand.id, world.shop.guide.id)


def learnt(entries: list[tuple[int, str, int]], behind: int) -> tuple[set[int], set[int]]:
    """What a reader at that place has to look at again, and of what it has to be told with all that hangs on it."""
    looked: set[int] = set()
    whole: set[int] = set()
    for seq, op, thing in entries:
        if seq > behind:
            looked.add(thing)
            if op == DEL:
                whole.discard(thing)
            elif op == WHOLE:
                whole.add(thing)
    return looked, whole


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ([(PUT, 1), (PUT, 1), (PUT, 1)], [3]),
        ([(PUT, 1), (PUT, 2), (DEL, 1)], [2, 3]),
        ([(WHOLE, 1), (PUT, 1)], [1, 2]),
        ([(WHOLE, 1), (PUT, 1), (PUT, 1)], [1, 3]),
        ([(WHOLE, 1), (DEL, 1)], [2]),
        ([(WHOLE, 1), (DEL, 1), (WHOLE, 1)], [3]),
        ([(PUT, 1), (WHOLE, 1)], [2]),
    ],
)
async def test_of_one_thing_the_last_entry_stays_and_the_one_that_tells_of_it_whole(
    ground: Ground, said: Said, left: list[int]
) -> None:
    world = await build_world(ground)
    await write(ground, world, said)

    gone = await compact(ground, world)

    assert [seq for seq, _, _ in await kept(ground, world)] == left
    assert gone == len(said) - len(left)
    assert (await state(ground, world)).compacted == len(said)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=logs)
async def test_a_reader_at_any_place_learns_the_same_as_before(ground: Ground, said: Said) -> None:
    world = await build_world(ground, ids.new().hex[-12:])
    await write(ground, world, said)
    before = await kept(ground, world)

    await compact(ground, world)
    after = await kept(ground, world)

    for place in range(len(said) + 1):
        assert learnt(after, place) == learnt(before, place)


async def test_a_compaction_that_lets_any_change_take_the_place_of_a_whole_is_noticed(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutant: nothing is told of whole, as far as the compaction knows."""
    world = await build_world(ground)
    await write(ground, world, [(WHOLE, 1), (PUT, 1)])
    before = await kept(ground, world)
    monkeypatch.setattr(compaction, "Op", SimpleNamespace(WHOLE=SimpleNamespace(value="-"), DEL=Op.DEL))

    await compact(ground, world)

    assert learnt(await kept(ground, world), 0) != learnt(before, 0)


async def test_what_is_too_far_back_or_too_old_goes_and_readers_from_there_start_over(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "FURTHEST_BEHIND", 6)
    world = await build_world(ground)
    with clock.stopped_at(clock.now() - compaction.KEPT - timedelta(days=1)):
        await write(ground, world, [(PUT, thing) for thing in range(1, 6)])
    await write(ground, world, [(PUT, thing) for thing in range(6, 9)])

    await compact(ground, world)
    first = await state(ground, world)
    assert (first.floor, [seq for seq, _, _ in await kept(ground, world)]) == (5, [6, 7, 8])

    await write(ground, world, [(PUT, thing) for thing in range(9, 13)])
    await compact(ground, world)
    second = await state(ground, world)
    assert (second.floor, [seq for seq, _, _ in await kept(ground, world)]) == (6, [7, 8, 9, 10, 11, 12])
    assert feed.must_refetch(second, Place(second.epoch, 5))
    assert not feed.must_refetch(second, Place(second.epoch, 6))


async def test_the_floor_is_up_before_anything_below_it_is_gone(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever ends the compaction in between, a reader never steps over a gap."""
    world = await build_world(ground)
    with clock.stopped_at(clock.now() - compaction.KEPT - timedelta(days=1)):
        await write(ground, world, [(PUT, thing) for thing in range(1, 6)])

    async def fail(*_: Any) -> list[int]:
        raise ConnectionError

    monkeypatch.setattr(compaction, "_superfluous", fail)
    with pytest.raises(ConnectionError):
        await compact(ground, world)

    assert ((await state(ground, world)).floor, len(await kept(ground, world))) == (5, 5)


async def test_another_feed_and_another_brand_are_left_alone(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "zhenxi")
    for each in (world, other):
        await write(ground, each, [(PUT, 1), (PUT, 1)])
    await write(ground, world, [(PUT, 1), (PUT, 1)], world.shop.other_guide.id)

    await compact(ground, world)

    async with ground.db.read() as session:
        colleagues = await feed.after(session, world.brand.id, {world.shop.other_guide.id: 0})
    assert len(await kept(ground, other)) == len(colleagues) == 2


async def test_only_feeds_that_have_grown_are_looked_at_and_the_housekeeping_does_it(ground: Ground) -> None:
    world = await build_world(ground)
    async with ground.db.write() as session:
        entry = Entry(world.shop.guide.id, "task", ids.new(), 1)
        await feed.append(session, world.brand.id, [entry] * compaction.WORTH)
        await feed.append(session, world.brand.id, [Entry(world.shop.manager.id, "task", ids.new(), 1)] * 2)

    await worker.keep_house(ground)

    assert [seq for seq, _, _ in await kept(ground, world)] == [compaction.WORTH]
    assert await _due(ground.db) == []
    async with ground.db.read() as session:
        assert len(await feed.after(session, world.brand.id, {world.shop.manager.id: 0})) == 2


async def _due(db: Database) -> list[tuple[UUID, UUID]]:
    async with db.read() as session:
        return list(await compaction.due(session))
