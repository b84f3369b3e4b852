"""One tag stands for another: at once wherever it is read, and row by row in jobs that lose nobody."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlmodel import col

from kernel import clock, feed, ids
from kernel.actor import Actor, system
from kernel.errors import Conflict, Forbidden, Invalid, NotFound, Refusal, StaleVersion
from kernel.jobs import Job
from kernel.work import Ground, unit_of_work
from tagging import commands
from tagging.commands import merge
from tagging.commands.merge import move_merged
from tagging.errors import TagRetired, TagsDontMerge, TooManySynonyms
from tagging.models import (
    Choice,
    CustomerTag,
    RuleMode,
    Segment,
    SegmentVersion,
    Tag,
    TagChangeKind,
    TagRule,
)
from tagging.queries import carried as reads
from tagging.queries import use
from tests.factories import NOON, World, build_customer, build_world, reload, said, save
from tests.tagging.labels import build_group, build_tag, carried, history, put

DAY = timedelta(days=1)


async def merged(ground: Ground, actor: Actor, tag: Tag, into: Tag, **given: Any) -> Tag:
    async with unit_of_work(ground, actor) as work:
        return await commands.merge_tags(work, tag.id, into.id, **given)


async def moved(ground: Ground, world: World, tag: Tag) -> None:
    """What the jobs do, to the last of them."""
    while True:
        async with unit_of_work(ground, system(world.brand.id)) as work:
            await move_merged(work, tag.id)
            if not work.requests:
                return


async def shown(ground: Ground, actor: Actor, customer_id: UUID) -> list[str]:
    async with ground.db.read() as session:
        return [row.name for row in (await reads.of_customers(session, actor, [customer_id])).get(customer_id, [])]


async def found(ground: Ground, actor: Actor, *tags: Tag) -> set[UUID]:
    async with ground.db.read() as session:
        return set(await session.scalars(reads.carrying_all(actor, [tag.id for tag in tags])))


async def test_a_merged_tag_counts_as_the_other_at_once_and_is_moved_by_jobs(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merge, "AT_ONCE", 2)
    world = await build_world(ground)
    group = await build_group(ground, world, shelf_life_days=100)
    plain, minimal = [await build_tag(ground, world, group, name) for name in ("简约", "极简")]
    old, both, new, *more = [await build_customer(ground, world.shop.guide) for _ in range(6)]
    with clock.stopped_at(NOON):
        await put(ground, world.shop.guide, [old, both, *more], [plain])
    with clock.stopped_at(NOON + DAY):
        await put(ground, world.shop.manager, [both, new], [minimal])

    await merged(ground, world.hq, plain, minimal, expected_version=1)

    people = [old, both, new, *more]
    assert [await shown(ground, world.shop.guide, each.id) for each in people] == [["极简"]] * 6
    everybody = {each.id for each in people}
    assert await found(ground, world.hq, minimal) == await found(ground, world.hq, plain) == everybody
    kept = await reload(ground, plain)
    assert (kept.merged_into_id, kept.merged_by_id, kept.version) == (minimal.id, world.hq.id, 2)
    assert (await reload(ground, minimal)).synonyms == ["简约"]

    await moved(ground, world, plain)
    await moved(ground, world, plain)

    assert [await carried(ground, each) for each in people] == [{minimal.id}] * 6
    async with ground.db.read() as session:
        row = await session.get(CustomerTag, (world.brand.id, both.id, minimal.id))
    assert row
    # The older says who and when, the newer until when.
    assert (row.set_at, row.by_staff_id) == (NOON, world.shop.guide.id)
    assert (row.checked_at, row.valid_until) == (NOON + DAY, NOON + 101 * DAY)
    assert [(await reload(ground, each)).version for each in people] == [3, 4, 2, 3, 3, 3]
    line = (await history(ground, both))[-1]
    assert (line.kind, line.tag_id, line.other_tag_id) == (TagChangeKind.MERGED, plain.id, minimal.id)
    assert (line.by_staff_id, len(await history(ground, old))) == (world.hq.id, 2)
    assert ("put", "customer", old.id) in await said(ground, feed.of_staff(world.shop.guide.id))


async def test_losing_a_customer_is_noticed(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant: jobs that end one chunk too early."""
    real = move_merged

    async def stop_early(work: Any, tag_id: UUID) -> int:
        count = await real(work, tag_id)
        work.requests.clear()
        return count

    monkeypatch.setitem(globals(), "move_merged", stop_early)

    with pytest.raises(AssertionError):
        await test_a_merged_tag_counts_as_the_other_at_once_and_is_moved_by_jobs(ground, monkeypatch)


async def test_who_tags_while_jobs_are_under_way_uses_the_tag_that_stays(ground: Ground) -> None:
    world = await build_world(ground)
    sizes = await build_group(ground, world, "尺码", Choice.SINGLE)
    small, tiny, large = [await build_tag(ground, world, sizes, name) for name in ("S", "小号", "L")]
    first, second, third = [await build_customer(ground, world.shop.guide) for _ in range(3)]
    await put(ground, world.shop.guide, [first, second, third], [tiny])
    await merged(ground, world.hq, tiny, small)

    assert await put(ground, world.shop.guide, [first], [large]) == [first.id]
    await put(ground, world.shop.guide, [second], [small])
    async with unit_of_work(ground, world.shop.guide) as work:
        await commands.remove_tags(work, [third.id], [small.id])
    late = await build_customer(ground, world.shop.guide)
    await put(ground, world.shop.guide, [late], [tiny])

    assert [await carried(ground, each) for each in (first, second, third, late)] == [
        {large.id},
        {small.id},
        set(),
        {small.id},
    ]
    kinds = [line.kind for line in await history(ground, first)]
    assert kinds == [TagChangeKind.SET, TagChangeKind.MERGED, TagChangeKind.REPLACED, TagChangeKind.SET]


async def test_there_are_no_chains(ground: Ground) -> None:
    world = await build_world(ground)
    group = await build_group(ground, world)
    one, two, three = [await build_tag(ground, world, group, name) for name in ("一", "二", "三")]
    customer = await build_customer(ground, world.shop.guide)
    await put(ground, world.shop.guide, [customer], [one])

    await merged(ground, world.hq, one, two)
    await merged(ground, world.hq, two, three)

    assert (await reload(ground, one)).merged_into_id == (await reload(ground, two)).merged_into_id == three.id
    assert (await reload(ground, three)).synonyms == ["二", "一"]
    assert await shown(ground, world.shop.guide, customer.id) == ["三"]
    with pytest.raises(TagRetired):
        await merged(ground, world.hq, three, one)
    await moved(ground, world, one)
    assert await carried(ground, customer) == {three.id}


async def test_rules_and_segments_name_the_tag_that_stays_in_the_same_commit(ground: Ground) -> None:
    world = await build_world(ground)
    group = await build_group(ground, world)
    old, new = [await build_tag(ground, world, group, name) for name in ("简约", "极简")]
    compare = {"word": "tag", "op": "in", "values": [str(old.id), str(new.id)]}
    tree = {"all": [compare, {"not": {"word": "tag", "op": "=", "values": [str(old.id)]}}]}
    rule = TagRule(
        brand_id=world.brand.id,
        id=ids.new(),
        name="买得多",
        tag_id=old.id,
        mode=RuleMode.SET,
        condition=tree,
        created_at=NOON,
    )
    segment = Segment(
        brand_id=world.brand.id,
        id=ids.new(),
        name="极简的人",
        owner_id=world.shop.guide.id,
        tree=tree,
        created_at=NOON,
        edited_at=NOON,
    )
    await save(ground, rule, segment)
    async with ground.db.read() as session:
        used = [await use.rules(session, world.hq, old.id), await use.segments(session, world.shop.guide, old.id)]
        hidden = [
            await use.rules(session, world.shop.guide, old.id),
            await use.segments(session, world.shop.manager, old.id),
        ]
    assert [[named.id for named in each] for each in used] == [[rule.id], [segment.id]]
    assert hidden == [[], []]

    await merged(ground, world.hq, old, new)

    wanted = {
        "all": [
            {"word": "tag", "op": "in", "values": [str(new.id)]},
            {"not": {"word": "tag", "op": "=", "values": [str(new.id)]}},
        ]
    }
    rule, segment = await reload(ground, rule), await reload(ground, segment)
    assert (rule.tag_id, rule.condition, rule.enough, rule.version) == (new.id, wanted, None, 2)
    assert (segment.tree, segment.version) == (wanted, 2)
    async with ground.db.read() as session:
        version = await session.get(SegmentVersion, (world.brand.id, segment.id, 2))
    assert version
    assert (version.tree, version.by_staff_id) == (wanted, world.hq.id)


async def test_mergers_that_make_no_sense_are_refused_and_change_nothing(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    styles, sizes = await build_group(ground, world), await build_group(ground, world, "尺码", Choice.SINGLE)
    plain, gone = [await build_tag(ground, world, styles, *each) for each in (("简约",), ("停用",))]
    small = await build_tag(ground, world, sizes, "S")
    crowded = await build_tag(ground, world, styles, "多", synonyms=[f"词{number}" for number in range(50)])
    own = await build_tag(ground, world, None, "我的", owner_id=world.hq.id)
    hidden = await build_tag(ground, world, None, "他的", owner_id=world.shop.guide.id)
    foreign = await build_tag(ground, other, await build_group(ground, other), "别家")
    async with unit_of_work(ground, world.hq) as work:
        await commands.retire_tag(work, gone.id)
    before = await said(ground, feed.of_store(world.shop.store.id))
    cases: list[tuple[Actor, Tag, Tag, dict[str, Any], type[Refusal]]] = [
        (world.shop.guide, plain, crowded, {}, Forbidden),
        (world.shop.guide, hidden, plain, {}, Forbidden),
        (world.hq, plain, plain, {}, Invalid),
        (world.hq, plain, foreign, {}, NotFound),
        (world.hq, hidden, plain, {}, NotFound),
        (world.hq, plain, own, {}, TagsDontMerge),
        (world.hq, plain, small, {}, TagsDontMerge),
        (world.hq, gone, plain, {}, TagRetired),
        (world.hq, plain, gone, {}, TagRetired),
        (world.hq, plain, crowded, {}, TooManySynonyms),
        (world.hq, plain, crowded, {"expected_version": 7}, StaleVersion),
    ]

    for actor, tag, into, given_, refusal in cases:
        with pytest.raises(refusal):
            await merged(ground, actor, tag, into, **given_)

    assert [(await reload(ground, tag)).version for tag in (plain, small, crowded, own, hidden)] == [1] * 5
    assert await said(ground, feed.of_store(world.shop.store.id)) == before
    async with ground.db.read() as session:
        assert set(await session.scalars(select(col(Job.name)))) <= {"tasks.close_checks_of_tag"}


async def test_a_tag_of_a_single_choice_group_may_be_merged_into_a_multi_choice_one(ground: Ground) -> None:
    world = await build_world(ground)
    styles, sizes = await build_group(ground, world), await build_group(ground, world, "尺码", Choice.SINGLE)
    loose, small = await build_tag(ground, world, styles, "宽松"), await build_tag(ground, world, sizes, "特宽")
    customer = await build_customer(ground, world.shop.guide)
    await put(ground, world.shop.guide, [customer], [small])

    await merged(ground, world.hq, small, loose)

    assert await shown(ground, world.shop.guide, customer.id) == ["宽松"]


async def test_ones_own_tags_are_merged_by_their_owner(ground: Ground) -> None:
    world = await build_world(ground)
    mine = [await build_tag(ground, world, None, name, owner_id=world.shop.guide.id) for name in ("爱聊", "健谈")]

    await merged(ground, world.shop.guide, *mine)

    assert (await reload(ground, mine[1])).synonyms == ["爱聊"]
    assert await said(ground, feed.of_store(world.shop.store.id)) == []


async def test_guides_tag_while_hq_merges_and_nobody_is_lost(ground: Ground) -> None:
    world = await build_world(ground)
    group = await build_group(ground, world)
    old, new = [await build_tag(ground, world, group, name) for name in ("简约", "极简")]
    people = [await build_customer(ground, world.shop.guide) for _ in range(8)]

    await asyncio.gather(
        *(put(ground, world.shop.guide, [each], [old]) for each in people[:4]),
        merged(ground, world.hq, old, new),
        *(put(ground, world.shop.guide, [each], [old]) for each in people[4:]),
    )
    await moved(ground, world, old)

    assert [await carried(ground, each) for each in people] == [{new.id}] * 8


WORDS = st.sampled_from(["简约", "极简", "素净", "运动", "休闲"])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(WORDS, min_size=3, max_size=3, unique=True), new_name=WORDS, words=st.lists(WORDS, unique=True))
def test_merging_and_then_renaming_is_renaming_and_then_merging(
    names: list[str], new_name: str, words: list[str]
) -> None:
    """Of rows, without a database: what both orders take, they make alike."""

    def build() -> list[Tag]:
        brand_id = UUID(int=1)
        return [
            Tag(brand_id=brand_id, id=UUID(int=number), group_id=brand_id, name=name, synonyms=list(words))
            for number, name in enumerate(names, 2)
        ]

    def rename(tags: list[Tag]) -> None:
        taken = any(tag.name == new_name and tag.retired_at is None for tag in tags if tag is not tags[1])
        if taken:
            raise Conflict
        tags[1].change({"name": new_name})

    def merge_(tags: list[Tag]) -> None:
        tags[0].merge_into(tags[1], NOON, None)

    outcomes = []
    for order in ((merge_, rename), (rename, merge_)):
        tags = build()
        try:
            for step in order:
                step(tags)
        except Refusal:
            continue
        outcomes.append([(tag.name, sorted(tag.synonyms), tag.merged_into_id, tag.retired_at) for tag in tags])

    assert all(outcome == outcomes[0] for outcome in outcomes)
