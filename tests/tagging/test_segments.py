"""Segments are kept by people: what they say is checked, what they were is remembered."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from kernel import ids
from kernel.actor import Actor
from kernel.errors import Forbidden, Invalid, NotFound, Refusal, StaleVersion
from kernel.work import Ground, unit_of_work
from tagging import commands
from tagging.commands import segments as writing
from tagging.errors import (
    BadExpression,
    SegmentInUse,
    SegmentNamesPrivate,
    SegmentNameTaken,
    SegmentRetired,
    TooManySegments,
)
from tagging.models import Segment, SegmentUse, SegmentVersion, Sharing
from tagging.queries import membership, reading, segments
from tests.factories import World, build_customer, build_world, reload
from tests.quickest import Quickest
from tests.tagging.labels import build_group, build_tag, put

GOLD = 'tier = "金卡"'


async def keep(ground: Ground, actor: Actor, name: str, text: str = GOLD, **values: Any) -> Segment:
    async with unit_of_work(ground, actor) as work:
        return await commands.save_segment(work, name=name, text=text, **values)


async def edit(ground: Ground, actor: Actor, segment: Segment, **values: Any) -> Segment:
    async with unit_of_work(ground, actor) as work:
        return await commands.edit_segment(work, segment.id, **values)


async def share(ground: Ground, actor: Actor, segment: Segment, sharing: Sharing = Sharing.BRAND) -> Segment:
    async with unit_of_work(ground, actor) as work:
        return await commands.share_segment(work, segment.id, sharing=sharing)


async def retire(ground: Ground, actor: Actor, segment: Segment) -> Segment:
    async with unit_of_work(ground, actor) as work:
        return await commands.retire_segment(work, segment.id)


async def text_of(ground: Ground, actor: Actor, segment: Segment, version: int | None = None) -> str | None:
    async with ground.db.read() as session:
        key = (segment.id, version or segment.version)
        return (await reading.texts(session, actor, [key])).get(key)


async def rows(ground: Ground, world: World) -> list[int]:
    """How many segments, versions and uses there are."""
    async with ground.db.read() as session:
        counted = [
            await session.scalar(select(func.count()).select_from(model).where(col(model.brand_id) == world.brand.id))
            for model in (Segment, SegmentVersion, SegmentUse)
        ]
    return [count or 0 for count in counted]


async def place_of(ground: Ground, actor: Actor, text: str) -> tuple[int, int]:
    """Where an expression is refused."""
    with pytest.raises(BadExpression) as refused:
        async with ground.db.read() as session:
            await membership.count_text(session, actor, text)
    return int(str(refused.value.facts["line"])), int(str(refused.value.facts["column"]))


async def test_a_segment_is_kept_and_written_down_with_the_names_of_today(ground: Ground) -> None:
    world = await build_world(ground)
    tag = await build_tag(ground, world, await build_group(ground, world), "简约")
    text = (
        'tag = "简约" and (tier in ("金卡", "银卡") or spend >= 1999.9) and not region = "east" '
        f'and store != "{world.shop.store.code}" and days_since_purchase <= 90 and birthday_month = 5'
    )

    kept = await keep(ground, world.hq, "常客", text)

    async with unit_of_work(ground, world.hq) as work:
        await commands.edit_tag(work, tag.id, name="极简")
    said = await text_of(ground, world.hq, kept)
    assert said == text.replace('"简约"', '"风格/极简"')
    again = await keep(ground, world.hq, "又一个", said)
    assert again.tree == kept.tree
    assert await rows(ground, world) == [2, 2, 0]


async def test_an_edit_keeps_what_it_was(ground: Ground) -> None:
    world = await build_world(ground)
    kept = await keep(ground, world.shop.guide, "常客")

    edited = await edit(ground, world.shop.guide, kept, name="老客", text="orders >= 5", expected_version=1)

    assert (edited.name, edited.version) == ("老客", 2)
    assert await text_of(ground, world.shop.guide, edited) == "orders >= 5"
    assert await text_of(ground, world.shop.guide, kept, 1) == GOLD
    same = await edit(ground, world.shop.guide, kept, name="老客", text="orders >= 5")
    assert same.version == 2
    with pytest.raises(StaleVersion):
        await edit(ground, world.shop.guide, kept, name="别名", expected_version=1)
    assert await rows(ground, world) == [1, 2, 0]


async def test_private_ones_are_nobody_elses_and_shared_ones_are_hqs_to_change(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    mine = await keep(ground, world.shop.guide, "我的")
    common = await keep(ground, world.hq, "大家的", sharing=Sharing.BRAND)

    for actor in (world.shop.manager, world.hq, other.hq):
        with pytest.raises(NotFound):
            await edit(ground, actor, mine, name="他人")
        assert await text_of(ground, actor, mine) is None
    with pytest.raises(NotFound):
        await retire(ground, other.hq, common)
    for refused in (edit(ground, world.shop.guide, common, name="他人"), retire(ground, world.east_manager, common)):
        with pytest.raises(Forbidden):
            await refused
    with pytest.raises(Forbidden):
        await share(ground, world.shop.guide, mine)
    with pytest.raises(Forbidden):
        await keep(ground, world.shop.manager, "店长的", sharing=Sharing.BRAND)
    async with ground.db.read() as session:
        seen = await segments.by_ids(session, world.shop.guide, [mine.id, common.id])
    assert set(seen) == {mine.id, common.id}
    assert await rows(ground, world) == [2, 2, 0]


async def test_names_are_told_apart_among_ones_own_and_the_brands(ground: Ground) -> None:
    world = await build_world(ground)
    await keep(ground, world.shop.guide, "常客")
    await keep(ground, world.shop.other_guide, "常客")
    common = await keep(ground, world.hq, "重点", sharing=Sharing.BRAND)

    for actor, name in ((world.shop.guide, "常客"), (world.shop.guide, "重点"), (world.hq, "重点")):
        with pytest.raises(SegmentNameTaken):
            await keep(ground, actor, name)
    with pytest.raises(Invalid):
        await keep(ground, world.hq, "  ")

    await retire(ground, world.hq, common)
    assert (await keep(ground, world.shop.guide, "重点")).version == 1
    with pytest.raises(SegmentRetired):
        await retire(ground, world.hq, common)


async def test_two_who_take_one_name_at_once_have_one(ground: Ground) -> None:
    world = await build_world(ground)

    done = await asyncio.gather(*(keep(ground, world.hq, "常客") for _ in range(2)), return_exceptions=True)

    assert sorted(type(each).__name__ for each in done) == ["Segment", "SegmentNameTaken"]
    assert await rows(ground, world) == [1, 1, 0]


async def test_as_many_as_there_may_be(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    world = await build_world(ground)
    monkeypatch.setattr(writing, "MOST", {Sharing.PRIVATE: 1, Sharing.BRAND: 1})
    mine = await keep(ground, world.hq, "一")
    await keep(ground, world.hq, "二", sharing=Sharing.BRAND)

    for refused in (keep(ground, world.hq, "三"), share(ground, world.hq, mine)):
        with pytest.raises(TooManySegments):
            await refused

    assert await rows(ground, world) == [2, 2, 0]


async def test_what_the_brand_shares_names_nothing_private(ground: Ground) -> None:
    world = await build_world(ground)
    await build_tag(ground, world, None, "我的", owner_id=world.hq.id)
    await keep(ground, world.hq, "私人的")

    for text in ('tag = "/我的"', 'segment = "私人的"'):
        mine = await keep(ground, world.hq, ids.new().hex, text)
        for refused in (share(ground, world.hq, mine), keep(ground, world.hq, "公", text, sharing=Sharing.BRAND)):
            with pytest.raises(SegmentNamesPrivate):
                await refused
        assert (await reload(ground, mine)).sharing is Sharing.PRIVATE


async def test_others_personal_tags_unseen_stores_and_private_segments_are_unknown_names(ground: Ground) -> None:
    world = await build_world(ground)
    await build_tag(ground, world, None, "她的", owner_id=world.shop.other_guide.id)
    await keep(ground, world.hq, "总部的")
    elsewhere = world.shops[2].store.code

    for text in ('tag = "她的"', f'store = "{elsewhere}"', 'segment = "总部的"', 'region = "north"'):
        assert await place_of(ground, world.shop.guide, text) == (1, 1)


async def test_segments_name_each_other_and_never_themselves(ground: Ground) -> None:
    world = await build_world(ground)
    gold = await build_customer(ground, world.shop.guide, tier="金卡")
    await build_customer(ground, world.shop.guide, tier="银卡")
    first = await keep(ground, world.hq, "甲", sharing=Sharing.BRAND)
    second = await keep(ground, world.hq, "乙", 'segment = "甲" or orders > 3', sharing=Sharing.BRAND)
    third = await keep(ground, world.hq, "丙", 'not (segment != "乙")')

    async with ground.db.read() as session:
        counted = await membership.counts(session, world.hq, [first.id, second.id, third.id])
    assert [counted[each.id].count for each in (first, second, third)] == [1, 1, 1]
    assert gold.tier == "金卡"

    with pytest.raises(BadExpression) as refused:
        await edit(ground, world.hq, first, text='city = "上海" or\n  segment = "乙"')
    assert (refused.value.facts["line"], refused.value.facts["column"]) == (2, 3)
    with pytest.raises(SegmentInUse) as used:
        await retire(ground, world.hq, second)
    assert used.value.facts == {"count": 1, "names": "丙"}
    with pytest.raises(SegmentInUse):
        await share(ground, world.hq, first, Sharing.PRIVATE)
    await retire(ground, world.hq, third)
    assert (await retire(ground, world.hq, second)).version == 2


async def test_of_two_edits_that_would_make_a_circle_one_is_refused(ground: Ground) -> None:
    world = await build_world(ground)
    one, other = await keep(ground, world.hq, "甲"), await keep(ground, world.hq, "乙")

    done = await asyncio.gather(
        edit(ground, world.hq, one, text='segment = "乙"'),
        edit(ground, world.hq, other, text='segment = "甲"'),
        return_exceptions=True,
    )

    assert sorted(type(each).__name__ for each in done) == ["BadExpression", "Segment"]


async def test_five_deep_and_no_deeper_from_below_or_above(ground: Ground) -> None:
    world = await build_world(ground)
    deepest = await keep(ground, world.hq, "0")
    for depth in range(1, 6):
        await keep(ground, world.hq, str(depth), f'segment = "{depth - 1}"')

    with pytest.raises(BadExpression):
        await keep(ground, world.hq, "6", 'segment = "5"')
    await keep(ground, world.hq, "底")
    with pytest.raises(BadExpression):
        await edit(ground, world.hq, deepest, text='segment = "底"')


async def test_segments_that_name_each_other_stay_of_a_size(ground: Ground) -> None:
    world = await build_world(ground)
    many = " or ".join(f"orders = {number}" for number in range(150))
    await keep(ground, world.hq, "0", many)
    await keep(ground, world.hq, "1", " or ".join(['segment = "0"'] * 6))

    assert await place_of(ground, world.hq, '\nsegment = "0" or segment = "1"') == (2, 18)


BAD = {
    "an unknown field": ("tier = \"金卡\" and\n  colour = 'x'", (2, 12)),
    "an unknown word": ('tier = "金卡" and\n  colour = "x"', (2, 3)),
    "no such tag": ('orders > 1 and tag = "没有"', (1, 16)),
    "too many terms": (" or ".join(f"orders={number % 10}" for number in range(10_000)), (1, 8001)),
    "too deep": ("(" * 900 + "orders = 1" + ")" * 900 + " and", None),
    "a wrong operator": ('tier > "金卡"', (1, 1)),
}


@pytest.mark.parametrize("name", BAD)
async def test_what_cant_be_read_is_refused_at_once_with_the_place(ground: Ground, name: str) -> None:
    world = await build_world(ground)
    text, place = BAD[name]
    await place_of(ground, world.hq, "?")  # the grammar is made when it is first needed

    took = Quickest()
    for _ in range(3):
        with took.turn():
            found = await place_of(ground, world.hq, text)

    assert place is None or found == place
    assert took.seconds < 0.5  # some milliseconds; much is left to a busy machine
    with pytest.raises(Refusal):
        await keep(ground, world.hq, "坏的", text)
    assert await rows(ground, world) == [0, 0, 0]


async def test_a_merged_tag_counts_as_what_it_became_and_a_retired_one_as_nobodys(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    group = await build_group(ground, world)
    old, new = [await build_tag(ground, world, group, name) for name in ("旧", "新")]
    kept = await keep(ground, world.hq, "甲", 'tag = "旧"')
    await put(ground, world.shop.guide, [customer], [new])

    async def counted() -> int:
        async with ground.db.read() as session:
            found: dict[UUID, Any] = dict(await membership.counts(session, world.hq, [kept.id]))
        count: int = found[kept.id].count
        return count

    assert await counted() == 0
    async with ground.db.write() as session:
        merged = await session.get_one(type(old), (world.brand.id, old.id))
        merged.retired_at, merged.merged_into_id = merged.retired_at or kept.created_at, new.id
    assert await counted() == 1
    async with unit_of_work(ground, world.hq) as work:
        await commands.retire_tag(work, new.id)
    assert await counted() == 0
