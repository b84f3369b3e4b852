"""How a step of a story is told: who asks for which mutation, of what."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from kernel import clock
from tests.scenarios.stage import Stage

Given = Callable[[Stage], dict[str, Any]]

LINE = {
    "productCode": "P1",
    "name": "羊绒衫",
    "variant": "驼色 M",
    "skuCode": "P1-M",
    "quantity": 1,
    "amount": 20_000,
    "kind": "GOODS",
}
POSTAGE = {"productCode": "YF", "name": "运费", "quantity": 1, "amount": 1_000, "kind": "SERVICE"}


@dataclass(frozen=True)
class Step:
    """Somebody asks for a mutation. What comes of it goes by the name `makes` from then on."""

    mutation: str
    by: str
    given: Given
    makes: str | None = None


def ago(**much: float) -> str:
    return (clock.now() - timedelta(**much)).isoformat()


def ahead(**much: float) -> str:
    return (clock.now() + timedelta(**much)).isoformat()


def only(**given: Any) -> Given:
    """Names nothing that is there already."""
    return lambda _stage: given


def thing(name: str, /, **also: Any) -> Given:
    """The thing of that name."""
    return lambda stage: {"id": stage.things[name], **also}


def person(who: str, /, **also: Any) -> Given:
    return lambda stage: {"id": str(stage.people[who].id), **also}


def store(number: int, /, **also: Any) -> Given:
    return lambda stage: {"id": stage.shop(number), **also}


def post(who: str, role: str, shop: int | None = None, region: str | None = None) -> Given:
    """Another role and place for somebody."""

    def given(stage: Stage) -> dict[str, Any]:
        place = {"storeId": stage.shop(shop)} if shop else {"regionId": stage.region(region)} if region else {}
        return {"id": str(stage.people[who].id), "role": role, **place}

    return given


def about(customer: str, /, **also: Any) -> Given:
    """What is said or written of a customer."""
    return lambda stage: {"customerId": stage.things[customer], **also}


def held(customer: str, shop: int = 1, to: str | None = None) -> Given:
    """A customer's relationship with a store, and who is to have it."""

    def given(stage: Stage) -> dict[str, Any]:
        taker = {"toAccountId": stage.account(to, shop)} if to else {}
        return {"id": stage.held(customer, shop), **taker}

    return given


def newcomer(holder: str | None = None, /, **said: Any) -> Given:
    """Somebody new to the brand or store; held by an account of the first store."""
    return lambda stage: {"input": said | ({"accountId": stage.account(holder)} if holder else {})}


def tagging(tags: list[str], customers: list[str]) -> Given:
    return lambda stage: {
        "customerIds": [stage.things[each] for each in customers],
        "tagIds": [stage.things[each] for each in tags],
    }


def task(customer: str | None = None, keeper: str | None = None, **also: Any) -> Given:
    """Something to do, about a customer or for an account of the first store."""

    def given(stage: Stage) -> dict[str, Any]:
        said = {"title": "回访", "dueAt": ahead(days=1), "kind": "REVISIT" if customer else "TODO"} | also
        said |= {"customerId": stage.things[customer]} if customer else {}
        return {"input": said | ({"accountId": stage.account(keeper)} if keeper else {})}

    return given


def order(number: str, shop: int | None = 1, customer: str | None = None, **also: Any) -> Given:
    """News of an order; whenever it comes, it was placed an hour before the first of them."""

    def given(stage: Stage) -> dict[str, Any]:
        placed_at = stage.things.setdefault(f"time of {number}", ago(hours=1))
        said = {"source": "mall", "number": number, "placedAt": placed_at, "amount": 21_000, "currency": "CNY"}
        place = {"storeId": stage.shop(shop)} if shop else {}
        buyer = {"customerId": stage.things[customer]} if customer else {}
        return {"input": said | place | {"lines": [LINE, POSTAGE]} | buyer | also}

    return given


def refund(number: str, of: str | None = None, customer: str | None = None, **also: Any) -> Given:
    """News of a refund: on an order, or in the first store."""

    def given(stage: Stage) -> dict[str, Any]:
        said = {"source": "mall", "number": number, "placedAt": ago(), "amount": 500, "currency": "CNY"}
        is_placed = "storeCode" in also or "orderNumber" in also
        place = {"orderId": stage.things[of]} if of else {} if is_placed else {"storeId": stage.shop()}
        return {"input": said | place | ({"customerId": stage.things[customer]} if customer else {}) | also}

    return given


@dataclass(frozen=True)
class Deed:
    """Something happens without anybody's asking for a mutation."""

    name: str
    do: Callable[[Stage], Awaitable[object]]
