"""What came of tasks, held against a plain reckoning of the same rows."""

import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import SQLModel, col

from customers.models import Customer
from kernel import clock, ids
from kernel.actor import Actor, Role
from kernel.errors import Forbidden, Invalid
from kernel.work import Ground, unit_of_work
from mall import commands as mall
from mall.models import Order, Refund
from tasks.models import Outcome, PlanSetting, Task, TaskKind, TaskState
from tasks.queries import influence
from tasks.queries.influence import Influence
from tasks.queries.tasks import Filter
from tests.factories import World, build_customer, build_task, build_world, save
from tests.mall.trading import place, refund
from tests.statements import statements

AT = datetime(2026, 5, 1, 4, tzinfo=UTC)
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
MEANS_CONTACT = {"reached", "appointment", "bought"}


class Reckoned(NamedTuple):
    """What Python makes of the rows: task by task, and altogether."""

    by_task: dict[UUID, tuple[int, int]]
    days: dict[UUID, int]


async def rows(ground: Ground, world: World, model: type[SQLModel]) -> Sequence[Any]:
    table: Any = model
    async with ground.db.read() as session:
        return (await session.scalars(select(model).where(col(table.brand_id) == world.brand.id))).all()


async def reckon(ground: Ground, world: World) -> Reckoned:
    """Order by order: who turned to the customer last, and was that recently enough?"""
    tasks, orders = await rows(ground, world, Task), await rows(ground, world, Order)
    given_back: dict[UUID | None, int] = defaultdict(int)
    for each in await rows(ground, world, Refund):
        given_back[each.order_id] += each.amount
    days = {row.store_id: row.influence_days for row in await rows(ground, world, PlanSetting)}
    contacts = [
        task
        for task in tasks
        if task.state.value == "done"
        and task.outcome is not None
        and task.outcome.value in MEANS_CONTACT
        and task.customer_id is not None
        and task.closed_by_order_id is None
    ]
    within = {task.id: days.get(task.store_id, days.get(None, 14)) for task in contacts}
    found = {task.id: (0, 0) for task in contacts}
    for order in orders:
        before = [
            task for task in contacts if task.customer_id == order.customer_id and task.closed_at <= order.placed_at
        ]
        if order.state.value == "cancelled" or not before:
            continue
        last = max(before, key=lambda task: (task.closed_at, task.id))
        if order.placed_at - last.closed_at < timedelta(days=within[last.id]):
            count, amount = found[last.id]
            found[last.id] = (count + 1, amount + order.amount - given_back[order.id])
    return Reckoned(found, within)


async def asked(ground: Ground, actor: Actor, tasks: Sequence[Task]) -> dict[UUID, Influence]:
    async with ground.db.read() as session:
        return await influence.by_tasks(session, actor, [task.id for task in tasks])


async def contact(ground: Ground, keeper: Actor, customer: Customer, **values: Any) -> Task:
    usual = {"state": TaskState.DONE, "outcome": Outcome.REACHED, "closed_at": AT}
    return await build_task(ground, keeper, customer, **usual | values)


async def test_orders_within_the_window_count_to_the_microsecond(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    closed_at = AT + timedelta(microseconds=123_456)
    task = await contact(ground, world.shop.guide, customer, closed_at=closed_at)
    await save(ground, PlanSetting(brand_id=world.brand.id, id=ids.new(), influence_days=30))

    counts = []
    for placed_at in (closed_at - TICK, closed_at, closed_at + 30 * DAY - TICK, closed_at + 30 * DAY):
        await place(ground, world, customer, placed_at=placed_at, amount=100)
        counts.append((await asked(ground, world.shop.guide, [task]))[task.id][:4])

    assert counts == [(0, 0, "CNY", 30), (1, 100, "CNY", 30), (2, 200, "CNY", 30), (2, 200, "CNY", 30)]


async def test_of_several_contacts_the_last_one_has_the_order_whoever_made_it(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    first = await contact(ground, world.shop.guide, customer)
    last = await contact(ground, world.shop.manager, customer, closed_at=AT + DAY, outcome=Outcome.APPOINTMENT)
    silent = [
        await contact(ground, world.shop.guide, customer, closed_at=AT + 2 * DAY, **values)
        for values in (
            {"outcome": Outcome.NOT_REACHED},
            {"outcome": Outcome.NOT_INTERESTED},
            {"outcome": None},
            {"state": TaskState.SKIPPED, "outcome": None},
            {"kind": TaskKind.TODO, "customer_id": None, "relationship_id": None},
        )
    ]
    order = await place(ground, world, customer, placed_at=AT + 3 * DAY, amount=1_000)
    settled = await contact(
        ground,
        world.shop.guide,
        customer,
        closed_at=AT + 3 * DAY,
        outcome=Outcome.BOUGHT,
        closed_by_order_id=order.id,
    )
    await refund(ground, world, order.id, amount=300)

    found = await asked(ground, world.hq, [first, last, settled, *silent])

    assert {task_id: each[:2] for task_id, each in found.items()} == {first.id: (0, 0), last.id: (1, 700)}


async def test_it_says_the_same_as_a_plain_reckoning(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "baihe")
    dice = random.Random(5)
    await save(
        ground,
        PlanSetting(brand_id=world.brand.id, id=ids.new(), influence_days=5),
        PlanSetting(brand_id=world.brand.id, id=ids.new(), store_id=world.shops[1].store.id, influence_days=2),
    )
    people = [await build_customer(ground, shop.guide) for shop in world.shops for _ in range(3)]
    people.append(await build_customer(ground, other.shop.guide))
    tasks = []
    for _ in range(80):
        customer = dice.choice(people[:-1])
        tasks.append(
            await contact(
                ground,
                world.shops[people.index(customer) // 3].guide,
                customer,
                state=dice.choice([TaskState.DONE] * 5 + list(TaskState)),
                outcome=dice.choice([*Outcome, None]),
                closed_at=AT + dice.randrange(80) * DAY / 4,
            )
        )
    for _ in range(80):
        at = AT + dice.randrange(80) * DAY / 4
        shop = dice.choice(world.shops)
        order = await place(
            ground,
            world,
            dice.choice([*people[:-1], None]),
            store_id=shop.store.id,
            placed_at=at,
            amount=dice.randrange(10_000),
        )
        if dice.random() < 0.2:
            async with unit_of_work(ground, shop.manager) as work:
                await mall.cancel_order(work, order.id)
        elif dice.random() < 0.3:
            await refund(ground, world, order.id, amount=dice.randrange(order.amount + 1))

    wanted = await reckon(ground, world)
    found = await asked(ground, world.hq, tasks)
    async with ground.db.read() as session:
        whole = await influence.total(session, world.hq, AT, AT + 20 * DAY)
        mine = await influence.total(session, world.shop.manager, AT, AT + 20 * DAY)
        some = Filter(store_id=world.shop.store.id, state=TaskState.DONE)
        same = await influence.total(session, world.hq, AT, AT + 20 * DAY, some)
        late = await influence.total(session, world.hq, AT + 10 * DAY, AT + 20 * DAY)

    assert sum(orders for orders, _ in wanted.by_task.values()) > 10
    assert {task_id: each[:2] for task_id, each in found.items()} == wanted.by_task
    assert {task_id: each.within_days for task_id, each in found.items()} == wanted.days
    closed = {task.id: task for task in tasks}
    for total, chosen in (
        (whole, list(wanted.by_task)),
        (mine, [each for each in wanted.by_task if closed[each].store_id == world.shop.store.id]),
        (late, [each for each in wanted.by_task if (closed[each].closed_at or AT) >= AT + 10 * DAY]),
    ):
        sums = [sum(wanted.by_task[each][place] for each in chosen) for place in (0, 1)]
        assert (total.tasks, total.orders, total.amount, total.currency) == (len(chosen), *sums, "CNY")
    assert same == mine


async def test_what_is_out_of_sight_has_no_influence_and_machines_need_to_read_orders(ground: Ground) -> None:
    world = await build_world(ground)
    task = await contact(ground, world.shop.guide, await build_customer(ground, world.shop.guide))
    machine = Actor(brand_id=world.brand.id, id=ids.new(), role=Role.SERVICE, scopes=frozenset({"tasks:read"}))

    assert await asked(ground, world.shop.guide, [task]) != {}
    for actor in (world.shop.other_guide, world.shops[1].manager, machine):
        assert await asked(ground, actor, [task]) == {}
    async with ground.db.read() as session:
        with pytest.raises(Forbidden):
            await influence.total(session, machine, AT, AT + DAY)
        for until in (AT, AT - DAY, AT + 366 * DAY + TICK):
            with pytest.raises(Invalid):
                await influence.total(session, world.hq, AT, until)


async def test_of_many_tasks_it_is_asked_in_one_statement(ground: Ground) -> None:
    world = await build_world(ground)
    tasks = []
    for _ in range(3):
        customer = await build_customer(ground, world.shop.guide)
        tasks.append(await contact(ground, world.shop.guide, customer))
        await place(ground, world, customer, placed_at=AT + DAY)

    for some in (tasks[:1], tasks):
        with statements(ground) as sent:
            found = await asked(ground, world.shop.guide, some)
        assert len(sent) == 1
        assert [each.orders for each in found.values()] == [1] * len(some)


async def test_a_later_setting_counts_for_what_was_before(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    task = await contact(ground, world.shop.guide, customer)
    with clock.stopped_at(AT + 20 * DAY):
        await place(ground, world, customer)

    before = (await asked(ground, world.shop.guide, [task]))[task.id].orders
    await save(ground, PlanSetting(brand_id=world.brand.id, id=ids.new(), influence_days=20))

    assert (before, (await asked(ground, world.shop.guide, [task]))[task.id].orders) == (0, 1)
