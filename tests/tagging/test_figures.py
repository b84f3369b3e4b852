"""Coverage, staleness and confirmation are counted from base rows, within one's sight."""

from datetime import timedelta
from typing import Any

import pytest

from kernel import clock
from kernel.actor import Actor
from kernel.pages import Page
from kernel.work import Ground, unit_of_work
from tagging import commands
from tagging.queries import figures
from tagging.queries.figures import FiguresBy, TagFigures
from tests.asking import ask
from tests.factories import World, build_customer, build_world
from tests.statements import statements
from tests.tagging.auditing import build_tagged, build_tags
from tests.tagging.labels import build_tag

FIGURES = """query ($by: FiguresBy!, $store: ID, $group: ID) { tagFigures(by: $by, storeId: $store, groupId: $group) {
    edges { node { store { id } account { id } guide { id } group { id }
      held covered coverage tags stale staleShare confirmed confirmedShare } } } }"""


async def read(ground: Ground, actor: Actor, by: FiguresBy, **narrowed: Any) -> dict[Any, TagFigures]:
    async with ground.db.read() as session:
        return {line.id: line for line in await figures.page(session, actor, Page(50), by, **narrowed)}


async def furnish(ground: Ground, world: World) -> tuple[Any, Any]:
    """Ten customers of the shop's first guide: six carry one tag, two of which are stale; two carry another."""
    long_ago = clock.now() - timedelta(days=400)
    [style] = await build_tags(ground, world, 1)
    [size] = await build_tags(ground, world, 1)
    await build_tagged(ground, world.shop, style, 4, checked_at=clock.now())
    await build_tagged(ground, world.shop, style, 2, checked_at=long_ago, valid_until=clock.now() - timedelta(days=1))
    await build_tagged(ground, world.shop, size, 2, checked_at=long_ago, valid_until=clock.now() + timedelta(days=1))
    for _ in range(2):
        await build_customer(ground, world.shop.guide)
    return style, size


async def test_stores_are_counted_whole_or_by_group(ground: Ground) -> None:
    world = await build_world(ground)
    style, size = await furnish(ground, world)
    own = await build_tag(ground, world, None, "我的", owner_id=world.shop.guide.id)
    await build_tagged(ground, world.shops[1], own, 3)

    every = await read(ground, world.hq, FiguresBy.STORE)
    sizes = await read(ground, world.hq, FiguresBy.STORE, group_id=size.group_id)

    line = every[world.shop.store.id]
    assert (line.held, line.covered, line.coverage) == (10, 8, 0.8)
    assert (line.tags, line.stale, line.stale_share) == (8, 2, 0.25)
    assert (line.confirmed, line.confirmed_share) == (4, 0.5)
    assert (sizes[world.shop.store.id].covered, sizes[world.shop.store.id].tags) == (2, 2)
    bare = every[world.shops[1].store.id]
    assert (bare.held, bare.covered, bare.tags, bare.stale_share) == (3, 0, 0, None)
    assert every[world.shops[2].store.id].coverage is None
    assert style.group_id != size.group_id


async def test_groups_and_guides_have_lines_of_their_own(ground: Ground) -> None:
    world = await build_world(ground)
    style, size = await furnish(ground, world)
    await build_customer(ground, world.shop.other_guide)

    groups = await read(ground, world.shop.manager, FiguresBy.GROUP)
    guides = await read(ground, world.shop.manager, FiguresBy.GUIDE)

    assert {key: (line.held, line.covered) for key, line in groups.items()} == {
        style.group_id: (11, 6),
        size.group_id: (11, 2),
    }
    assert {line.staff_id: (line.held, line.covered) for line in guides.values()} == {
        world.shop.guide.id: (10, 8),
        world.shop.other_guide.id: (1, 0),
        None: (0, 0),
    }


async def test_a_customer_with_two_tags_is_covered_once_and_a_retired_tag_counts_nowhere(ground: Ground) -> None:
    world = await build_world(ground)
    one, two = await build_tags(ground, world)
    customer = await build_customer(ground, world.shop.guide)
    async with unit_of_work(ground, world.shop.guide) as work:
        await commands.add_tags(work, [customer.id], [one.id, two.id])
    line = (await read(ground, world.hq, FiguresBy.STORE))[world.shop.store.id]
    assert (line.covered, line.tags) == (1, 2)
    async with unit_of_work(ground, world.hq) as work:
        await commands.retire_tag(work, two.id)

    line = (await read(ground, world.hq, FiguresBy.STORE))[world.shop.store.id]

    assert (line.covered, line.tags) == (1, 1)


async def test_everybody_counts_what_they_see(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    await furnish(ground, world)
    await build_customer(ground, world.shop.other_guide)
    here = world.shop.store.id
    east = {here, world.shops[1].store.id}
    for actor, seen, held in [
        (world.shop.guide, {here}, 10),
        (world.shop.other_guide, {here}, 1),
        (world.shop.manager, {here}, 11),
        (world.east_manager, east, 11),
        (world.hq, east | {world.shops[2].store.id}, 11),
    ]:
        lines = await read(ground, actor, FiguresBy.STORE)
        assert (set(lines), lines[here].held) == (seen, held)

    assert here not in await read(ground, other.hq, FiguresBy.STORE)
    assert await read(ground, world.shops[1].manager, FiguresBy.STORE, store_id=here) == {}
    assert await read(ground, world.shops[1].manager, FiguresBy.GUIDE, store_id=here) == {}
    [mine] = (await read(ground, world.shop.guide, FiguresBy.GUIDE)).values()
    assert mine.staff_id == world.shop.guide.id


@pytest.mark.parametrize("by", FiguresBy)
async def test_figures_take_three_statements_for_one_line_or_three(ground: Ground, by: FiguresBy) -> None:
    world = await build_world(ground)
    for _ in range(3):
        await furnish(ground, world)

    for first in (1, 3):
        async with ground.db.read() as session:
            with statements(ground) as sent:
                lines = await figures.page(session, world.hq, Page(first), by)
        assert len(lines) >= first
        assert len(sent) == 3


async def test_figures_are_asked_for_over_graphql(ground: Ground) -> None:
    world = await build_world(ground)
    style, _ = await furnish(ground, world)

    asked: dict[str, Any] = {"store": str(world.shop.store.id), "group": str(style.group_id)}
    [by_store] = (await ask(ground, world.hq, FIGURES, by="STORE", **asked))["tagFigures"]["edges"]
    [by_group] = (await ask(ground, world.hq, FIGURES, by="GROUP", **asked))["tagFigures"]["edges"]
    guides = (await ask(ground, world.hq, FIGURES, by="GUIDE", **asked))["tagFigures"]["edges"]

    assert by_store["node"] == {
        "store": {"id": str(world.shop.store.id)},
        "account": None,
        "guide": None,
        "group": None,
        "held": 10,
        "covered": 6,
        "coverage": 0.6,
        "tags": 6,
        "stale": 2,
        "staleShare": 2 / 6,
        "confirmed": 4,
        "confirmedShare": 4 / 6,
    }
    assert (by_group["node"]["group"], by_group["node"]["covered"]) == ({"id": str(style.group_id)}, 6)
    assert {line["node"]["account"]["id"] for line in guides} == {
        str(account) for account in (world.shop.public.id, *(guide.account_ids[0] for guide in world.shop.guides))
    }
    assert (await ask(ground, world.hq, FIGURES, by="STORE", store="nonsense"))["tagFigures"]["edges"] == []
