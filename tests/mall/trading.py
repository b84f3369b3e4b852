"""Orders and refunds as a till or a mall would report them."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlmodel import SQLModel, col

from customers.models import Customer
from kernel import clock, ids
from kernel.actor import Actor, Role
from kernel.work import Ground, unit_of_work
from mall import commands
from mall.commands import Line, OrderNews, RefundNews
from mall.models import Order, Refund, RefundCharge
from tests.factories import World


def till(world: World, *scopes: str) -> Actor:
    """A machine that may write orders, or what else is named."""
    return Actor(
        brand_id=world.brand.id, id=ids.new(), role=Role.SERVICE, scopes=frozenset(scopes or ("orders:write",))
    )


def order_news(world: World, customer: Customer | None = None, amount: int = 19_900, **values: Any) -> OrderNews:
    """News of an order placed an hour ago in the world's first shop."""
    usual: dict[str, Any] = {
        "source": "pos",
        "number": uuid4().hex,
        "placed_at": clock.now() - timedelta(hours=1),
        "amount": amount,
        "currency": "CNY",
        "lines": [Line("P1", "羊绒衫", 1, amount)],
        "store_id": None if "store_code" in values else world.shop.store.id,
        "customer_id": customer.id if customer else None,
    }
    return OrderNews(**usual | values)


def refund_news(world: World, order_id: UUID | None = None, amount: int = 5_000, **values: Any) -> RefundNews:
    """News of money given back just now."""
    usual: dict[str, Any] = {
        "source": "pos",
        "number": uuid4().hex,
        "placed_at": clock.now(),
        "amount": amount,
        "currency": "CNY",
        "order_id": order_id,
        "store_id": None if order_id else world.shop.store.id,
    }
    return RefundNews(**usual | values)


async def place(ground: Ground, world: World, customer: Customer | None = None, **values: Any) -> Order:
    """An order, taken."""
    async with unit_of_work(ground, till(world)) as work:
        return await commands.record_order(work, order_news(world, customer, **values))


async def refund(ground: Ground, world: World, order_id: UUID | None = None, **values: Any) -> Refund:
    """A refund, taken."""
    async with unit_of_work(ground, till(world)) as work:
        return await commands.record_refund(work, refund_news(world, order_id, **values))


async def count(ground: Ground, brand_id: UUID, model: type[SQLModel]) -> int:
    """How many rows the brand has."""
    table: Any = model
    async with ground.db.read() as session:
        found = await session.scalar(select(func.count()).select_from(model).where(col(table.brand_id) == brand_id))
    return int(found or 0)


async def charges(ground: Ground, given_back: Refund) -> list[tuple[UUID | None, int]]:
    """Who bears how much of a refund, part by part."""
    async with ground.db.read() as session:
        found = await session.execute(
            select(col(RefundCharge.account_id), col(RefundCharge.amount))
            .where(col(RefundCharge.brand_id) == given_back.brand_id, col(RefundCharge.refund_id) == given_back.id)
            .order_by(col(RefundCharge.part))
        )
        return [(account_id, amount) for account_id, amount in found]
