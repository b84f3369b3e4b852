"""What came of links: made, opened and sold through, by the stores' days, and only in sight."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlmodel import col

from directory.models import Store
from kernel import clock, ids
from kernel.actor import Actor
from kernel.errors import Invalid
from kernel.pages import Page
from kernel.work import Ground, unit_of_work
from mall import commands
from mall.models import OrderState, Share, ShareKey, ShareOpen
from mall.queries import share_figures
from mall.queries.shares import Filter
from tests.factories import NOON, World, build_world, save
from tests.mall.sharing import build_page_share, build_product, build_share
from tests.mall.trading import place, refund, till
from tests.statements import statements

DAY = NOON.date()
Figures = tuple[int, int, int, int]


async def share_at(ground: Ground, actor: Actor, product: Any, at: datetime = NOON) -> Share:
    with clock.stopped_at(at):
        return await build_share(ground, actor, product)


async def open_at(ground: Ground, share: Share, *times: datetime) -> None:
    await save(
        ground,
        *(ShareOpen(brand_id=share.brand_id, id=ids.new(), share_id=share.id, opened_at=at) for at in times),
    )


async def sell(ground: Ground, world: World, share: Share, amount: int, **values: Any) -> Any:
    usual: dict[str, Any] = {"placed_at": NOON, "share_code": share.code}
    with clock.stopped_at(NOON + timedelta(days=2)):
        return await place(ground, world, amount=amount, **usual | values)


async def figures(
    ground: Ground, actor: Actor, by: ShareKey, first: date = DAY, last: date = DAY, **narrowed: Any
) -> dict[UUID, Figures]:
    async with ground.db.read() as session:
        rows = await share_figures.page(
            session, actor, Page(50), by, share_figures.Period(first, last), Filter(**narrowed)
        )
    return {row.key: (row.links, row.opens, row.orders, row.gross) for row in rows}


async def test_links_opens_and_orders_are_counted_by_guide_product_store_and_link(ground: Ground) -> None:
    world = await build_world(ground)
    guide, other, manager = world.shop.guide, world.shop.other_guide, world.shop.manager
    scarf, coat = await build_product(ground, world, "围巾"), await build_product(ground, world, "大衣")
    first, second = await share_at(ground, guide, scarf), await share_at(ground, guide, coat)
    third = await share_at(ground, other, coat)
    with clock.stopped_at(NOON):
        page = await build_page_share(ground, manager)
    await open_at(ground, first, NOON, NOON)
    await open_at(ground, third, NOON)
    await sell(ground, world, first, 10_000)
    await sell(ground, world, first, 5_000, state=OrderState.COMPLETED)
    await sell(ground, world, page, 700)

    assert await figures(ground, world.hq, ShareKey.GUIDE) == {
        guide.account_ids[0]: (2, 2, 2, 15_000),
        world.shop.public.id: (1, 0, 1, 700),
        other.account_ids[0]: (1, 1, 0, 0),
    }
    assert await figures(ground, world.hq, ShareKey.PRODUCT) == {scarf.id: (1, 2, 2, 15_000), coat.id: (2, 1, 0, 0)}
    assert await figures(ground, world.hq, ShareKey.STORE) == {world.shop.store.id: (4, 3, 3, 15_700)}
    assert await figures(ground, world.hq, ShareKey.SHARE) == {
        first.id: (1, 2, 2, 15_000),
        page.id: (1, 0, 1, 700),
        third.id: (1, 1, 0, 0),
        second.id: (1, 0, 0, 0),
    }
    assert await figures(ground, world.hq, ShareKey.SHARE, product_id=coat.id) == {
        third.id: (1, 1, 0, 0),
        second.id: (1, 0, 0, 0),
    }


async def test_only_orders_that_are_paid_for_and_not_taken_back_count(ground: Ground) -> None:
    world = await build_world(ground)
    share = await share_at(ground, world.shop.guide, await build_product(ground, world))
    paid = await sell(ground, world, share, 1_000)
    await sell(ground, world, share, 20_000, state=OrderState.CANCELLED, paid_at=NOON)
    await sell(ground, world, share, 300_000, state=OrderState.PENDING)
    await sell(ground, world, share, 4_000_000, share_code=None)
    await refund(ground, world, paid.id, amount=400)

    assert await figures(ground, world.hq, ShareKey.SHARE) == {share.id: (1, 0, 1, 1_000)}
    async with ground.db.read() as session:
        told = await share_figures.totals(session, world.hq, [share.id])
    assert told == {share.id: (0, 1, 1_000)}


async def test_days_are_those_of_each_stores_calendar(ground: Ground) -> None:
    world = await build_world(ground)
    async with ground.db.write() as session:
        await session.execute(
            update(Store)
            .where(col(Store.brand_id) == world.brand.id, col(Store.id) == world.shops[1].store.id)
            .values(time_zone="America/New_York")
        )
    product = await build_product(ground, world)
    midnight = clock.day_bounds(DAY, "Asia/Shanghai")[0]
    second = timedelta(seconds=1)
    here = await share_at(ground, world.shop.guide, product, midnight - second)
    there = await share_at(ground, world.shops[1].guide, product, midnight - second)
    for share in (here, there):
        await open_at(ground, share, midnight - second, midnight, midnight + timedelta(hours=24) - second)
        await open_at(ground, share, midnight + timedelta(hours=24))

    assert await figures(ground, world.hq, ShareKey.SHARE) == {here.id: (0, 2, 0, 0), there.id: (0, 2, 0, 0)}
    before = DAY - timedelta(days=1)
    assert await figures(ground, world.hq, ShareKey.SHARE, before, before) == {
        here.id: (1, 1, 0, 0),
        there.id: (1, 2, 0, 0),
    }


async def test_figures_of_a_day_on_which_clocks_change_miss_no_hour(ground: Ground) -> None:
    world = await build_world(ground)
    async with ground.db.write() as session:
        await session.execute(
            update(Store)
            .where(col(Store.brand_id) == world.brand.id, col(Store.id) == world.shop.store.id)
            .values(time_zone="Europe/London")
        )
    long = date(2026, 10, 25)
    start, end = clock.day_bounds(long, "Europe/London")
    share = await share_at(ground, world.shop.guide, await build_product(ground, world))
    hours = [start + timedelta(minutes=30 + 60 * number) for number in range(-1, 26)]
    await open_at(ground, share, *hours)

    assert end - start == timedelta(hours=25)
    assert await figures(ground, world.hq, ShareKey.SHARE, long, long) == {share.id: (0, 25, 0, 0)}


async def test_each_sees_the_figures_of_the_links_in_sight(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    product = await build_product(ground, world)
    makers = [world.shop.guide, world.shop.other_guide, world.shops[1].guide, world.shops[2].guide]
    made = [await share_at(ground, maker, product) for maker in makers]
    for share in made:
        await open_at(ground, share, NOON)
        await sell(ground, world, share, 100)
    ids_of = [share.id for share in made]

    async def seen(actor: Actor) -> set[UUID]:
        found = await figures(ground, actor, ShareKey.SHARE)
        async with ground.db.read() as session:
            told = await share_figures.totals(session, actor, ids_of)
        assert set(found.values()) <= {(1, 1, 1, 100)}
        assert set(told.values()) <= {(1, 1, 100)}
        assert set(told) == set(found)
        return set(found)

    assert await seen(world.shop.guide) == set(ids_of[:1])
    assert await seen(world.shop.manager) == set(ids_of[:2])
    assert await seen(world.east_manager) == set(ids_of[:3])
    assert await seen(world.hq) == await seen(till(world)) == set(ids_of)
    assert await seen(till(world, "products:write")) == await seen(other.hq) == set()


async def test_pages_come_in_order_and_meet_no_row_twice(ground: Ground) -> None:
    world = await build_world(ground)
    product = await build_product(ground, world)
    made = [await share_at(ground, world.shop.guide, product) for _ in range(7)]
    for share, amount in zip(made, (500, 0, 500, 900, 0, 0, 100), strict=True):
        if amount:
            await sell(ground, world, share, amount)
    await open_at(ground, made[4], NOON)
    await open_at(ground, made[2], NOON)
    period = share_figures.Period(DAY, DAY)

    met: list[Any] = []
    while True:
        after = [met[-1].gross, met[-1].opens, str(met[-1].key)] if met else None
        async with ground.db.read() as session:
            rows = await share_figures.page(session, world.hq, Page(2, after), ShareKey.SHARE, period)
        met += rows[:2]
        if len(rows) < 3:
            break

    assert [row.key for row in met[:5]] == [made[3].id, made[2].id, made[0].id, made[6].id, made[4].id]
    assert {row.key for row in met[5:]} == {made[1].id, made[5].id}
    assert len(met) == 7


async def test_figures_are_two_statements_however_many_links(ground: Ground) -> None:
    world = await build_world(ground)
    product = await build_product(ground, world)
    taken = []
    for many in (1, 2):
        for _ in range(many):
            await open_at(ground, await share_at(ground, world.shop.guide, product), NOON)
        with statements(ground) as sent:
            rows = len(await figures(ground, world.hq, ShareKey.SHARE))
        taken.append((rows, len(sent)))

    assert taken == [(1, 2), (3, 2)]


async def test_what_came_of_an_ended_link_stays(ground: Ground) -> None:
    world = await build_world(ground)
    share = await share_at(ground, world.shop.guide, await build_product(ground, world))
    await open_at(ground, share, NOON)
    with clock.stopped_at(NOON):
        async with unit_of_work(ground, world.shop.guide) as work:
            await commands.end_share(work, share.id)

    assert await figures(ground, world.hq, ShareKey.GUIDE) == {share.account_id: (1, 1, 0, 0)}


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2026, 3, 2), date(2026, 3, 1)),
        (date(2026, 1, 1), date(2027, 1, 2)),
        (date.min, date.min),
        (date.max, date.max),
        (date.min, date.max),
    ],
)
def test_other_periods_are_refused(first: date, last: date) -> None:
    with pytest.raises(Invalid):
        share_figures.Period(first, last)


def test_a_leap_year_is_a_period() -> None:
    assert share_figures.Period(date(2028, 1, 1), date(2028, 12, 31)).first == date(2028, 1, 1)
