"""Old opens of links become one row a day, and no figure shows it."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlmodel import col

import mall.commands.folding
from directory.models import Store
from kernel import clock
from kernel.actor import system
from kernel.work import Ground, unit_of_work
from mall.commands.folding import KEPT_SINGLY, fold_opens
from mall.models import Share, ShareKey, ShareOpen
from mall.models.credit_rules import MOST_DAYS
from mall.queries import share_figures
from server import worker
from tests.factories import NOON, World, build_world
from tests.mall.earning import build_share
from tests.mall.test_share_figures import figures

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = NOON + KEPT_SINGLY + 2 * DAY
# Noon in Shanghai: the second of these is of the next day there, and of the same day in UTC.
OLD = [NOON, NOON + 13 * HOUR, NOON + 14 * HOUR, NOON + HOUR]
FRESH = [LATER - KEPT_SINGLY, LATER - DAY]


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


async def fold(ground: Ground, world: World, at: datetime = LATER) -> bool:
    async with unit_of_work(ground, system(world.brand.id)) as work:
        return await fold_opens(work, at)


async def opens(ground: Ground, share: Share) -> list[tuple[datetime, int | None]]:
    async with ground.db.read() as session:
        found = await session.execute(
            select(col(ShareOpen.opened_at), col(ShareOpen.stands_for))
            .where(col(ShareOpen.brand_id) == share.brand_id, col(ShareOpen.share_id) == share.id)
            .order_by(col(ShareOpen.opened_at))
        )
        return [(at, stands_for) for at, stands_for in found]


async def shown(ground: Ground, world: World, share: Share) -> Any:
    """Each day's figures, and those of all time."""
    days = [NOON.date() + turn * DAY for turn in range(-1, 3)]
    by_day = [await figures(ground, world.hq, ShareKey.GUIDE, day, day) for day in days]
    async with ground.db.read() as session:
        return by_day, (await share_figures.totals(session, world.hq, [share.id]))[share.id]


async def test_opens_of_a_day_become_one_and_figures_stay(ground: Ground, world: World) -> None:
    share = await build_share(ground, world.shop.guide, NOON - DAY, *OLD, *FRESH)
    other = await build_share(ground, world.shop.other_guide, NOON - DAY, NOON)
    before = await shown(ground, world, share)

    more = await fold(ground, world)

    assert not more
    assert await opens(ground, share) == [
        (NOON + HOUR, 2),
        (NOON + 14 * HOUR, 2),
        *((at, None) for at in FRESH),
    ]
    assert await opens(ground, other) == [(NOON, 1)]
    assert await shown(ground, world, share) == before
    assert [sum(row[1] for row in day.values()) for day in before[0]] == [0, 3, 2, 1]
    assert before[1].opens == len(OLD) + len(FRESH)


async def test_days_are_those_of_the_links_store(ground: Ground, world: World) -> None:
    async with ground.db.write() as session:
        await session.execute(
            update(Store).where(col(Store.brand_id) == world.brand.id).values(time_zone="Europe/London")
        )
    share = await build_share(ground, world.shop.guide, NOON - DAY, *OLD)

    await fold(ground, world)

    assert await opens(ground, share) == [(NOON + 14 * HOUR, 4)]


async def test_a_second_time_there_is_nothing_left_to_fold(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In steps that cut a day in two: it is two rows then, and its figure is the same."""
    monkeypatch.setattr(mall.commands.folding, "AT_A_TIME", 3)
    share = await build_share(ground, world.shop.guide, NOON - DAY, *OLD)
    before = await shown(ground, world, share)

    more = [await fold(ground, world) for _ in range(3)]
    once = await opens(ground, share)
    await fold(ground, world, LATER + DAY)

    assert more == [True, False, False]
    assert once == await opens(ground, share) == [(NOON + HOUR, 2), (NOON + 13 * HOUR, 1), (NOON + 14 * HOUR, 1)]
    assert await shown(ground, world, share) == before


async def test_two_who_fold_at_once_count_nothing_twice(ground: Ground, world: World) -> None:
    share = await build_share(ground, world.shop.guide, NOON - DAY, *OLD)
    before = await shown(ground, world, share)

    await asyncio.gather(*(fold(ground, world) for _ in range(3)))

    assert await shown(ground, world, share) == before
    assert len(await opens(ground, share)) == 2


async def test_another_brands_opens_are_left_alone(ground: Ground, world: World) -> None:
    theirs = await build_world(ground, "other")
    share = await build_share(ground, theirs.shop.guide, NOON - DAY, *OLD)

    await fold(ground, world)

    assert len(await opens(ground, share)) == len(OLD)


async def test_housekeeping_folds_what_no_rule_looks_at(ground: Ground, world: World) -> None:
    now = clock.now()
    old, looked_at = now - KEPT_SINGLY - DAY, now - timedelta(days=MOST_DAYS)
    share = await build_share(ground, world.shop.guide, old - DAY, old, looked_at)

    await worker.keep_house(ground)

    assert await opens(ground, share) == [(old, 1), (looked_at, None)]
