"""Groups: what they ask, who may answer, and how long an answer is believed; and finding tags."""

from typing import Any

import pytest

from kernel import feed, ids
from kernel.actor import Role
from kernel.errors import Forbidden, Invalid, NotFound, StaleVersion
from kernel.jobs import Job
from kernel.work import Ground
from tagging import commands
from tagging.errors import LibraryChanged, SomeCarrySeveral, TagNameTaken, TagNotForYou, TagRetired
from tagging.models import Choice
from tagging.queries import library
from tests.factories import build_customer, build_world, reload, said
from tests.mall.trading import count
from tests.tagging.labels import build_group, build_tag, carried, put
from tests.tagging.test_library import do


async def test_a_group_is_edited_and_its_stores_hear_of_it_once(ground: Ground) -> None:
    world = await build_world(ground)
    group = await build_group(ground, world)
    changes: dict[str, Any] = {"name": "款式", "color": "#FF0000", "choice": Choice.SINGLE, "shelf_life_days": 3650}
    changes |= {"roles": [Role.HQ, Role.GUIDE], "store_ids": [world.shop.store.id]}

    for _ in range(2):
        await do(ground, world.hq, commands.edit_group, group.id, **changes)

    kept = await reload(ground, group)
    assert (kept.name, kept.color, kept.choice, kept.shelf_life_days) == ("款式", "#ff0000", Choice.SINGLE, 3650)
    assert (kept.roles, kept.store_ids, kept.version) == (["guide", "hq"], [str(world.shop.store.id)], 2)
    assert await said(ground, feed.of_store(world.shop.store.id)) == [("put", "tag_group", group.id)]
    assert await count(ground, world.brand.id, Job) == 1


async def test_wrong_edits_of_a_group_are_refused_and_change_nothing(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    group, taken = await build_group(ground, world), await build_group(ground, world, "尺码")
    cases: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"shelf_life_days": 0}, Invalid),
        ({"shelf_life_days": 3651}, Invalid),
        ({"color": "red"}, Invalid),
        ({"roles": [Role.SERVICE]}, Invalid),
        ({"store_ids": [other.shop.store.id]}, NotFound),
        ({"store_ids": [ids.new() for _ in range(1_001)]}, Invalid),
        ({"name": taken.name}, TagNameTaken),
        ({"name": "新", "expected_version": 2}, StaleVersion),
    ]

    for changes, refusal in cases:
        with pytest.raises(refusal):
            await do(ground, world.hq, commands.edit_group, group.id, **changes)
    with pytest.raises(Forbidden):
        await do(ground, world.shop.manager, commands.retire_group, group.id)

    assert (await reload(ground, group)).version == 1
    assert await said(ground, feed.of_store(world.shop.store.id)) == []


async def test_a_group_becomes_single_choice_when_nobody_carries_two(ground: Ground) -> None:
    world = await build_world(ground)
    group = await build_group(ground, world)
    plain, sporty, retired = [await build_tag(ground, world, group, name) for name in ("简约", "运动", "停用")]
    people = [await build_customer(ground, world.shop.guide) for _ in range(3)]
    await put(ground, world.shop.guide, people[:2], [plain, sporty])
    await put(ground, world.shop.guide, people[2:], [plain, retired])
    await do(ground, world.hq, commands.retire_tag, retired.id)

    with pytest.raises(SomeCarrySeveral) as refused:
        await do(ground, world.hq, commands.edit_group, group.id, choice=Choice.SINGLE)
    # Merged, the two are one.
    await do(ground, world.hq, commands.merge_tags, sporty.id, plain.id)
    await do(ground, world.hq, commands.edit_group, group.id, choice=Choice.SINGLE)

    assert refused.value.facts["count"] == 2
    assert (await reload(ground, group)).choice is Choice.SINGLE


async def test_tags_are_put_on_by_those_they_are_for(ground: Ground) -> None:
    world = await build_world(ground)
    managers = await build_group(ground, world, "等级", roles=["store_manager", "hq"])
    elsewhere = await build_group(ground, world, "活动", store_ids=[str(world.shops[1].store.id)])
    tags = [await build_tag(ground, world, group, "甲") for group in (managers, elsewhere)]
    customer = await build_customer(ground, world.shop.guide)

    for actor, tag in ((world.shop.guide, tags[0]), (world.shop.guide, tags[1]), (world.shop.manager, tags[1])):
        with pytest.raises(TagNotForYou):
            await put(ground, actor, [customer], [tag])
        with pytest.raises(TagNotForYou):
            await do(ground, actor, commands.confirm_tags, [customer.id], [tag.id])
    assert await carried(ground, customer) == set()
    await put(ground, world.shop.manager, [customer], tags[:1])
    await put(ground, world.hq, [customer], tags)

    await do(ground, world.shop.guide, commands.remove_tags, [customer.id], [tag.id for tag in tags])
    assert await carried(ground, customer) == set()


async def test_a_group_is_retired_with_its_tags_and_the_names_are_free(ground: Ground) -> None:
    world = await build_world(ground)
    group = await build_group(ground, world)
    tag = await build_tag(ground, world, group, "简约")

    await do(ground, world.hq, commands.retire_group, group.id, expected_version=1)
    with pytest.raises(TagRetired):
        await do(ground, world.hq, commands.retire_group, group.id)
    with pytest.raises(TagRetired):
        await do(ground, world.hq, commands.add_tag, name="运动", group_id=group.id)
    again = await do(ground, world.hq, commands.add_group, name="风格")

    assert (await reload(ground, group)).retired_at == (await reload(ground, tag)).retired_at is not None
    async with ground.db.read() as session:
        assert [row.id for row in await library.groups(session, world.shop.guide)] == [again.id]
        assert len(await library.walk_groups(session, world.shop.guide, None, 10)) == 2


async def test_tags_are_put_in_order_all_at_once(ground: Ground) -> None:
    world = await build_world(ground)
    group = await build_group(ground, world)
    tags = [await build_tag(ground, world, group, name, position=place) for place, name in enumerate("甲乙丙", 1)]
    wanted = [tags[2].id, tags[1].id, tags[0].id]

    await do(ground, world.hq, commands.order_tags, group.id, wanted)
    for wrong in (wanted[:2], [*wanted, wanted[0]], [*wanted[:2], ids.new()]):
        with pytest.raises(LibraryChanged):
            await do(ground, world.hq, commands.order_tags, group.id, wrong)
    with pytest.raises(NotFound):
        await do(ground, world.hq, commands.order_tags, ids.new(), [])

    async with ground.db.read() as session:
        found = await library.tags_of_groups(session, world.shop.guide, [group.id])
    assert [row.id for row in found[group.id]] == wanted
    assert [(await reload(ground, tag)).version for tag in tags] == [2, 1, 2]


async def test_tags_are_found_by_name_synonym_and_group(ground: Ground) -> None:
    world = await build_world(ground)
    styles, sizes = await build_group(ground, world), await build_group(ground, world, "尺码", position=2)
    await build_tag(ground, world, styles, "通勤", synonyms=["Office", "上班穿"])
    await build_tag(ground, world, styles, "偏office", position=2)
    await build_tag(ground, world, sizes, "均码")
    await build_tag(ground, world, None, "office 常客", owner_id=world.shop.guide.id)
    await build_tag(ground, world, None, "office 别人", owner_id=world.shop.manager.id)
    await build_tag(ground, world, sizes, "office", retired_at=world.brand.created_at)

    async def found(text: str, most: int = 20) -> list[str]:
        async with ground.db.read() as session:
            return [row.name for row in await library.find(session, world.shop.guide, text, most)]

    assert await found(" OFFICE ") == ["office 常客", "通勤", "偏office"]
    assert await found("上班") == ["通勤"]
    assert await found("尺码") == ["均码"]
    assert await found("office", 1) == ["office 常客"]
    for nothing in ("", " ", "长" * 31, "\x00", "没有"):
        assert await found(nothing) == []


async def test_synonyms_are_tidied_and_bounded(ground: Ground) -> None:
    world = await build_world(ground)
    group = await build_group(ground, world)

    tag = await do(
        ground, world.hq, commands.add_tag, name="简约", group_id=group.id, synonyms=[" 极简 ", "极简", "简约"]
    )
    assert (await reload(ground, tag)).synonyms == ["极简"]
    for wrong in ([""], ["长" * 31], [f"词{number}" for number in range(11)]):
        with pytest.raises(Invalid):
            await do(ground, world.hq, commands.edit_tag, tag.id, synonyms=wrong)
    await do(ground, world.hq, commands.edit_tag, tag.id, name="极简")

    kept = await reload(ground, tag)
    assert (kept.name, kept.synonyms, kept.version) == ("极简", [], 2)
