"""Orders, refunds and products through GraphQL."""

from typing import Any

from kernel import clock, feed
from kernel.work import Ground
from mall.models import Order, OrderState, Refund
from schema.scalars import LARGEST
from tests.asking import ask, refused
from tests.factories import World, build_customer, build_world, said
from tests.mall.trading import count, place, refund, till

RECORD = """
mutation ($input: OrderInput!, $key: String) {
  recordOrder(input: $input, idempotencyKey: $key) {
    ... on OrderChanged { order {
      id version number state channel amount currency day
      store { code } customer { memberNumber } servedBy { owner { name } } credits { reason account { id } }
      lines { line productCode name quantity amount kind product { name } }
    } }
    ... on Problem { code message }
  }
}
"""
REFUND = """
mutation ($input: RefundInput!, $key: String) {
  recordRefund(input: $input, idempotencyKey: $key) {
    ... on RefundChanged { refund {
      id amount day order { id version } customer { memberNumber } store { code } lines { amount }
      charges { account { id } amount }
    } }
    ... on Problem { code message }
  }
}
"""
MOVE = """
mutation ($id: ID!, $version: Int) {
  %s(id: $id, expectedVersion: $version) {
    ... on OrderChanged { order { id version state } }
    ... on Problem { code }
  }
}
"""


def order_input(world: World, **values: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "source": "mall",
        "number": "A-1",
        "placedAt": clock.now().isoformat(),
        "amount": 19_900,
        "currency": "CNY",
        "channel": "MINI_MALL",
        "storeCode": world.shop.store.code,
        "lines": [
            {"productCode": "P1", "name": "羊绒衫", "quantity": 1, "amount": 20_000},
            {"productCode": "D", "name": "会员折扣", "quantity": 1, "amount": -100, "kind": "SERVICE"},
        ],
    }
    return usual | values


async def test_a_till_takes_an_order_once_per_key(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    given = order_input(world, memberNumber=customer.member_number)
    machine, other = [till(world, "orders:write", "customers:read", "directory:read") for _ in range(2)]

    once = await ask(ground, other, RECORD, input=given, key="k")
    again = [await ask(ground, machine, RECORD, input=given, key="k") for _ in range(2)]

    assert once == again[0] == again[1]
    order = once["recordOrder"]["order"]
    assert (order["amount"], order["state"], order["version"]) == (19_900, "PAID", 1)
    assert order["store"] == {"code": world.shop.store.code}
    assert order["customer"] == {"memberNumber": customer.member_number}
    assert order["servedBy"]["owner"]["name"].endswith("G1")
    assert order["credits"] == [{"reason": "HOLDER", "account": {"id": str(world.shop.guide.account_ids[0])}}]
    assert [line["amount"] for line in order["lines"]] == [20_000, -100]
    assert await count(ground, world.brand.id, Order) == 1


async def test_a_wrong_order_is_a_problem_and_changes_nothing(ground: Ground) -> None:
    world = await build_world(ground)
    cases = [
        (till(world), order_input(world, amount=1), "AMOUNTS_DIFFER"),
        (till(world), order_input(world, storeCode="nowhere"), "NOT_FOUND"),
        (till(world), order_input(world, storeCode=None, storeId="nonsense"), "NOT_FOUND"),
        (till(world), order_input(world, currency="USD"), "WRONG_CURRENCY"),
        (world.shop.manager, order_input(world), "FORBIDDEN"),
    ]

    for actor, given, code in cases:
        assert (await ask(ground, actor, RECORD, input=given))["recordOrder"]["code"] == code

    assert await count(ground, world.brand.id, Order) == 0
    assert await said(ground, feed.of_desk(world.shop.store.id)) == []


async def test_an_amount_that_json_cannot_carry_exactly_is_no_fen(ground: Ground) -> None:
    world = await build_world(ground)

    for amount in (LARGEST + 1, 1.5, "199", True):
        [error] = await refused(ground, till(world), RECORD, input=order_input(world, amount=amount))
        assert error is not None

    assert await count(ground, world.brand.id, Order) == 0


async def test_a_till_takes_a_refund_once_and_never_too_much(ground: Ground) -> None:
    world = await build_world(ground)
    order = await place(ground, world, await build_customer(ground, world.shop.guide), amount=10_000)
    given: dict[str, Any] = {
        "source": "mall",
        "number": "R-1",
        "placedAt": clock.now().isoformat(),
        "amount": 6_000,
        "currency": "CNY",
        "orderId": str(order.id),
        "lines": [{"productCode": "P1", "name": "羊绒衫", "quantity": 1, "amount": 6_000}],
    }

    first = await ask(ground, till(world), REFUND, input=given)
    again = await ask(ground, till(world), REFUND, input=given)
    more = await ask(ground, till(world), REFUND, input=given | {"number": "R-2"})

    assert first == again
    taken = first["recordRefund"]["refund"]
    assert (taken["amount"], taken["order"]) == (6_000, {"id": str(order.id), "version": 2})
    assert taken["charges"] == [{"account": {"id": str(world.shop.guide.account_ids[0])}, "amount": taken["amount"]}]
    assert taken["lines"] == [{"amount": 6_000}]
    assert more["recordRefund"] == {
        "code": "REFUND_EXCEEDS_ORDER",
        "message": "At most 4000 can be refunded on this order.",
    }
    assert await count(ground, world.brand.id, Refund) == 1


async def test_an_order_is_moved_on_with_the_version_that_was_seen(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    first, second = [await place(ground, world, customer) for _ in range(2)]

    async def move(actor: Any, step: str, order: Order, version: int) -> Any:
        return (await ask(ground, actor, MOVE % step, id=str(order.id), version=version))[step]

    assert await move(world.shop.guide, "shipOrder", first, 2) == {"code": "STALE_VERSION"}
    shipped = await move(world.shop.guide, "shipOrder", first, 1)
    assert shipped == {"order": {"id": str(first.id), "version": 2, "state": "SHIPPED"}}
    assert (await move(world.shop.guide, "completeOrder", first, 2))["order"]["state"] == "COMPLETED"
    assert await move(world.shop.manager, "cancelOrder", first, 3) == {"code": "ORDER_MOVED_ON"}
    assert await move(world.shop.guide, "cancelOrder", second, 1) == {"code": "FORBIDDEN"}
    assert (await move(world.shop.manager, "cancelOrder", second, 1))["order"]["state"] == "CANCELLED"
    assert await move(world.shops[1].manager, "cancelOrder", first, 3) == {"code": "NOT_FOUND"}


async def test_orders_are_listed_narrowed_down_and_paged(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    placed = [await place(ground, world, customer) for _ in range(3)]
    await place(ground, world, state=OrderState.CANCELLED)
    document = """query ($filter: OrderFilter, $after: Cursor) { orders(filter: $filter, first: 2, after: $after) {
        edges { node { id } } pageInfo { hasNextPage endCursor } } }"""
    wanted = {"customerId": str(customer.id), "states": ["PAID"]}

    first = (await ask(ground, world.shop.manager, document, filter=wanted))["orders"]
    rest = (await ask(ground, world.shop.manager, document, filter=wanted, after=first["pageInfo"]["endCursor"]))[
        "orders"
    ]
    nobody = await ask(ground, world.shop.manager, document, filter={"customerId": "nonsense"})

    assert first["pageInfo"]["hasNextPage"]
    assert not rest["pageInfo"]["hasNextPage"]
    found = [edge["node"]["id"] for edge in first["edges"] + rest["edges"]]
    assert sorted(found) == sorted(str(order.id) for order in placed)
    assert nobody["orders"]["edges"] == []


async def test_a_product_is_kept_by_hq_and_read_by_all(ground: Ground) -> None:
    world = await build_world(ground)
    put = """mutation ($price: Fen!, $version: Int) {
      putProduct(code: "P1", name: "羊绒衫", price: $price, category: "上装", expectedVersion: $version) {
        ... on ProductChanged { product { id version price } } ... on Problem { code } } }"""

    made = (await ask(ground, world.hq, put, price=19_900))["putProduct"]["product"]
    stale = await ask(ground, world.hq, put, price=1, version=7)
    forbidden = await ask(ground, world.shop.manager, put, price=1)
    read = await ask(
        ground,
        world.shop.guide,
        """query ($id: ID!) { product(id: $id) { code category }
        products(category: "上装") { edges { node { id price } } } }""",
        id=made["id"],
    )

    assert (stale["putProduct"], forbidden["putProduct"]) == ({"code": "STALE_VERSION"}, {"code": "FORBIDDEN"})
    assert read["product"] == {"code": "P1", "category": "上装"}
    assert read["products"]["edges"] == [{"node": {"id": made["id"], "price": 19_900}}]


async def test_the_workbench_shows_what_was_just_ordered_and_how_the_day_goes(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    order = await place(ground, world, customer, amount=30_000)
    await refund(ground, world, order.id, amount=1_000)
    await place(ground, world, await build_customer(ground, world.shop.other_guide))
    document = """{ workbench { orders { id lines { name } customer { lastOrder { id } refunds { amount } } }
        tiles { currency customersHeld month { orders gross refunds net averageBasket } } } }"""

    shown = (await ask(ground, world.shop.guide, document))["workbench"]

    assert shown["orders"] == [
        {
            "id": str(order.id),
            "lines": [{"name": "羊绒衫"}],
            "customer": {"lastOrder": {"id": str(order.id)}, "refunds": [{"amount": 1_000}]},
        }
    ]
    assert shown["tiles"] == {
        "currency": "CNY",
        "customersHeld": 1,
        "month": {"orders": 1, "gross": 30_000, "refunds": 1_000, "net": 29_000, "averageBasket": 30_000},
    }


async def test_an_order_and_its_refund_come_as_changes(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    start = (await ask(ground, world.shop.guide, "{ changes { cursor } }"))["changes"]["cursor"]
    order = await place(ground, world, customer)
    given_back = await refund(ground, world, order.id)

    answer = await ask(
        ground,
        world.shop.guide,
        """query ($after: Cursor) { changes(after: $after) { changes {
        op entityType node { __typename ... on Order { id version } ... on Refund { id amount } } } } }""",
        after=start,
    )

    assert answer["changes"]["changes"] == [
        {
            "op": "PUT",
            "entityType": "ORDER",
            "node": {"__typename": "Order", "id": str(order.id), "version": 2},
        },
        {
            "op": "PUT",
            "entityType": "REFUND",
            "node": {"__typename": "Refund", "id": str(given_back.id), "amount": 5_000},
        },
    ]
