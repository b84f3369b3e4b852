"""The brand's library is kept by HQ, personal tags by their owners."""

import asyncio
from typing import Any

import pytest

from kernel import feed, ids
from kernel.actor import Actor, system
from kernel.errors import Forbidden, Invalid, NotFound, StaleVersion
from kernel.work import Ground, unit_of_work
from tagging import commands
from tagging.errors import LibraryChanged, TagNameTaken, TagRetired, TooManyTags
from tagging.models import Tag, TagGroup
from tagging.queries import library
from tests.factories import World, build_world, reload, said
from tests.mall.trading import count, till
from tests.tagging.labels import build_group, build_tag

Change = tuple[Any, tuple[Any, ...], dict[str, Any]]


async def do(ground: Ground, actor: Any, command: Any, *arguments: Any, **named: Any) -> Any:
    async with unit_of_work(ground, actor) as work:
        return await command(work, *arguments, **named)


async def heard(ground: Ground, world: World) -> list[list[tuple[str, str, Any]]]:
    """What every store of the brand heard."""
    return [await said(ground, feed.of_store(shop.store.id)) for shop in world.shops]


async def test_a_new_group_and_tag_are_news_to_every_store(ground: Ground) -> None:
    world = await build_world(ground)

    group = await do(ground, world.hq, commands.add_group, name=" 风格 ")
    tag = await do(ground, world.hq, commands.add_tag, name="简约", group_id=group.id, color="#FFAA00")

    kept = await reload(ground, tag)
    assert (kept.name, kept.group_id, kept.owner_id, kept.color, kept.position) == (
        "简约",
        group.id,
        None,
        "#ffaa00",
        1,
    )
    assert (await reload(ground, group)).name == "风格"
    assert await heard(ground, world) == [[("put", "tag_group", group.id), ("put", "tag", tag.id)]] * 3


async def test_a_guides_own_tag_is_news_to_the_guide_alone(ground: Ground) -> None:
    world = await build_world(ground)

    tag = await do(ground, world.shop.guide, commands.add_tag, name="爱聊天")

    assert (await reload(ground, tag)).owner_id == world.shop.guide.id
    assert await said(ground, feed.of_staff(world.shop.guide.id)) == [("put", "tag", tag.id)]
    assert await heard(ground, world) == [[], [], []]


async def test_only_hq_keeps_the_brands_library(ground: Ground) -> None:
    world = await build_world(ground)
    group = await build_group(ground, world)
    tag = await build_tag(ground, world, group, "简约")

    changes: list[Change] = [
        (commands.add_group, (), {"name": "别的"}),
        (commands.rename_group, (group.id,), {"name": "别的"}),
        (commands.order_groups, ([group.id],), {}),
        (commands.add_tag, (), {"name": "别的", "group_id": group.id}),
        (commands.edit_tag, (tag.id,), {"name": "别的"}),
        (commands.retire_tag, (tag.id,), {}),
    ]

    for actor in (world.shop.guide, world.shop.manager, world.east_manager, till(world, "tags:read")):
        for command, arguments, named in changes:
            with pytest.raises(Forbidden):
                await do(ground, actor, command, *arguments, **named)

    assert (await reload(ground, group)).version == (await reload(ground, tag)).version == 1
    assert await count(ground, world.brand.id, Tag) == await count(ground, world.brand.id, TagGroup) == 1
    assert await heard(ground, world) == [[], [], []]


async def test_somebody_elses_personal_tag_does_not_exist(ground: Ground) -> None:
    world = await build_world(ground)
    tag = await build_tag(ground, world, None, "爱聊天", owner_id=world.shop.guide.id)

    for actor in (world.shop.other_guide, world.shop.manager, world.hq, system(world.brand.id)):
        with pytest.raises(NotFound):
            await do(ground, actor, commands.edit_tag, tag.id, name="别的")
        with pytest.raises(NotFound):
            await do(ground, actor, commands.retire_tag, tag.id)
    await do(ground, world.shop.guide, commands.edit_tag, tag.id, name="健谈")

    assert (await reload(ground, tag)).name == "健谈"


async def test_machines_have_no_tags_of_their_own(ground: Ground) -> None:
    world = await build_world(ground)

    with pytest.raises(Forbidden):
        await do(ground, till(world), commands.add_tag, name="机器")

    assert await count(ground, world.brand.id, Tag) == 0


async def test_a_name_is_taken_once_per_group_and_per_person(ground: Ground) -> None:
    world = await build_world(ground)
    styles, sizes = await build_group(ground, world), await build_group(ground, world, "尺码")
    await build_tag(ground, world, styles, "简约")
    other = await build_tag(ground, world, styles, "运动")
    await do(ground, world.shop.guide, commands.add_tag, name="简约")

    changes: list[tuple[Actor, Change]] = [
        (world.hq, (commands.add_group, (), {"name": "风格"})),
        (world.hq, (commands.rename_group, (sizes.id,), {"name": "风格"})),
        (world.hq, (commands.add_tag, (), {"name": "简约", "group_id": styles.id})),
        (world.hq, (commands.edit_tag, (other.id,), {"name": "简约"})),
        (world.shop.guide, (commands.add_tag, (), {"name": "简约"})),
    ]

    for actor, (command, arguments, named) in changes:
        with pytest.raises(TagNameTaken):
            await do(ground, actor, command, *arguments, **named)
    await do(ground, world.hq, commands.add_tag, name="简约", group_id=sizes.id)
    await do(ground, world.shop.other_guide, commands.add_tag, name="简约")

    assert (await reload(ground, other)).name == "运动"
    assert await count(ground, world.brand.id, Tag) == 5


async def test_the_same_name_at_the_same_time_is_taken_once(ground: Ground) -> None:
    world = await build_world(ground)
    group = await build_group(ground, world)
    tags = [await build_tag(ground, world, group, name) for name in ("一", "二")]

    added = await asyncio.gather(
        *(do(ground, world.hq, commands.add_tag, name="简约", group_id=group.id) for _ in range(3)),
        *(do(ground, world.hq, commands.add_group, name="颜色") for _ in range(3)),
        *(do(ground, world.hq, commands.edit_tag, tag.id, name="三") for tag in tags),
        return_exceptions=True,
    )

    assert sum(isinstance(each, TagNameTaken) for each in added) == 2 + 2 + 1
    assert sum(isinstance(each, Tag | TagGroup) for each in added) == 3


async def test_a_retired_tag_frees_its_name_and_its_place(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    world = await build_world(ground)
    group = await build_group(ground, world)
    monkeypatch.setattr(library, "MOST_BRAND_TAGS", 1)
    monkeypatch.setattr(library, "MOST_PERSONAL_TAGS", 1)
    first = await do(ground, world.hq, commands.add_tag, name="简约", group_id=group.id)
    await do(ground, world.shop.guide, commands.add_tag, name="一")

    with pytest.raises(TooManyTags):
        await do(ground, world.hq, commands.add_tag, name="运动", group_id=group.id)
    with pytest.raises(TooManyTags):
        await do(ground, world.shop.guide, commands.add_tag, name="二")
    await do(ground, world.shop.other_guide, commands.add_tag, name="一")
    await do(ground, world.hq, commands.retire_tag, first.id)
    again = await do(ground, world.hq, commands.add_tag, name="简约", group_id=group.id)

    assert (await reload(ground, first)).retired_at is not None
    assert (await reload(ground, again)).position == 2


async def test_the_limits_hold_for_two_at_the_same_time(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    world = await build_world(ground)
    groups = [await build_group(ground, world, name) for name in ("风格", "尺码")]
    monkeypatch.setattr(library, "MOST_BRAND_TAGS", 1)
    monkeypatch.setattr(library, "MOST_PERSONAL_TAGS", 1)

    added = await asyncio.gather(
        *(do(ground, world.hq, commands.add_tag, name="简约", group_id=group.id) for group in groups),
        *(do(ground, world.shop.guide, commands.add_tag, name=name) for name in ("一", "二")),
        return_exceptions=True,
    )

    assert sum(isinstance(each, TooManyTags) for each in added) == 2
    assert await count(ground, world.brand.id, Tag) == 2


async def test_a_tag_is_renamed_repainted_and_retired(ground: Ground) -> None:
    world = await build_world(ground)
    tag = await build_tag(ground, world, await build_group(ground, world), "简约")

    await do(ground, world.hq, commands.edit_tag, tag.id, name="极简", color="#000000", expected_version=1)
    await do(ground, world.hq, commands.edit_tag, tag.id, name="极简")
    await do(ground, world.hq, commands.retire_tag, tag.id, expected_version=2)

    kept = await reload(ground, tag)
    assert (kept.name, kept.color, kept.version) == ("极简", "#000000", 3)
    assert await said(ground, feed.of_store(world.shop.store.id)) == [("put", "tag", tag.id)] * 2
    for command, named in ((commands.edit_tag, {"name": "新"}), (commands.retire_tag, {})):
        with pytest.raises(TagRetired):
            await do(ground, world.hq, command, tag.id, **named)


async def test_wrong_changes_are_refused(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    group = await build_group(ground, world)
    tag = await build_tag(ground, world, group, "简约")
    foreign = await build_group(ground, other)
    cases: list[tuple[Change, type[Exception]]] = [
        ((commands.add_group, (), {"name": " "}), Invalid),
        ((commands.add_group, (), {"name": "长" * 31}), Invalid),
        ((commands.add_tag, (), {"name": "长" * 31, "group_id": group.id}), Invalid),
        ((commands.add_tag, (), {"name": "红", "group_id": group.id, "color": "red"}), Invalid),
        ((commands.add_tag, (), {"name": "红", "group_id": foreign.id}), NotFound),
        ((commands.rename_group, (foreign.id,), {"name": "红"}), NotFound),
        ((commands.rename_group, (group.id,), {"name": "红", "expected_version": 3}), StaleVersion),
        ((commands.edit_tag, (tag.id,), {"color": "#12345g"}), Invalid),
        ((commands.edit_tag, (tag.id,), {"name": "红", "expected_version": 3}), StaleVersion),
        ((commands.edit_tag, (ids.new(),), {"name": "红"}), NotFound),
        ((commands.retire_tag, (tag.id,), {"expected_version": 3}), StaleVersion),
    ]

    for (command, arguments, named), refusal in cases:
        with pytest.raises(refusal):
            await do(ground, world.hq, command, *arguments, **named)

    assert (await reload(ground, tag)).version == (await reload(ground, group)).version == 1
    assert await heard(ground, world) == [[], [], []]


async def test_groups_are_put_in_order_all_at_once(ground: Ground) -> None:
    world = await build_world(ground)
    groups = [await do(ground, world.hq, commands.add_group, name=name) for name in ("甲", "乙", "丙")]
    wanted = [groups[2].id, groups[1].id, groups[0].id]

    await do(ground, world.hq, commands.order_groups, wanted)
    for wrong in (wanted[:2], [*wanted, wanted[0]], [*wanted[:2], ids.new()]):
        with pytest.raises(LibraryChanged):
            await do(ground, world.hq, commands.order_groups, wrong)

    async with ground.db.read() as session:
        assert [row.id for row in await library.groups(session, world.shop.guide)] == wanted
    assert (await reload(ground, groups[1])).version == 1
    assert len((await heard(ground, world))[0]) == 3 + 2


async def test_a_group_is_renamed(ground: Ground) -> None:
    world = await build_world(ground)
    group = await build_group(ground, world)

    await do(ground, world.hq, commands.rename_group, group.id, name="款式", expected_version=1)
    await do(ground, world.hq, commands.rename_group, group.id, name="款式")

    assert ((await reload(ground, group)).name, (await reload(ground, group)).version) == ("款式", 2)
    assert await heard(ground, world) == [[("put", "tag_group", group.id)]] * 3
