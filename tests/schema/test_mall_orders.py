"""Many orders at once, what happened to them, and how they are found, through GraphQL."""

from datetime import timedelta
from typing import Any

from kernel import clock, feed
from kernel.work import Ground, unit_of_work
from mall import commands
from mall.models import Channel, Order
from tests.asking import ask
from tests.factories import build_customer, build_world, said
from tests.mall.trading import count, place, refund, till
from tests.schema.test_mall import order_input
from tests.statements import statements

RECORD_MANY = """
mutation ($input: [OrderInput!]!, $key: String) {
  recordOrders(input: $input, idempotencyKey: $key) {
    ... on OrdersChanged { orders { number state amount completedAt } }
    ... on Problem { code index }
  }
}
"""
TIMELINES = "query { orders { edges { node { number timeline { kind at notedAt amount by { number } } } } } }"
FOUND = "query ($filter: OrderFilter) { orders(filter: $filter) { edges { node { number } } } }"


async def test_many_orders_are_taken_at_once_and_once(ground: Ground) -> None:
    world = await build_world(ground)
    completed_at = (clock.now() - timedelta(minutes=5)).isoformat()
    placed_at = (clock.now() - timedelta(hours=1)).isoformat()
    given = [
        order_input(world, number="1", placedAt=placed_at, state="PENDING"),
        order_input(world, number="2"),
        order_input(
            world,
            number="1",
            placedAt=placed_at,
            state="COMPLETED",
            completedAt=completed_at,
            newsAt=clock.now().isoformat(),
        ),
    ]

    once = await ask(ground, till(world), RECORD_MANY, input=given, key="k")
    again = await ask(ground, till(world), RECORD_MANY, input=given)

    orders = once["recordOrders"]["orders"]
    assert [(order["number"], order["state"]) for order in orders] == [
        ("1", "COMPLETED"),
        ("2", "PAID"),
        ("1", "COMPLETED"),
    ]
    assert orders[0]["completedAt"] == completed_at
    assert again == once
    assert await count(ground, world.brand.id, Order) == 2


async def test_where_one_of_many_is_refused_none_is_taken(ground: Ground) -> None:
    world = await build_world(ground)
    good = order_input(world, number="1")
    early = order_input(world, number="2", completedAt=clock.now().isoformat())
    cases: list[tuple[Any, list[dict[str, Any]], str, int | None]] = [
        (till(world), [good, order_input(world, number="2", amount=1)], "AMOUNTS_DIFFER", 1),
        (till(world), [order_input(world, storeCode="nowhere"), good], "NOT_FOUND", 0),
        (till(world), [good, early], "INVALID", 1),
        (till(world), [], "INVALID", None),
        (till(world), [good] * 51, "INVALID", None),
        (world.hq, [good], "FORBIDDEN", 0),
    ]

    for actor, given, code, index in cases:
        answer = (await ask(ground, actor, RECORD_MANY, input=given))["recordOrders"]
        assert answer == {"code": code, "index": index}

    assert await count(ground, world.brand.id, Order) == 0
    assert await said(ground, feed.of_desk(world.shop.store.id)) == []


async def test_timelines_of_many_orders_take_one_statement(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    order = await place(ground, world, customer, number="1")
    async with unit_of_work(ground, world.shop.guide) as work:
        await commands.ship_order(work, order.id)
    given_back = await refund(ground, world, order.id, amount=700)

    with statements(ground) as of_one:
        answer = await ask(ground, world.shop.manager, TIMELINES)
    for number in ("2", "3"):
        await place(ground, world, customer, number=number)
    with statements(ground) as of_three:
        await ask(ground, world.shop.manager, TIMELINES)

    [edge] = answer["orders"]["edges"]
    assert [
        (step["kind"], step["amount"], step["by"] and step["by"]["number"]) for step in edge["node"]["timeline"]
    ] == [
        ("PLACED", None, None),
        ("PAID", None, None),
        ("SHIPPED", None, "qinghe-1-G1"),
        ("REFUNDED", 700, None),
    ]
    assert edge["node"]["timeline"][-1]["at"] == given_back.placed_at.isoformat()
    assert len(of_one) == len(of_three)


async def test_orders_are_found_by_what_people_look_for(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    await place(ground, world, customer, number="E20260301", city="杭州市", channel=Channel.MINI_MALL)
    await place(ground, world, number="E20260302", paid_at=clock.now())
    account = str(world.shop.guide.account_ids[0])

    async def found(**wanted: Any) -> list[str]:
        answer = await ask(ground, world.shop.manager, FOUND, filter=wanted)
        return sorted(edge["node"]["number"] for edge in answer["orders"]["edges"])

    assert await found(number=" E202603 ") == ["E20260301", "E20260302"]
    assert await found(number="E20260302") == ["E20260302"]
    assert await found(number="  ") == ["E20260301", "E20260302"]
    for wanted in ({"city": "杭州市"}, {"creditedTo": account}, {"servedBy": account}, {"isUnanswered": True}):
        assert await found(**wanted) == ["E20260301"]
    for nobody in ({"creditedTo": "nonsense"}, {"shareId": account}, {"paidUntilDay": "2020-01-01"}):
        assert await found(**nobody) == []
    assert await found(paidFromDay="2020-01-01", states=["PAID"]) == ["E20260301", "E20260302"]
