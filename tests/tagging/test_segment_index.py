"""The bitmaps keep up with what happens, counts are exact meanwhile, and nights remember who was there."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from pyroaring import BitMap
from sqlalchemy import func, select
from sqlmodel import col

from customers import commands as customers
from customers.models import Customer
from directory import commands as directory
from kernel import clock, ids
from kernel.actor import Actor, Role, system
from kernel.errors import Forbidden
from kernel.jobs import Job
from kernel.pages import BadCursor, Page
from kernel.work import Ground, unit_of_work
from mall.models import PurchaseProfile
from server import chores
from server.worker import Worker
from tagging.commands import bits, folding, segment_nights
from tagging.commands.marks import take_away
from tagging.models import (
    CustomerMark,
    MarkPurpose,
    Night,
    Segment,
    SegmentBits,
    SegmentIndex,
    SegmentNight,
    Sharing,
    terms,
)
from tagging.queries import bitmaps, counting, facts, membership, upkeep, verifying
from tests.factories import NOON, World, build_customer, build_world, relationship_of, save
from tests.mall.trading import place
from tests.statements import statements
from tests.tagging.labels import build_group, build_tag, put
from tests.tagging.test_segments import edit, keep
from tests.tagging.test_segments_agree import fold, rebuild

GOLD = 'tier = "金卡"'


async def count(ground: Ground, actor: Actor, text: str = GOLD) -> tuple[int, bool, int]:
    async with ground.db.read() as session:
        found = await membership.count_text(session, actor, text)
    return found.count, found.is_exact, found.pending


async def mark(ground: Ground, *marked: Customer) -> None:
    await save(
        ground,
        *(
            CustomerMark(brand_id=each.brand_id, id=ids.new(), purpose=MarkPurpose.SEGMENTS, customer_id=each.id)
            for each in marked
        ),
    )


async def enrol(ground: Ground, world: World, number: int, **values: Any) -> list[Customer]:
    """Customers of the shop's guide, with their marks."""
    rows = [await build_customer(ground, world.shop.guide, **values) for _ in range(number)]
    await mark(ground, *rows)
    return rows


async def marks(ground: Ground, world: World) -> int:
    async with ground.db.read() as session:
        found = await session.scalar(
            select(func.count())
            .select_from(CustomerMark)
            .where(col(CustomerMark.brand_id) == world.brand.id, col(CustomerMark.purpose) == MarkPurpose.SEGMENTS)
        )
    return found or 0


async def index_of(ground: Ground, world: World) -> SegmentIndex | None:
    async with ground.db.read() as session:
        return await session.get(SegmentIndex, world.brand.id)


async def test_a_change_counts_at_once_and_is_folded_in_later(ground: Ground) -> None:
    world = await build_world(ground)
    [customer] = await enrol(ground, world, 1)
    tag = await build_tag(ground, world, await build_group(ground, world), "简约")
    await rebuild(ground, world)
    await fold(ground, world)

    await put(ground, world.shop.guide, [customer], [tag])

    assert await count(ground, world.hq, 'tag = "简约"') == (1, True, 1)
    assert await fold(ground, world) == 1
    assert await count(ground, world.hq, 'tag = "简约"') == (1, True, 0)
    assert await fold(ground, world) == 0


async def test_an_order_counts_at_once(ground: Ground) -> None:
    world = await build_world(ground)
    [customer] = await enrol(ground, world, 1)
    await rebuild(ground, world)
    await fold(ground, world)
    text = "orders = 1 and spend >= 199 and days_since_purchase <= 1 and churn_band = new"
    assert await count(ground, world.hq, text) == (0, True, 0)

    await place(ground, world, customer)

    assert await count(ground, world.hq, text) == (1, True, 1)
    await fold(ground, world)
    assert await count(ground, world.hq, text) == (1, True, 0)


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)  # on SQLite one writes at a time
async def test_what_changes_while_it_is_folded_in_is_looked_at_again(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await build_world(ground)
    [customer] = await enrol(ground, world, 1)
    await rebuild(ground, world)
    read = facts.of_customers

    async def just_before_it_changes(*given: Any) -> Any:
        found = await read(*given)
        async with ground.db.write() as session:
            row = await session.get_one(Customer, (world.brand.id, customer.id))
            row.tier = "金卡"
        await mark(ground, customer)
        return found

    monkeypatch.setattr(facts, "of_customers", just_before_it_changes)
    await fold(ground, world)
    monkeypatch.undo()

    assert await marks(ground, world) == 1
    assert await count(ground, world.hq) == (1, True, 1)
    await fold(ground, world)
    assert await count(ground, world.hq) == (1, True, 0)


async def test_two_who_fold_at_once_do_it_once(ground: Ground) -> None:
    world = await build_world(ground)
    await rebuild(ground, world)
    await enrol(ground, world, 3, tier="金卡")

    done = await asyncio.gather(*(fold(ground, world) for _ in range(3)))

    assert sum(done) == 3
    assert await count(ground, world.hq) == (3, True, 0)
    index = await index_of(ground, world)
    assert index
    assert index.next_number == 3


async def test_more_marks_than_are_looked_at_and_the_answer_says_so(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await build_world(ground)
    await enrol(ground, world, 2, tier="金卡")
    await rebuild(ground, world)
    await fold(ground, world)
    await enrol(ground, world, 3, tier="金卡")
    monkeypatch.setattr(counting, "MOST_PENDING", 2)

    assert await count(ground, world.hq) == (2, False, 3)

    await fold(ground, world, 1)
    assert await count(ground, world.hq) == (5, True, 2)


async def test_an_import_makes_the_bitmaps_doubtful_until_everybody_was_looked_at(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await build_world(ground)
    await enrol(ground, world, 1, tier="金卡")
    await rebuild(ground, world)
    await fold(ground, world)
    await build_customer(ground, world.shop.guide, tier="金卡")  # as an import would: without a mark
    async with unit_of_work(ground, world.hq) as work:
        await folding.distrust(work)

    assert await count(ground, world.hq) == (2, True, 0)
    monkeypatch.setattr(counting, "MOST_BY_SQL", 0)
    assert await count(ground, world.hq) == (1, False, 0)

    await rebuild(ground, world)
    assert await count(ground, world.hq) == (2, False, 0)  # more may have come in since it began
    with clock.stopped_at(clock.now() + timedelta(minutes=1)):
        await rebuild(ground, world)
    assert await count(ground, world.hq) == (2, True, 0)


async def test_the_worker_builds_folds_and_begins_anew_after_imports(ground: Ground) -> None:
    world = await build_world(ground)
    await enrol(ground, world, 3, tier="金卡")
    worker = Worker(ground)

    async def jobs() -> None:
        while await worker.sweep_once():
            pass

    await chores.mind_segments(ground)
    await chores.mind_segments(ground)  # it is under way
    async with ground.db.read() as session:
        asked = select(func.count()).select_from(Job).where(col(Job.name) == upkeep.GO_ON)
        assert await session.scalar(asked.where(col(Job.brand_id) == world.brand.id)) == 1
    await jobs()
    index = await index_of(ground, world)
    assert index
    assert index.next_number == 3
    assert index.built_at
    assert await marks(ground, world) == 3
    await chores.mind_segments(ground)
    assert await marks(ground, world) == 0
    async with unit_of_work(ground, world.hq) as work:
        await folding.distrust(work)
    with clock.stopped_at(clock.now() + timedelta(minutes=2)):
        await chores.mind_segments(ground)
        await jobs()
    index = await index_of(ground, world)
    assert index
    assert index.stale_since is None


async def test_the_first_look_may_be_cut_off_and_done_twice(ground: Ground) -> None:
    world = await build_world(ground)
    await enrol(ground, world, 5, tier="金卡")
    async with unit_of_work(ground, system(world.brand.id)) as work:
        await folding.begin(work)
    async with unit_of_work(ground, system(world.brand.id)) as work:
        await folding.look_again(work, None, clock.now(), 2)
    assert await count(ground, world.hq) == (5, True, 0)

    await rebuild(ground, world)
    await rebuild(ground, world)

    index = await index_of(ground, world)
    assert index
    assert index.next_number == 5
    assert await count(ground, world.hq) == (5, True, 5)


async def test_a_guide_counts_who_they_hold_now(ground: Ground) -> None:
    world = await build_world(ground)
    [customer] = await enrol(ground, world, 1, tier="金卡")
    await rebuild(ground, world)
    await fold(ground, world)
    assert await count(ground, world.shop.guide) == (1, True, 0)
    assert await count(ground, world.shop.other_guide) == (0, True, 0)

    relationship = await relationship_of(ground, customer)
    async with unit_of_work(ground, world.shop.manager) as work:
        await customers.reassign(work, relationship.id, to_account_id=world.shop.other_guide.account_ids[0])

    assert await count(ground, world.shop.guide) == (0, True, 0)
    assert await count(ground, world.shop.other_guide) == (1, True, 0)


async def test_customers_move_with_their_store(ground: Ground) -> None:
    world = await build_world(ground)
    await enrol(ground, world, 2)
    await rebuild(ground, world)
    await fold(ground, world)
    store_id, north = world.shop.store.id, world.regions["north"].id
    assert await count(ground, world.hq, 'region = "east"') == (2, True, 0)

    async with unit_of_work(ground, world.hq) as work:
        await directory.edit_store(work, store_id, name="别名")
    assert await marks(ground, world) == 0
    async with unit_of_work(ground, world.hq) as work:
        await directory.edit_store(work, store_id, region_id=north)

    for pending in (2, 0):
        assert await count(ground, world.hq, 'region = "north"') == (2, True, pending)
        assert await count(ground, world.east_manager, "orders = 0") == (0, True, pending)
        await fold(ground, world)


async def test_machines_count_with_all_the_scopes_that_it_takes(ground: Ground) -> None:
    world = await build_world(ground)
    await enrol(ground, world, 1, tier="金卡")
    scopes = ["tags:read", "customers:read", "orders:read"]
    for missing in scopes:
        machine = Actor(world.brand.id, ids.new(), Role.SERVICE, scopes=frozenset(scopes) - {missing})
        with pytest.raises(Forbidden):
            await count(ground, machine)
    assert await count(ground, Actor(world.brand.id, ids.new(), Role.SERVICE, scopes=frozenset(scopes))) == (1, True, 0)


async def pages(ground: Ground, actor: Actor, segment: Segment, first: int) -> list[UUID]:
    """All members, page by page."""
    found: list[UUID] = []
    after = None
    while True:
        async with ground.db.read() as session:
            listed = await membership.members(session, actor, segment.id, Page(first, after))
        shown = listed.rows[:first]
        found += [row.id for row in shown]
        if len(listed.rows) <= first:
            return found
        number, customer_id = listed.place(shown[-1])
        after = [number, str(customer_id)]


async def test_members_are_listed_a_page_at_a_time_whatever_is_folded_in(ground: Ground) -> None:
    world = await build_world(ground)
    segment = await keep(ground, world.hq, "金", GOLD, sharing=Sharing.BRAND)
    there = await enrol(ground, world, 5, tier="金卡")
    colleagues = await build_customer(ground, world.shop.other_guide, tier="金卡")
    everybody = {each.id for each in there} | {colleagues.id}
    assert sorted(await pages(ground, world.hq, segment, 2)) == sorted(everybody)

    await rebuild(ground, world)
    await fold(ground, world)
    there += await enrol(ground, world, 3, tier="金卡")
    await enrol(ground, world, 2, tier="银卡")
    await mark(ground, there[1])
    mine = [each.id for each in there]

    for first in (1, 2, 3, 100):
        assert await pages(ground, world.shop.guide, segment, first) == mine
        assert sorted(await pages(ground, world.hq, segment, first)) == sorted([*mine, colleagues.id])
    assert await pages(ground, world.shops[1].manager, segment, 2) == []
    for nonsense in ([1], ["x", "y"], [True, str(ids.new())], [2**40, str(ids.new())], [1, "y"]):
        with pytest.raises(BadCursor):
            async with ground.db.read() as session:
                await membership.members(session, world.hq, segment.id, Page(2, nonsense))


@pytest.mark.parametrize("is_built", [False, True])
async def test_one_segment_and_three_are_counted_by_the_same_number_of_statements(
    ground: Ground, is_built: bool
) -> None:
    world = await build_world(ground)
    await enrol(ground, world, 2, tier="金卡")
    kept = [await keep(ground, world.hq, str(number), f"{GOLD} or orders >= {number + 1}") for number in range(3)]
    if is_built:
        await rebuild(ground, world)
    lengths = []
    for number in (1, 3):
        bitmaps.SHARED.clear()
        with statements(ground) as sent:
            async with ground.db.read() as session:
                found = await membership.counts(session, world.hq, [each.id for each in kept[:number]])
        assert [each.count for each in found.values()] == [2] * number
        lengths.append(len(sent))
    assert lengths[0] == lengths[1]


async def night(ground: Ground, world: World, day: Any) -> None:
    """A night of segments, to its end."""
    row = Night(brand_id=world.brand.id, day=day, step="segments", begun_at=clock.now())
    for step in (segment_nights.look_again, segment_nights.note_members):
        row.after_id = None
        while True:
            async with unit_of_work(ground, system(world.brand.id)) as work:
                row.after_id = await step(work, row)
            if row.after_id is None:
                break


async def since(ground: Ground, actor: Actor, segment: Segment) -> membership.SinceNight:
    async with ground.db.read() as session:
        found = await membership.since_night(session, actor, segment.id)
    assert found
    return found


async def test_who_came_and_went_since_last_night(ground: Ground) -> None:
    world = await build_world(ground)
    segment = await keep(ground, world.hq, "金", GOLD, sharing=Sharing.BRAND)
    stays, leaves, elsewhere = await enrol(ground, world, 3, tier="金卡")
    [comes] = await enrol(ground, world, 1, tier="银卡")
    async with ground.db.read() as session:
        assert await membership.since_night(session, world.hq, segment.id) is None
    await rebuild(ground, world)
    day = NOON.date()
    await night(ground, world, day)
    async with ground.db.write() as session:
        for customer, tier in ((leaves, None), (comes, "金卡"), (elsewhere, "金卡")):
            row = await session.get_one(Customer, (world.brand.id, customer.id))
            row.tier = tier
    await mark(ground, leaves, comes)
    [new] = await enrol(ground, world, 1, tier="金卡")

    for _ in range(2):
        found = await since(ground, world.shop.guide, segment)
        assert (found.night, found.was_edited) == (day, False)
        assert (found.entered_count, set(found.entered)) == (2, {comes.id, new.id})
        assert (found.left_count, list(found.left)) == (1, [leaves.id])
        assert (await since(ground, world.shop.other_guide, segment)).entered_count == 0
        await fold(ground, world)
    await edit(ground, world.hq, segment, text="not " + GOLD)
    found = await since(ground, world.hq, segment)
    assert (found.was_edited, found.left_count) == (True, 2)
    assert stays.id in found.left


async def test_a_night_finds_what_left_no_mark_and_forgets_nights_long_past(ground: Ground) -> None:
    world = await build_world(ground)
    await keep(ground, world.hq, "金", "recency_score = 5")
    [customer] = await enrol(ground, world, 1)
    await rebuild(ground, world)
    await fold(ground, world)
    await night(ground, world, NOON.date())
    await save(
        ground,
        PurchaseProfile(brand_id=world.brand.id, customer_id=customer.id, recency_score=5, as_of=NOON.date()),
    )
    assert (await count(ground, world.hq, "recency_score = 5"))[0] == 0

    await night(ground, world, NOON.date() + timedelta(days=9))

    assert await count(ground, world.hq, "recency_score = 5") == (1, True, 0)
    async with ground.db.read() as session:
        kept = (await session.scalars(select(SegmentNight).where(col(SegmentNight.brand_id) == world.brand.id))).all()
    assert [(each.day, len(BitMap.deserialize(each.bits))) for each in kept] == [(NOON.date() + timedelta(days=9), 1)]


async def test_bitmaps_of_a_later_snapshot_are_no_part_of_an_earlier_one(ground: Ground) -> None:
    world = await build_world(ground)
    [customer] = await enrol(ground, world, 1, tier="金卡")
    await rebuild(ground, world)
    await fold(ground, world)
    async with ground.db.read() as early:
        assert (await membership.count_text(early, world.hq, GOLD)).count == 1
        async with ground.db.write() as session:
            row = await session.get_one(Customer, (world.brand.id, customer.id))
            row.tier = None
        await mark(ground, customer)
        await fold(ground, world)
        assert await count(ground, world.hq) == (0, True, 0)
        assert (await membership.count_text(early, world.hq, GOLD)).count == 1
    assert await count(ground, world.hq) == (0, True, 0)


@pytest.mark.parametrize("most_bytes", [0, 700])
async def test_a_memory_that_is_too_small_only_costs_time(
    ground: Ground, most_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await build_world(ground)
    await enrol(ground, world, 2, tier="金卡")
    await rebuild(ground, world)
    bitmaps.SHARED.clear()
    monkeypatch.setattr(bitmaps.SHARED, "most_bytes", most_bytes)

    for _ in range(2):
        assert (await count(ground, world.hq, f"{GOLD} and days_since_joined >= 0"))[0] == 2
    bitmaps.SHARED.clear()


async def verified(ground: Ground, world: World) -> tuple[int, int, list[UUID]]:
    async with ground.db.read() as session:
        found = await verifying.verify(session, world.brand.id)
    assert found
    return found.looked_at, found.of, list(found.wrong)


async def test_what_isnt_as_the_tables_say_is_found_and_a_rebuild_mends_it(ground: Ground) -> None:
    world = await build_world(ground)
    gold = await enrol(ground, world, 2, tier="金卡")
    async with ground.db.read() as session:
        assert await verifying.verify(session, world.brand.id) is None
    await rebuild(ground, world)
    await fold(ground, world)
    assert await verified(ground, world) == (2, 2, [])
    async with ground.db.write() as session:
        row = await session.get_one(SegmentBits, (world.brand.id, "tier:金卡", 0))
        row.bits = BitMap([0]).serialize()
    unnumbered = await build_customer(ground, world.shop.guide, tier="金卡")
    looked_at, of, wrong = await verified(ground, world)
    assert (looked_at, of, set(wrong)) == (2, 2, {gold[1].id, unnumbered.id})

    async with unit_of_work(ground, system(world.brand.id)) as work:
        await folding.rebuild(work)
    assert await count(ground, world.hq) == (3, True, 0)
    worker = Worker(ground)
    while await worker.sweep_once():
        pass

    assert await verified(ground, world) == (3, 3, [])
    assert await count(ground, world.hq) == (3, True, 0)


Break = Callable[[pytest.MonkeyPatch], None]


def unmarked(broken: pytest.MonkeyPatch) -> None:
    """Marks are ignored in a count."""

    async def none(*_: Any) -> list[UUID]:
        return []

    broken.setattr(counting, "_marked", none)


def swept(broken: pytest.MonkeyPatch) -> None:
    """All marks are taken away, not those alone that were read before the facts."""
    take = take_away

    async def all_of_them(work: Any, _read: Any) -> None:
        found = await work.session.scalars(
            select(col(CustomerMark.id)).where(col(CustomerMark.brand_id) == work.actor.brand_id)
        )
        await take(work, found.all())

    broken.setattr(folding, "take_away", all_of_them)


def unsighted(broken: pytest.MonkeyPatch) -> None:
    """Sight is forgotten."""

    async def everybody(*_: Any) -> None:
        return None

    broken.setattr(counting, "_sight", everybody)


def zeroed(broken: pytest.MonkeyPatch) -> None:
    """Who never bought did so long ago."""

    def with_days(known: Any) -> list[Any]:
        stored = terms.kept(known)
        return stored if any(each[0] == "last" for each in stored) else [*stored, ["last", 0]]

    broken.setattr(bits, "kept", with_days)


async def _changes(ground: Ground) -> bool:
    world = await build_world(ground, ids.new().hex[-12:])
    [customer] = await enrol(ground, world, 1)
    await rebuild(ground, world)
    await fold(ground, world)
    async with ground.db.write() as session:
        row = await session.get_one(Customer, (world.brand.id, customer.id))
        row.tier = "金卡"
    await mark(ground, customer)
    return await count(ground, world.hq) == (1, True, 1)


async def _meanwhile(ground: Ground) -> bool:
    """Half of the marks are folded in; the others are still looked at."""
    world = await build_world(ground, ids.new().hex[-12:])
    await rebuild(ground, world)
    await enrol(ground, world, 3, tier="金卡")
    await fold(ground, world, 1)
    return await count(ground, world.hq) == (3, True, 2)


async def _colleagues(ground: Ground) -> bool:
    world = await build_world(ground, ids.new().hex[-12:])
    await enrol(ground, world, 1, tier="金卡")
    await rebuild(ground, world)
    await fold(ground, world)
    return (await count(ground, world.shop.other_guide))[0] == 0


async def _never_bought(ground: Ground) -> bool:
    world = await build_world(ground, ids.new().hex[-12:])
    await enrol(ground, world, 1)
    await rebuild(ground, world)
    await fold(ground, world)
    return (await count(ground, world.hq, "days_since_purchase > 90"))[0] == 0


Holds = Callable[[Ground], Awaitable[bool]]


@pytest.mark.parametrize(
    ("mutant", "holds"),
    [(unmarked, _changes), (swept, _meanwhile), (unsighted, _colleagues), (zeroed, _never_bought)],
    ids=["unmarked", "swept", "unsighted", "zeroed"],
)
async def test_what_is_broken_is_noticed(
    ground: Ground, mutant: Break, holds: Holds, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await holds(ground)
    mutant(monkeypatch)

    assert not await holds(ground)
