"""A machine sees and does what its scopes name, and no more."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from customers import commands as customers
from customers.queries import records, relationships
from customers.queries.customers import by_ids as customers_by_ids
from directory.queries import staff
from intake.queries import runs
from kernel import clock
from kernel.actor import Scope
from kernel.errors import Forbidden
from kernel.work import Ground, unit_of_work
from mall.queries import orders, refunds, shares
from tagging.queries import audits, library, rules
from tasks import commands as tasks
from tasks.queries import tasks as task_queries
from tests.factories import World, build_customer, build_run, build_task, build_world, relationship_of, said
from tests.mall.trading import place, refund, till
from tests.scenarios.belongings import furnish
from tests.tagging.labels import build_group, build_tag
from tests.tagging.ruling import write

Read = Callable[..., Awaitable[dict[Any, Any]]]
CUSTOMERS = {Scope.CUSTOMERS_READ, Scope.CUSTOMERS_WRITE}
ORDERS = {Scope.ORDERS_READ, Scope.ORDERS_WRITE}
SEES: dict[str, set[Scope]] = {
    "customer": CUSTOMERS,
    "relationship": CUSTOMERS,
    "note": CUSTOMERS,
    "visit": CUSTOMERS,
    "order": ORDERS,
    "refund": ORDERS,
    "share": ORDERS,
    "task": {Scope.TASKS_READ, Scope.TASKS_WRITE},
    "tag": {Scope.TAGS_READ, Scope.TAGS_WRITE},
    "tag group": {Scope.TAGS_READ, Scope.TAGS_WRITE},
    "tag rule": {Scope.TAGS_READ, Scope.TAGS_WRITE},
    "tag audit": {Scope.TAGS_READ, Scope.TAGS_WRITE},
    "staff": {Scope.DIRECTORY_READ, Scope.DIRECTORY_WRITE},
    "import": set(),
}


async def build_things(ground: Ground, world: World) -> dict[str, tuple[Read, Any]]:
    """One of each kind, and how it is read."""
    customer = await build_customer(ground, world.shop.guide)
    async with unit_of_work(ground, world.shop.guide) as work:
        note = await customers.add_note(work, customer.id, body="喜欢浅色")
        visit = await customers.note_visit(work, customer.id)
    order = await place(ground, world, customer)
    group = await build_group(ground, world)
    return {
        "customer": (customers_by_ids, customer.id),
        "relationship": (relationships.by_ids, (await relationship_of(ground, customer)).id),
        "note": (records.notes_by_ids, note.id),
        "visit": (records.visits_by_ids, visit.id),
        "order": (orders.by_ids, order.id),
        "refund": (refunds.by_ids, (await refund(ground, world, order.id)).id),
        "share": (shares.by_ids, (await furnish(ground, world, world.shop))["share"]),
        "task": (task_queries.by_ids, (await build_task(ground, world.shop.guide)).id),
        "tag": (library.by_ids, (await build_tag(ground, world, group, "通勤")).id),
        "tag group": (library.groups_by_ids, group.id),
        "tag rule": (
            rules.by_ids,
            (await write(ground, world, await build_tag(ground, world, group, "熟客"), "orders > 1")).id,
        ),
        "tag audit": (audits.by_ids, (await furnish(ground, world, world.shop))["tag_audit"]),
        "staff": (staff.by_ids, world.shop.guide.id),
        "import": (runs.by_ids, (await build_run(ground, world.brand.id)).id),
    }


async def test_a_machine_sees_only_what_one_of_its_scopes_is_about(ground: Ground) -> None:
    world = await build_world(ground)
    things = await build_things(ground, world)

    for scope in Scope:
        machine = till(world, scope.value)
        async with ground.db.read() as session:
            seen = {kind for kind, (read, key) in things.items() if await read(session, machine, [key])}
        assert seen == {kind for kind, scopes in SEES.items() if scope in scopes}, scope


async def test_a_machine_that_only_takes_orders_still_names_the_customer(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)

    order = await place(ground, world, customer_id=None, member_number=customer.member_number)

    assert order.customer_id == customer.id
    assert order.serving_account_id == world.shop.guide.account_ids[0]


@pytest.mark.parametrize("scope", [scope for scope in Scope if scope is not Scope.TASKS_WRITE])
async def test_a_machine_makes_no_tasks_without_the_scope(ground: Ground, scope: Scope) -> None:
    world = await build_world(ground)
    keeper = world.shop.guide

    with pytest.raises(Forbidden):
        async with unit_of_work(ground, till(world, scope.value)) as work:
            await tasks.add(
                work, title="整理陈列", due_at=clock.now() + timedelta(days=1), account_id=keeper.account_ids[0]
            )

    assert await said(ground, keeper.id) == []
