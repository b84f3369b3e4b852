"""Whatever was bought, wherever: the views of customers say what plain Python says of the same history."""

from collections.abc import Sequence
from dataclasses import astuple
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.actor import Actor, system
from kernel.pages import Page
from kernel.work import Ground, unit_of_work
from kpi.models import Grain
from kpi.models.months import Months
from kpi.queries import scoping
from kpi.queries.customer_views import concentration, flow, pyramid, rhythm
from kpi.queries.customer_views.purchases import Reach, reach
from kpi.queries.customer_views.pyramid import Letter, Wanted, Worth
from kpi.queries.scoping import Asked
from mall.commands import profiles
from tests.factories import World, build_world
from tests.kpi import customer_views_by_hand as oracle
from tests.kpi.customer_histories import BEGIN, BOTH, DEALS, Deal, Story, tell
from tests.kpi.customer_views_by_hand import Mine

FIRST, LAST = BEGIN - timedelta(days=40), BEGIN + timedelta(days=420)
MONTHS = [(2023, 12), *((2024, month) for month in range(1, 13)), (2025, 1), (2025, 2), (2025, 3)]
TODAY = BEGIN + timedelta(days=400)


def scopes(world: World) -> dict[str, tuple[Actor, Asked, Mine[Deal], Any]]:
    """Who asks what, which deals that is, and what of each."""
    guide = world.shop.guide

    def mine(deal: Deal) -> bool:
        return deal.store == 0 and deal.earner in (0, BOTH)

    def part(deal: Deal) -> int:
        return deal.part_of(0)

    def whole(deal: Deal) -> int:
        return deal.exact

    return {
        "brand": (world.hq, Asked(), lambda _deal: True, whole),
        "region": (world.hq, Asked(region_id=world.regions["east"].id), lambda deal: deal.store < 2, whole),
        "region's manager": (world.east_manager, Asked(), lambda deal: deal.store < 2, whole),
        "store": (world.shop.manager, Asked(), lambda deal: deal.store == 0, whole),
        "guide": (guide, Asked(), mine, part),
        "colleague": (
            world.shop.other_guide,
            Asked(),
            lambda deal: deal.store == 0 and deal.earner in (1, BOTH),
            lambda deal: deal.part_of(1),
        ),
        "guide, by their manager": (world.shop.manager, Asked(staff_id=guide.staff_id), mine, part),
    }


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(deals=st.lists(DEALS, max_size=40), on=st.integers(-1, 420), is_counted=st.booleans())
async def test_views_are_what_the_history_amounts_to(
    ground: Ground, deals: list[Deal], on: int, is_counted: bool
) -> None:
    world = await build_world(ground, uuid4().hex[:12])
    story = await tell(ground, world, deals)
    if is_counted:
        async with unit_of_work(ground, system(world.brand.id)) as work:
            await profiles.refresh_due(work, TODAY)

    for name, (actor, asked, mine, worth) in scopes(world).items():
        async with ground.db.read() as session:
            scope = await scoping.scope(session, actor, asked, Grain.STORE)
            day = BEGIN + timedelta(days=on)
            assert await in_time(session, scope, day) == in_time_on_paper(deals, mine, day), name
            assert await weighed(session, scope, story, day) == weighed_on_paper(deals, mine, worth, day), name


async def in_time(session: AsyncSession, scope: scoping.Scope, on: date) -> list[Any]:
    months = Months(date(*MONTHS[0], 3), date(*MONTHS[-1], 1))
    found, gaps = await rhythm.repeat(session, scope, on), await rhythm.gaps(session, scope, on)
    return [
        [astuple(row) for row in await flow.monthly(session, scope, months)],
        {row.month: row.active for row in await flow.cohorts(session, scope, months)},
        [astuple(each) for each in (await rhythm.lapsed(session, scope, on)).lapses],
        (found.customers, found.with_two_orders, found.with_two_days),
        [astuple(each) for each in (gaps.pooled, gaps.customer_medians)],
    ]


def in_time_on_paper(deals: Sequence[Deal], mine: Mine[Deal], on: date) -> list[Any]:
    return [
        oracle.flow(deals, mine, MONTHS),
        oracle.cohorts(deals, mine, MONTHS),
        oracle.lapsed(deals, mine, on),
        oracle.repeat(deals, mine, on),
        oracle.gaps(deals, mine, on),
    ]


async def weighed(session: AsyncSession, scope: scoping.Scope, story: Story, on: date) -> list[Any]:
    seen = await reach(session, scope, on)
    found: list[Any] = []
    for worth in Worth:
        for from_day in (None, BEGIN + timedelta(days=20)):
            wanted = Wanted(worth, from_day)
            whole = await pyramid.pyramid(session, scope, seen, wanted)
            found.append([(group.letter.value, group.customers, group.amount) for group in whole.groups])
            found.append((whole.amount, whole.cut_a_b, whole.cut_b_c))
            # The product itself sees all of them.
            listed = [await _all(session, scope, seen, wanted, letter) for letter in Letter]
            found.append([[story.customers.index(row.customer_id) for row in rows] for rows in listed])
    return found


def amount_of(worth: Any, is_net: bool, deal: Deal) -> int:
    return int(worth(deal)) if is_net or not deal.is_refund else 0


async def _all(
    session: AsyncSession, scope: scoping.Scope, seen: Reach, wanted: Wanted, letter: Letter
) -> list[pyramid.Ranked]:
    """All pages of two."""
    actor = system(scope.brand_id)
    rows: list[pyramid.Ranked] = []
    while True:
        page = await pyramid.customers(session, actor, scope, seen, wanted, letter, _behind(rows))
        rows += page[:2]
        if len(page) <= 2:
            return rows


def _behind(rows: Sequence[pyramid.Ranked]) -> Page:
    return Page(2, rows[-1].place if rows else None)


def weighed_on_paper(deals: Sequence[Deal], mine: Mine[Deal], worth: Any, on: date) -> list[Any]:
    found: list[Any] = []
    for is_net in (False, True):
        for first in (date.min, BEGIN + timedelta(days=20)):
            ranked = oracle.ranked(deals, mine, partial(amount_of, worth, is_net), first, on)
            groups = oracle.letters(ranked)
            found.append(
                [(name, len(each), oracle.minor(sum(amount for _, amount in each))) for name, each in groups.items()]
            )
            half = groups["A"] + groups["B"]
            cuts = [oracle.minor(each[-1][1]) if each else None for each in (groups["A"], half)]
            found.append((oracle.minor(sum(amount for _, amount in ranked)), *cuts))
            found.append([[customer for customer, _ in each] for each in groups.values()])
    return found


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(deals=st.lists(DEALS, max_size=40))
async def test_what_hangs_on_a_guide_is_what_their_customers_brought(ground: Ground, deals: list[Deal]) -> None:
    world = await build_world(ground, uuid4().hex[:12])
    await tell(ground, world, deals)
    shops = enumerate(world.shops)
    guides = {guide.staff_id: (number, place) for number, shop in shops for place, guide in enumerate(shop.guides)}

    for name in ("brand", "region's manager", "store"):
        actor, asked, mine, _ = scopes(world)[name]
        async with ground.db.read() as session:
            scope = await scoping.scope(session, actor, asked, Grain.STORE)
            found = await concentration.concentration(session, scope, await reach(session, scope, TODAY), Page(100))

        net, each = oracle.concentration(deals, mine, date(TODAY.year - 1, TODAY.month, TODAY.day), TODAY)
        above = [held for held, _, _ in each.values() if held > 0]
        assert (found.net, found.guides) == (oracle.minor(net), len(each)), name
        assert {guides[row.staff_id]: (row.net, row.customers, row.a_customers) for row in found.rows} == {
            key: (oracle.minor(held), *rest) for key, (held, *rest) in each.items()
        }, name
        assert [row.net for row in found.rows] == sorted((row.net for row in found.rows), reverse=True)
        assert found.herfindahl == (pytest.approx(sum((held / sum(above)) ** 2 for held in above)) if above else None)
        for row in found.rows:
            held = each[guides[row.staff_id]][0]
            assert row.share == (pytest.approx(held / net) if net > 0 else None)
            assert row.at_stake == round(max(0, row.net) * 0.154)
            assert (row.at_stake_low, row.at_stake_high) == (
                round(max(0, row.net) * 0.132),
                round(max(0, row.net) * 0.176),
            )
