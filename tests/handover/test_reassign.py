"""A relationship goes to somebody else of the store with everything that is open."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from customers.errors import AlreadyHeld, HolderUnfit, OtherStore
from customers.models import Customer, Holding, Relationship
from directory.models import Staff, StaffState
from handover import commands
from kernel import feed, ids
from kernel.actor import Actor, system
from kernel.errors import Forbidden, NotFound, StaleVersion
from kernel.work import Ground, unit_of_work
from mall.models import Credit, Order, OrderState
from tasks.models import Task
from tests.factories import Shop, World, build_customer, build_task, build_world, relationship_of, reload, said
from tests.mall.trading import place


class Held:
    """A customer of the first guide's, with a task, an open order and a completed one."""

    def __init__(self, customer: Customer, relationship: Relationship, task: Task, paid: Order, done: Order) -> None:
        self.customer, self.relationship, self.task = customer, relationship, task
        self.paid, self.done = paid, done


async def hold(ground: Ground, world: World) -> Held:
    customer = await build_customer(ground, world.shop.guide)
    relationship = await relationship_of(ground, customer)
    task = await build_task(ground, world.shop.guide, customer)
    paid = await place(ground, world, customer)
    done = await place(ground, world, customer, state=OrderState.COMPLETED)
    return Held(customer, relationship, task, paid, done)


async def reassign(ground: Ground, actor: Actor, held: Held, to: Any, **values: Any) -> Relationship:
    async with unit_of_work(ground, actor) as work:
        return await commands.reassign(work, held.relationship.id, to_account_id=to, **values)


async def since(ground: Ground, feed_id: Any, before: int) -> set[tuple[str, str, Any]]:
    return set((await said(ground, feed_id))[before:])


async def keepers(ground: Ground, held: Held) -> list[Any]:
    """Who holds the relationship, keeps the task, and serves the open and the completed order."""
    relationship, task = await reload(ground, held.relationship), await reload(ground, held.task)
    paid, done = await reload(ground, held.paid), await reload(ground, held.done)
    return [relationship.holder_id, task.account_id, paid.serving_account_id, done.serving_account_id]


async def test_everything_open_goes_along_and_both_phones_hear_of_it(ground: Ground) -> None:
    world = await build_world(ground)
    held = await hold(ground, world)
    old, new = world.shop.guide, world.shop.other_guide
    before = len(await said(ground, feed.of_staff(old.id)))

    await reassign(ground, world.shop.manager, held, new.account_ids[0], expected_version=1)

    assert await keepers(ground, held) == [*[new.account_ids[0]] * 3, old.account_ids[0]]
    assert await since(ground, feed.of_staff(old.id), before) == {
        ("del", "relationship", held.relationship.id),
        ("del", "customer", held.customer.id),
        ("del", "task", held.task.id),
        ("del", "order", held.paid.id),
    }
    assert await since(ground, feed.of_staff(new.id), 0) == {
        ("whole", "relationship", held.relationship.id),
        ("put", "task", held.task.id),
        ("put", "order", held.paid.id),
    }
    async with ground.db.read() as session:
        credit = await session.scalar(
            select(Credit).where(col(Credit.brand_id) == world.brand.id, col(Credit.order_id) == held.paid.id)
        )
        holdings = await session.scalars(
            select(col(Holding.account_id))
            .where(col(Holding.brand_id) == world.brand.id, col(Holding.relationship_id) == held.relationship.id)
            .order_by(col(Holding.from_at))
        )
    assert credit
    assert credit.account_id == old.account_ids[0]
    assert list(holdings) == [old.account_ids[0], new.account_ids[0]]


def _movers(world: World) -> list[Actor]:
    return [world.shop.manager, world.east_manager, world.hq, system(world.brand.id)]


@pytest.mark.parametrize("mover", range(4), ids=["store manager", "regional manager", "hq", "the product"])
async def test_managers_and_the_product_itself_reassign(ground: Ground, mover: int) -> None:
    world = await build_world(ground)
    held = await hold(ground, world)

    await reassign(ground, _movers(world)[mover], held, world.shop.public.id)

    assert (await keepers(ground, held))[:3] == [world.shop.public.id] * 3


async def test_refusals_leave_everything_where_it_is_and_say_nothing(ground: Ground) -> None:
    world = await build_world(ground)
    held = await hold(ground, world)
    shop: Shop = world.shop
    before = await _everything_said(ground, world)
    old, new = shop.guide.account_ids[0], shop.other_guide.account_ids[0]
    cases: list[tuple[Actor, Any, dict[str, Any], type[Exception]]] = [
        (shop.guide, new, {}, Forbidden),
        (shop.other_guide, new, {}, NotFound),
        (world.shops[1].manager, new, {}, NotFound),
        (world.shops[2].manager, new, {}, NotFound),
        (shop.manager, old, {}, AlreadyHeld),
        (shop.manager, ids.new(), {}, NotFound),
        (world.hq, world.shops[1].public.id, {}, OtherStore),
        (shop.manager, new, {"expected_version": 2}, StaleVersion),
    ]

    for actor, to, values, refusal in cases:
        with pytest.raises(refusal):
            await reassign(ground, actor, held, to, **values)
    await _set_state(ground, shop.other_guide, StaffState.LEAVING)
    with pytest.raises(HolderUnfit):
        await reassign(ground, shop.manager, held, new)

    assert await keepers(ground, held) == [old] * 4
    assert await _everything_said(ground, world) == before


async def test_of_two_at_the_same_time_one_follows_the_other_and_nothing_is_left_behind(ground: Ground) -> None:
    world = await build_world(ground)
    held = await hold(ground, world)
    targets = [world.shop.other_guide.account_ids[0], world.shop.public.id]

    answers = await asyncio.gather(
        *(reassign(ground, world.shop.manager, held, to) for to in targets),
        place(ground, world, held.customer),
    )

    relationship = await reload(ground, held.relationship)
    assert relationship.version == 3
    assert (await keepers(ground, held))[:3] == [relationship.holder_id] * 3
    late = answers[2]
    assert isinstance(late, Order)
    assert (await reload(ground, late)).serving_account_id == relationship.holder_id


async def test_of_two_who_saw_one_version_one_is_refused(ground: Ground) -> None:
    world = await build_world(ground)
    held = await hold(ground, world)
    targets = [world.shop.other_guide.account_ids[0], world.shop.public.id]

    answers = await asyncio.gather(
        *(reassign(ground, world.shop.manager, held, to, expected_version=1) for to in targets),
        return_exceptions=True,
    )

    assert sum(isinstance(answer, StaleVersion) for answer in answers) == 1
    relationship = await reload(ground, held.relationship)
    assert relationship.version == 2
    assert (await keepers(ground, held))[:3] == [relationship.holder_id] * 3


async def _everything_said(ground: Ground, world: World) -> list[Any]:
    feeds = [
        feed_id
        for shop in world.shops
        for feed_id in (feed.of_desk(shop.store.id), *(feed.of_staff(guide.id) for guide in shop.guides))
    ]
    return [await said(ground, feed_id) for feed_id in feeds]


async def _set_state(ground: Ground, person: Actor, state: StaffState) -> None:
    async with ground.db.write() as session:
        staff = await session.get(Staff, (person.brand_id, person.id))
        assert staff
        staff.state = state
