"""Open orders follow the relationship; the credit stays."""

from sqlalchemy import select
from sqlmodel import col

from kernel import feed
from kernel.actor import system
from kernel.work import Ground, unit_of_work
from mall import commands
from mall.models import Credit, OrderState
from tests.factories import build_customer, build_world, relationship_of, reload, said
from tests.mall.trading import place


async def test_open_orders_are_served_by_the_new_account_and_closed_ones_stay(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    relationship = await relationship_of(ground, customer)
    paid = await place(ground, world, customer)
    shipped = await place(ground, world, customer, state=OrderState.SHIPPED)
    done = await place(ground, world, customer, state=OrderState.COMPLETED)
    elsewhere = await place(ground, world, await build_customer(ground, world.shop.guide))
    old, new = world.shop.guide.account_ids[0], world.shop.other_guide.account_ids[0]
    before = len(await said(ground, feed.of_staff(world.shop.guide.id)))

    async with unit_of_work(ground, system(world.brand.id)) as work:
        moved = await commands.move_serving(work, [relationship.id], new)

    assert moved == 2
    assert [(await reload(ground, order)).serving_account_id for order in (paid, shipped, done, elsewhere)] == [
        new,
        new,
        old,
        old,
    ]
    assert [(await reload(ground, order)).version for order in (paid, done)] == [2, 1]
    async with ground.db.read() as session:
        credit = await session.scalar(
            select(Credit).where(col(Credit.brand_id) == world.brand.id, col(Credit.order_id) == paid.id)
        )
    assert credit
    assert credit.account_id == old
    # Who hears of it is whoever holds the relationship, which has not moved here.
    assert len(await said(ground, feed.of_staff(world.shop.guide.id))) == before + 2


async def test_moving_to_the_present_account_says_nothing(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    order = await place(ground, world, customer)

    async with unit_of_work(ground, system(world.brand.id)) as work:
        moved = await commands.move_serving(
            work, [(await relationship_of(ground, customer)).id], world.shop.guide.account_ids[0]
        )

    assert moved == 0
    assert await said(ground, feed.of_staff(world.shop.guide.id)) == [("put", "order", order.id)]
