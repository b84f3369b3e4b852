"""What a customer's purchases amount to, through GraphQL, and for whom."""

from datetime import timedelta
from typing import Any

import pytest

from kernel import clock
from kernel.actor import Actor, system
from kernel.work import Ground, unit_of_work
from mall.commands import profiles
from tests.asking import ask
from tests.factories import World, build_customer, build_world
from tests.mall.trading import place, refund, till
from tests.schema.test_mall import RECORD, order_input
from tests.statements import statements

PURCHASES = """
query ($first: Int!) { customers(first: $first) { edges { node { id purchases {
  orders purchaseDays gross refunds net netLast12Months firstDay lastDay medianGapDays churnBand atRiskFrom lapsedFrom
  recencyScore frequencyScore monetaryScore churnRisk valueAtRiskScore scoredOn asOf
} } } } }
"""
VARIANTS = "query { orders { edges { node { lines { variant } } } } }"


async def purchases(ground: Ground, actor: Actor, first: int = 10) -> list[dict[str, Any] | None]:
    edges = (await ask(ground, actor, PURCHASES, first=first))["customers"]["edges"]
    return [edge["node"]["purchases"] for edge in edges]


async def night(ground: Ground, world: World) -> None:
    after, today = None, clock.store_day(clock.now(), world.shop.store.time_zone)
    while True:
        async with unit_of_work(ground, system(world.brand.id)) as work:
            after = await profiles.night_chunk(work, today, after)
        if after is None:
            return


async def test_a_profile_says_what_was_bought_and_how_that_compares(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    first = clock.now() - timedelta(days=20)
    await place(ground, world, customer, placed_at=first)
    order = await place(ground, world, customer, placed_at=first + timedelta(days=10))
    await refund(ground, world, order.id)
    before = (await purchases(ground, world.shop.guide))[0]

    await night(ground, world)

    [found] = await purchases(ground, world.shop.guide)
    days = [clock.store_day(first + timedelta(days=number), world.shop.store.time_zone) for number in (0, 10, 40, 100)]
    today = clock.store_day(clock.now(), world.shop.store.time_zone).isoformat()
    assert found == {
        "orders": 2,
        "purchaseDays": 2,
        "gross": 39_800,
        "refunds": 5_000,
        "net": 34_800,
        "netLast12Months": 34_800,
        "firstDay": days[0].isoformat(),
        "lastDay": days[1].isoformat(),
        "medianGapDays": 10.0,
        "churnBand": "ACTIVE",
        "atRiskFrom": days[2].isoformat(),
        "lapsedFrom": days[3].isoformat(),
        "recencyScore": 1,
        "frequencyScore": 1,
        "monetaryScore": 1,
        "churnRisk": "LOW",
        "valueAtRiskScore": 1,
        "scoredOn": today,
        "asOf": today,
    }
    scored = ("recencyScore", "frequencyScore", "monetaryScore", "churnRisk", "valueAtRiskScore", "scoredOn")
    unscored = dict.fromkeys(scored)
    assert before == found | unscored


async def test_who_may_not_read_orders_and_who_bought_nothing_have_none(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    assert await purchases(ground, world.shop.guide) == [None]
    await place(ground, world, customer)

    for actor, is_shown in (
        (world.shop.guide, True),
        (world.shop.manager, True),
        (world.hq, True),
        (till(world, "customers:read"), False),
        (till(world, "customers:read", "orders:read"), True),
    ):
        assert [found is not None for found in await purchases(ground, actor)] == [is_shown]
    assert await purchases(ground, world.shops[1].guide) == []


async def test_one_profile_and_three_take_the_same_number_of_statements(ground: Ground) -> None:
    world = await build_world(ground)
    for _ in range(3):
        await place(ground, world, await build_customer(ground, world.shop.guide))

    counts = []
    for first in (1, 3):
        with statements(ground) as sent:
            found = await purchases(ground, world.shop.guide, first)
        assert len([profile for profile in found if profile]) == first
        counts.append(len(sent))

    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("given", "kept"), [(" 雾蓝 M ", "雾蓝 M"), ("  ", None), (None, None), ("码" * 100, "码" * 100)]
)
async def test_a_line_keeps_size_and_colour_in_the_sources_words(
    ground: Ground, given: str | None, kept: str | None
) -> None:
    world = await build_world(ground)
    lines = [{"productCode": "P1", "name": "羊绒衫", "quantity": 1, "amount": 19_900, "variant": given}]

    await ask(ground, till(world), RECORD, input=order_input(world, lines=lines))

    [edge] = (await ask(ground, world.hq, VARIANTS))["orders"]["edges"]
    assert edge["node"]["lines"] == [{"variant": kept}]


async def test_size_and_colour_that_are_too_long_are_refused_and_nothing_is_kept(ground: Ground) -> None:
    world = await build_world(ground)
    lines = [{"productCode": "P1", "name": "羊绒衫", "quantity": 1, "amount": 19_900, "variant": "码" * 101}]

    answer = await ask(ground, till(world), RECORD, input=order_input(world, lines=lines))

    assert answer["recordOrder"]["code"] == "INVALID"
    assert (await ask(ground, world.hq, VARIANTS))["orders"]["edges"] == []
