"""A takeover guide isn't measured by how the leaver tagged, for as long as they get to know whom they took over."""

from datetime import timedelta

import pytest
from sqlalchemy import true

from customers import commands as customers
from customers.models import Customer, HoldingReason
from kernel import clock
from kernel.work import Ground, unit_of_work
from tagging.queries import figures
from tagging.queries.figures import FiguresBy
from tests.asking import ask
from tests.factories import World, build_customer, build_world, relationship_of
from tests.tagging.auditing import build_tagged, build_tags
from tests.tagging.test_figures import read

ASKED = """query { tagFigures(by: GUIDE, adjusted: true) { edges { node { guide { id } held covered } } } }"""


async def move(ground: Ground, world: World, customer: Customer, reason: HoldingReason, days_ago: int) -> None:
    with clock.stopped_at(clock.now() - timedelta(days=days_ago)):
        relationship = await relationship_of(ground, customer)
        async with unit_of_work(ground, world.shop.manager) as work:
            to = world.shop.other_guide.account_ids[0]
            await customers.reassign(work, relationship.id, to_account_id=to, reason=reason)


@pytest.fixture
async def world(ground: Ground) -> World:
    """The taker has a customer of old, and took over three untagged ones: lately, long ago, and in the daily round."""
    world = await build_world(ground)
    [tag] = await build_tags(ground, world, 1)
    await build_tagged(ground, world.shop, tag, 2, checked_at=clock.now())
    await build_customer(ground, world.shop.other_guide)
    for reason, days_ago in ((HoldingReason.HANDOVER, 29), (HoldingReason.HANDOVER, 31), (HoldingReason.REASSIGNED, 1)):
        await move(ground, world, await build_customer(ground, world.shop.guide), reason, days_ago)
    return world


async def held(ground: Ground, world: World, by: FiguresBy = FiguresBy.GUIDE, *, adjusted: bool) -> list[int]:
    lines = (await read(ground, world.hq, by, adjusted=adjusted)).values()
    return sorted(line.held for line in lines if line.held)


async def test_what_came_by_a_handover_lately_is_left_out_if_asked_for(ground: Ground, world: World) -> None:
    assert await held(ground, world, adjusted=False) == [2, 4]
    assert await held(ground, world, adjusted=True) == [2, 3]


async def test_stores_are_counted_whole_whatever_is_asked_for(ground: Ground, world: World) -> None:
    assert await held(ground, world, FiguresBy.STORE, adjusted=True) == [6]


async def test_graphql_adjusts_on_request(ground: Ground, world: World) -> None:
    answer = await ask(ground, world.hq, ASKED)

    lines = {
        edge["node"]["guide"]["id"]: edge["node"] for edge in answer["tagFigures"]["edges"] if edge["node"]["guide"]
    }
    assert lines[str(world.shop.other_guide.id)]["held"] == 3
    assert lines[str(world.shop.guide.id)]["covered"] == 2


async def test_figures_that_blame_the_takeover_guide_would_be_noticed(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutant."""
    monkeypatch.setattr(figures, "is_settled", lambda _now: true())

    with pytest.raises(AssertionError):
        await test_what_came_by_a_handover_lately_is_left_out_if_asked_for(ground, world)
