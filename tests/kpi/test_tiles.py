"""The tiles of a workbench equal what somebody would count by hand."""

import random
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlmodel import SQLModel, col

from customers.models import Relationship
from directory.models import Store
from kernel import clock, ids
from kernel.actor import Actor, Role
from kernel.work import Ground, unit_of_work
from kpi.queries import tiles
from kpi.queries.tiles import Figures, Tiles
from mall import commands
from mall.models import COUNTED_STATES, Credit, Order, OrderState, Refund, RefundCharge
from tasks.models import Task, TaskState
from tests.factories import World, build_customer, build_task, build_world
from tests.mall.trading import place, refund
from tests.statements import statements

NOW = datetime(2026, 3, 31, 15, 30, tzinfo=UTC)  # 31 March in Shanghai and New York, but 1 April in Tokyo
ZONES = ("Asia/Shanghai", "Asia/Tokyo", "America/New_York")


async def everything(ground: Ground, world: World, model: type[SQLModel]) -> list[Any]:
    table: Any = model
    async with ground.db.read() as session:
        return list(await session.scalars(select(model).where(col(table.brand_id) == world.brand.id)))


async def by_hand(ground: Ground, world: World, actor: Actor) -> Tiles:
    """The tiles, counted row by row in Python."""
    stores = {store.id: store for store in await everything(ground, world, Store)}
    regions = {region.id: region.path for region in world.regions.values()}

    def today(store_id: Any) -> date:
        return clock.now().astimezone(ZoneInfo(stores[store_id].time_zone)).date()

    def in_sight(store_id: Any) -> bool:
        match actor.role:
            case Role.HQ:
                return True
            case Role.REGIONAL_MANAGER:
                return regions[stores[store_id].region_id].startswith(actor.region_path or "?")
            case _:
                return bool(store_id == actor.store_id)

    guide = actor.role is Role.GUIDE
    credits = {credit.order_id: credit.account_id for credit in await everything(ground, world, Credit)}
    orders = [
        row
        for row in await everything(ground, world, Order)
        if row.state in COUNTED_STATES
        and (credits.get(row.id) in actor.account_ids if guide else in_sight(row.store_id))
    ]
    charged = {charge.refund_id: charge.account_id for charge in await everything(ground, world, RefundCharge)}
    refunds = [
        row
        for row in await everything(ground, world, Refund)
        if (charged[row.id] in actor.account_ids if guide else in_sight(row.store_id))
    ]
    tasks = [
        row
        for row in await everything(ground, world, Task)
        if (row.account_id in actor.account_ids if guide else in_sight(row.store_id))
    ]
    held = [
        row
        for row in await everything(ground, world, Relationship)
        if (row.holder_id in actor.account_ids if guide else in_sight(row.store_id))
    ]

    def figures(month: bool) -> Figures:
        def counts(row: Any) -> bool:
            now = today(row.store_id)
            day = row.placed_at.astimezone(ZoneInfo(stores[row.store_id].time_zone)).date()
            return day <= now and (day.year, day.month) == (now.year, now.month) if month else day == now

        sold = [row.amount for row in orders if counts(row)]
        return Figures(len(sold), sum(sold), sum(row.amount for row in refunds if counts(row)))

    def local_day(moment: datetime, row: Any) -> date:
        return moment.astimezone(ZoneInfo(stores[row.store_id].time_zone)).date()

    pending = [row for row in tasks if row.state is TaskState.PENDING]
    return Tiles(
        currency="CNY",
        today=figures(month=False),
        month=figures(month=True),
        open_tasks=len(pending),
        tasks_due_today=sum(local_day(row.due_at, row) <= today(row.store_id) for row in pending),
        tasks_done_today=sum(
            row.state is TaskState.DONE and local_day(row.closed_at, row) == today(row.store_id) for row in tasks
        ),
        customers_held=len(held),
    )


async def trade(ground: Ground, world: World, seed: int) -> None:
    """Two months of business in all the brand's shops, with days that begin at different times."""
    dice = random.Random(seed)
    holders = [actor for shop in world.shops for actor in (*shop.guides, shop.manager)]
    customers = [await build_customer(ground, dice.choice(holders)) for _ in range(12)]
    for _ in range(60):
        shop = dice.choice(world.shops)
        order = await place(
            ground,
            world,
            dice.choice([*customers, None]),
            store_id=shop.store.id,
            amount=dice.randrange(1, 100_000),
            placed_at=clock.now() - _ago(dice),
            state=dice.choice(list(OrderState)),
        )
        if order.state in COUNTED_STATES and dice.random() < 0.4:
            given_at = clock.now() - _ago(dice)
            await refund(ground, world, order.id, amount=dice.randrange(1, order.amount + 1), placed_at=given_at)
        if dice.random() < 0.2:
            customer = dice.choice([*customers, None])
            await refund(
                ground,
                world,
                store_id=shop.store.id,
                customer_id=customer.id if customer else None,
                placed_at=clock.now() - _ago(dice),
            )
    for _ in range(60):
        state = dice.choice(list(TaskState))
        await build_task(
            ground,
            dice.choice(holders),
            due_at=clock.now() + timedelta(minutes=dice.randrange(-2000, 2000)),
            state=state,
            closed_at=None if state is TaskState.PENDING else clock.now() - timedelta(minutes=dice.randrange(2000)),
        )


def _ago(dice: random.Random) -> timedelta:
    """Mostly around the last midnights, now and then up to two months."""
    return timedelta(minutes=dice.choice([dice.randrange(3000), dice.randrange(90_000)]))


async def set_zones(ground: Ground, world: World, zones: Iterable[str]) -> None:
    async with ground.db.write() as session:
        for shop, zone in zip(world.shops, zones, strict=True):
            (await session.merge(shop.store)).time_zone = zone


@pytest.mark.parametrize("zones", [ZONES, ("Asia/Shanghai",) * 3], ids=["three time zones", "one"])
async def test_everybodys_tiles_equal_a_count_by_hand(ground: Ground, zones: tuple[str, ...]) -> None:
    with clock.stopped_at(NOW):
        world = await build_world(ground)
        await set_zones(ground, world, zones)
        other = await build_world(ground, "other")
        await trade(ground, world, seed=1)
        await place(ground, other)
        people = [world.hq, world.east_manager, *(who for shop in world.shops for who in (*shop.guides, shop.manager))]

        all_shown = []
        for actor in people:
            async with ground.db.read() as session:
                with statements(ground) as sent:
                    shown = await tiles.tiles(session, actor)
            assert shown == await by_hand(ground, world, actor)
            assert len(sent) == 2
            all_shown.append(shown)
    assert all_shown[0].today.orders
    assert sum(bool(shown.month.orders and shown.month.refunds and shown.tasks_done_today) for shown in all_shown) >= 5


async def test_a_day_that_has_begun_in_one_store_has_not_in_another(ground: Ground) -> None:
    with clock.stopped_at(NOW):
        world = await build_world(ground)
        await set_zones(ground, world, ZONES)
        for shop in world.shops:
            await place(ground, world, store_id=shop.store.id, amount=100, placed_at=NOW - timedelta(minutes=31))

        async with ground.db.read() as session:
            hq = await tiles.tiles(session, world.hq)
            tokyo = await tiles.tiles(session, world.shops[1].manager)

    assert hq.today == Figures(2, 200, 0)
    assert tokyo.month == tokyo.today == Figures(0, 0, 0)


async def test_who_has_no_account_and_no_store_has_empty_tiles(ground: Ground) -> None:
    world = await build_world(ground)
    await place(ground, world)
    newcomer = Actor(brand_id=world.brand.id, id=ids.new(), role=Role.GUIDE)

    async with ground.db.read() as session:
        shown = await tiles.tiles(session, newcomer)

    assert shown == Tiles("CNY", Figures(0, 0, 0), Figures(0, 0, 0), 0, 0, 0, 0)


async def test_a_cancelled_order_leaves_the_tiles(ground: Ground) -> None:
    world = await build_world(ground)
    order = await place(ground, world, placed_at=clock.now())
    async with ground.db.read() as session:
        before = await tiles.tiles(session, world.shop.manager)
    async with unit_of_work(ground, world.shop.manager) as work:
        await commands.cancel_order(work, order.id)

    async with ground.db.read() as session:
        after = await tiles.tiles(session, world.shop.manager)

    assert before.today == Figures(1, 19_900, 0)
    assert after.today == Figures(0, 0, 0)


def test_the_average_basket_is_rounded_half_up_and_none_without_orders() -> None:
    assert Figures(0, 0, 5).average_basket is None
    assert Figures(3, 10, 0).average_basket == 3
    assert Figures(2, 5, 0).average_basket == 3
    assert Figures(2, 5, 9).net == -4
