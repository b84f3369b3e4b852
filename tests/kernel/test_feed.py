"""A feed hands out positions in commit order, and a reader's place can never step over an entry."""

import asyncio
import random
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from kernel import feed, ids
from kernel.feed import Entry, Feed, Place
from kernel.work import Ground
from tests.factories import World, build_world
from tests.kernel.racing import from_a_sequence, run
from tests.statements import statements

WRITERS = 6
CHANGES = 150


async def test_positions_are_dense_and_the_head_is_the_last_of_them(ground: Ground) -> None:
    world = await build_world(ground)
    staff = world.shop.guide.id

    for size in (1, 3, 2):
        async with ground.db.write() as session:
            await feed.append(session, world.brand.id, [_entry(staff) for _ in range(size)])

    async with ground.db.read() as session:
        rows = await feed.after(session, world.brand.id, {staff: 0})
        heads = await feed.heads(session, world.brand.id, [staff])
    assert [row.seq for row in rows] == [1, 2, 3, 4, 5, 6]
    assert heads[staff].head == 6


async def test_a_rolled_back_change_leaves_no_gap(ground: Ground) -> None:
    world = await build_world(ground)
    staff = world.shop.guide.id

    with pytest.raises(RuntimeError):
        async with ground.db.write() as session:
            await feed.append(session, world.brand.id, [_entry(staff)])
            raise RuntimeError
    async with ground.db.write() as session:
        await feed.append(session, world.brand.id, [_entry(staff)])

    async with ground.db.read() as session:
        assert [row.seq for row in await feed.after(session, world.brand.id, {staff: 0})] == [1]


async def test_a_feed_nobody_opened_stops_the_commit(ground: Ground) -> None:
    world = await build_world(ground)

    with pytest.raises(LookupError):
        async with ground.db.write() as session:
            await feed.append(session, world.brand.id, [_entry(ids.new())])


async def test_one_feed_of_many_that_nobody_opened_stops_the_commit(ground: Ground) -> None:
    world = await build_world(ground)
    opened = _feeds(world)

    with pytest.raises(LookupError):
        async with ground.db.write() as session:
            await feed.append(session, world.brand.id, [_entry(feed_id) for feed_id in (*opened, ids.new())])

    async with ground.db.read() as session:
        heads = await feed.heads(session, world.brand.id, opened)
    assert {state.head for state in heads.values()} == {0}


async def test_any_number_of_feeds_takes_as_many_statements(ground: Ground) -> None:
    world = await build_world(ground)
    opened = [ids.new() for _ in range(12)]
    async with ground.db.write() as session:
        await feed.open_feeds(session, world.brand.id, opened)

    counted = []
    for many in (3, 12):
        with statements(ground) as sent:
            async with ground.db.write() as session:
                ends = await feed.append(
                    session, world.brand.id, [_entry(each) for each in opened[:many] for _ in "12"]
                )
        counted.append(len(sent))

    assert counted == [3, 3]
    assert [place.seq for place in ends.values()] == [4, 4, 4] + [2] * 9
    assert list(ends) == sorted(opened)


async def test_a_reader_misses_nothing_while_many_write(ground: Ground) -> None:
    raced = await run(ground, WRITERS, CHANGES)

    assert raced.written == CHANGES
    assert raced.seen == list(range(1, CHANGES + 1))


async def test_numbers_from_a_sequence_would_lose_changes(ground: Ground, engine: str) -> None:
    """The mutant of the test above: positions that are handed out before the commit, in no order of commits."""
    raced = await run(ground, WRITERS, CHANGES, from_a_sequence())

    assert raced.written == CHANGES
    if engine == "sqlite":  # one writer at a time: there, commit order is the only order
        assert raced.lost == 0
    else:
        assert raced.lost > 0


async def test_two_writers_that_share_feeds_do_not_wait_for_each_other_for_ever(ground: Ground) -> None:
    world = await build_world(ground)
    feeds = _feeds(world)

    async def write(order: list[UUID]) -> None:
        for _ in range(20):
            async with ground.db.write() as session:
                await feed.append(session, world.brand.id, [_entry(feed_id) for feed_id in order])

    async with asyncio.timeout(60):
        await asyncio.gather(*(write(random.sample(feeds, 3)) for _ in range(4)))

    async with ground.db.read() as session:
        heads = await feed.heads(session, world.brand.id, feeds)
    assert {state.head for state in heads.values()} == {80}


@pytest.mark.parametrize(
    ("seq", "same_epoch", "expected"),
    [(5, True, False), (10, True, False), (11, True, True), (2, True, True), (3, True, False), (5, False, True)],
)
def test_a_reader_starts_over_when_its_place_is_not_one_of_this_feed(
    seq: int, same_epoch: bool, expected: bool
) -> None:
    epoch = ids.new()
    state = Feed(brand_id=ids.new(), feed_id=ids.new(), epoch=epoch, head=10, floor=3)

    assert feed.must_refetch(state, Place(epoch if same_epoch else ids.new(), seq)) is expected


def test_a_reader_far_behind_starts_over() -> None:
    state = Feed(brand_id=ids.new(), feed_id=ids.new(), epoch=ids.new(), head=feed.FURTHEST_BEHIND + 2)

    assert not feed.must_refetch(state, Place(state.epoch, 2))
    assert feed.must_refetch(state, Place(state.epoch, 1))


async def test_a_new_epoch_of_one_brand_leaves_the_other_alone(ground: Ground) -> None:
    ours, theirs = await build_world(ground, "ours"), await build_world(ground, "theirs")

    async def epoch(world: World) -> UUID:
        async with ground.db.read() as session:
            found = await session.scalar(
                select(col(Feed.epoch)).where(
                    col(Feed.brand_id) == world.brand.id, col(Feed.feed_id) == world.shop.guide.id
                )
            )
        assert found
        return found

    before = await epoch(ours), await epoch(theirs)
    async with ground.db.write() as session:
        await feed.new_epoch(session, ours.brand.id)

    assert await epoch(ours) != before[0]
    assert await epoch(theirs) == before[1]


def _feeds(world: World) -> list[UUID]:
    return [world.shop.guide.id, world.shop.other_guide.id, feed.of_desk(world.shop.store.id)]


def _entry(feed_id: UUID) -> Entry:
    return Entry(feed_id, "task", ids.new(), 1)


async def test_the_head_of_any_brands_feed_can_be_watched(ground: Ground) -> None:
    ours, theirs = await build_world(ground, "ours"), await build_world(ground, "theirs")
    async with ground.db.write() as session:
        await session.execute(update(Feed).where(col(Feed.feed_id) == theirs.shop.guide.id).values(head=7))

    async with ground.db.read() as session:
        heads = await feed.all_heads(session, [ours.shop.guide.id, theirs.shop.guide.id])

    assert {feed_id: place.seq for feed_id, place in heads.items()} == {ours.shop.guide.id: 0, theirs.shop.guide.id: 7}
