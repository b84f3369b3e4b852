"""Lists of tasks are narrowed down, put in order and counted within sight."""

from datetime import UTC, datetime, timedelta
from typing import Any

from kernel import ids
from kernel.pages import Page
from kernel.work import Ground
from tasks.models import TaskKind, TaskState
from tasks.queries import tasks as queries
from tasks.queries.tasks import Filter, TaskOrder
from tests.factories import build_customer, build_task, build_world
from tests.statements import statements

DAY = datetime(2026, 3, 2, 4, tzinfo=UTC)


async def test_a_list_is_narrowed_down(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    visit = await build_task(ground, world.shop.guide, customer, due_at=DAY)
    todo = await build_task(ground, world.shop.other_guide, due_at=DAY + timedelta(days=1))
    done = await build_task(ground, world.shop.guide, due_at=DAY + timedelta(days=2), state=TaskState.DONE)

    async def found(narrowed: Filter) -> list[object]:
        async with ground.db.read() as session:
            return [row.id for row in await queries.page(session, world.shop.manager, Page(), narrowed)]

    assert await found(Filter()) == [visit.id, todo.id, done.id]
    assert await found(Filter(state=TaskState.DONE)) == [done.id]
    assert await found(Filter(kinds=[TaskKind.REVISIT])) == [visit.id]
    assert await found(Filter(due_before=DAY + timedelta(days=1))) == [visit.id]
    assert await found(Filter(account_id=world.shop.other_guide.account_ids[0])) == [todo.id]
    assert await found(Filter(customer_id=customer.id)) == [visit.id]
    assert await found(Filter(store_id=world.shops[1].store.id)) == []


async def test_a_list_is_ordered_and_paged_in_each_order(ground: Ground) -> None:
    world = await build_world(ground)
    tasks = [
        await build_task(
            ground,
            world.shop.guide,
            priority=priority,
            due_at=DAY + timedelta(hours=due),
            created_at=DAY + timedelta(hours=created),
        )
        for priority, due, created in [(10, 1, 2), (90, 2, 3), (90, 3, 1), (10, 1, 2)]
    ]
    wanted = {
        TaskOrder.DUE: [0, 3, 1, 2],
        TaskOrder.PRIORITY: [1, 2, 0, 3],
        TaskOrder.NEWEST: [1, 3, 0, 2],
    }

    for order, places in wanted.items():
        seen = []
        after = None
        async with ground.db.read() as session:
            for _ in tasks:
                row = (await queries.page(session, world.shop.guide, Page(1, after), None, order))[0]
                seen.append(row.id)
                after = [_plain(value) for value in queries.place(order, row)]
        assert seen == [tasks[place].id for place in places]


def _plain(value: Any) -> Any:
    """As a cursor carries it."""
    return value.isoformat() if isinstance(value, datetime) else value if isinstance(value, int) else str(value)


async def test_counts_are_within_sight(ground: Ground) -> None:
    world = await build_world(ground)
    for state in (TaskState.PENDING, TaskState.PENDING, TaskState.DONE):
        await build_task(ground, world.shop.guide, state=state)
    await build_task(ground, world.shop.other_guide)

    async with ground.db.read() as session:
        mine = await queries.counts(session, world.shop.guide)
        stores = await queries.counts(session, world.shop.manager, Filter(state=TaskState.PENDING))
        foreign = await queries.counts(session, world.shops[1].manager)

    assert mine == {TaskState.PENDING: 2, TaskState.DONE: 1}
    assert stores == {TaskState.PENDING: 3}
    assert foreign == {}


async def test_the_open_tasks_of_customers_take_one_statement(ground: Ground) -> None:
    world = await build_world(ground)
    customers = [await build_customer(ground, world.shop.guide) for _ in range(3)]
    tasks = [await build_task(ground, world.shop.guide, customer) for customer in customers]
    await build_task(ground, world.shop.guide, customers[0], state=TaskState.CANCELLED)

    async with ground.db.read() as session:
        for asked in (customers[:1], customers):
            with statements(ground) as sent:
                found = await queries.open_of_customers(session, world.shop.guide, [row.id for row in asked])
            assert len(sent) == 1
        unseen = await queries.open_of_customers(session, world.shop.other_guide, [row.id for row in customers])
        nobody = await queries.open_of_customers(session, world.shop.guide, [ids.new()])

    assert {customer_id: [row.id for row in rows] for customer_id, rows in found.items()} == {
        customer.id: [task.id] for customer, task in zip(customers, tasks, strict=True)
    }
    assert unseen == nobody == {}
