"""Orders move on from paid to shipped to completed, or are cancelled, and never back."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from kernel import feed
from kernel.actor import Actor
from kernel.errors import Forbidden, NotFound, StaleVersion
from kernel.work import Ground, unit_of_work
from mall import commands
from mall.errors import OrderMovedOn, OrderRefunded
from mall.models import Order, OrderState
from tests.factories import build_customer, build_world, reload, said
from tests.mall.trading import place, refund, till

Step = Callable[..., Awaitable[Order]]


async def go(ground: Ground, actor: Actor, step: Step, order: Order, **values: Any) -> Order:
    async with unit_of_work(ground, actor) as work:
        return await step(work, order.id, **values)


async def test_the_guide_who_serves_it_ships_and_completes_an_order(ground: Ground) -> None:
    world = await build_world(ground)
    order = await place(ground, world, await build_customer(ground, world.shop.guide))

    await go(ground, world.shop.guide, commands.ship_order, order, expected_version=1)
    await go(ground, world.shop.guide, commands.complete_order, order, expected_version=2)

    kept = await reload(ground, order)
    assert (kept.state, kept.version) == (OrderState.COMPLETED, 3)
    assert await said(ground, feed.of_staff(world.shop.guide.id)) == [("put", "order", order.id)] * 3
    assert await said(ground, feed.of_desk(world.shop.store.id)) == [("put", "order", order.id)] * 3


@pytest.mark.parametrize(
    ("at", "step"),
    [
        (OrderState.SHIPPED, commands.ship_order),
        (OrderState.COMPLETED, commands.ship_order),
        (OrderState.COMPLETED, commands.complete_order),
        (OrderState.COMPLETED, commands.cancel_order),
        (OrderState.CANCELLED, commands.ship_order),
        (OrderState.CANCELLED, commands.complete_order),
        (OrderState.CANCELLED, commands.cancel_order),
    ],
)
async def test_an_order_never_goes_back(ground: Ground, at: OrderState, step: Step) -> None:
    world = await build_world(ground)
    order = await place(ground, world, state=at)

    with pytest.raises(OrderMovedOn):
        await go(ground, world.shop.manager, step, order)

    assert (await reload(ground, order)).version == 1
    assert await said(ground, feed.of_desk(world.shop.store.id)) == [("put", "order", order.id)]


@pytest.mark.parametrize("at", [OrderState.PAID, OrderState.SHIPPED])
async def test_the_stores_manager_and_the_till_cancel_an_open_order_and_guides_do_not(
    ground: Ground, at: OrderState
) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    first, second = [await place(ground, world, customer, state=at) for _ in range(2)]

    with pytest.raises(Forbidden):
        await go(ground, world.shop.guide, commands.cancel_order, first)
    await go(ground, world.shop.manager, commands.cancel_order, first)
    await go(ground, till(world), commands.cancel_order, second)

    assert [(await reload(ground, order)).state for order in (first, second)] == [OrderState.CANCELLED] * 2


async def test_an_order_with_a_refund_is_not_cancelled(ground: Ground) -> None:
    world = await build_world(ground)
    order = await place(ground, world)
    await refund(ground, world, order.id)

    with pytest.raises(OrderRefunded):
        await go(ground, world.shop.manager, commands.cancel_order, order)

    assert (await reload(ground, order)).state is OrderState.PAID


async def test_an_order_out_of_sight_does_not_exist(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    order = await place(ground, world, await build_customer(ground, world.shop.guide))

    for stranger in (world.shop.other_guide, world.shops[1].manager, other.hq, till(other), till(world, "tasks:read")):
        for step in (commands.ship_order, commands.complete_order, commands.cancel_order):
            with pytest.raises(NotFound):
                await go(ground, stranger, step, order)

    assert (await reload(ground, order)).version == 1


async def test_those_who_only_watch_do_not_move_an_order(ground: Ground) -> None:
    world = await build_world(ground)
    order = await place(ground, world)

    for actor in (world.hq, world.east_manager, till(world, "orders:read")):
        for step in (commands.ship_order, commands.complete_order, commands.cancel_order):
            with pytest.raises(Forbidden):
                await go(ground, actor, step, order)

    assert (await reload(ground, order)).version == 1


async def test_an_order_is_not_moved_on_by_somebody_who_saw_an_older_version(ground: Ground) -> None:
    world = await build_world(ground)
    order = await place(ground, world)

    with pytest.raises(StaleVersion):
        await go(ground, world.shop.manager, commands.ship_order, order, expected_version=2)

    assert (await reload(ground, order)).state is OrderState.PAID


async def test_of_two_who_ship_at_the_same_time_one_is_refused(ground: Ground) -> None:
    world = await build_world(ground)
    order = await place(ground, world)

    answers = await asyncio.gather(
        *(go(ground, world.shop.manager, commands.ship_order, order) for _ in range(2)), return_exceptions=True
    )

    assert sum(isinstance(answer, OrderMovedOn) for answer in answers) == 1
    assert (await reload(ground, order)).version == 2
    assert await said(ground, feed.of_desk(world.shop.store.id)) == [("put", "order", order.id)] * 2
