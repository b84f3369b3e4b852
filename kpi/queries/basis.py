"""Read what every figure is worked out from: orders and refunds, each by the calendar of its store."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Customer, Holding
from directory.models import Account, Staff, Store
from mall.models import Credit, LineKind, Order, OrderLine, OrderState, Refund, RefundLine

_AT_ONCE = 10_000


class Sale(NamedTuple):
    """An order. `guide` is the staff number that it is credited to; `amount` is in minor units."""

    customer: UUID | None
    number: str
    day: date
    clock: time
    placed_at: datetime
    country: str | None
    store: str
    guide: str | None
    amount: int


class Return(NamedTuple):
    """A refund. `guide` is whoever held the relationship when the money was given back."""

    customer: UUID | None
    day: date
    store: str
    guide: str | None
    amount: int


@dataclass(slots=True)
class Basis:
    """All of a brand up to a day. `members` gives the member number of each customer with an order."""

    sales: list[Sale] = field(default_factory=list)
    returns: list[Return] = field(default_factory=list)
    members: dict[UUID, str] = field(default_factory=dict)
    days: dict[UUID, list[date]] = field(default_factory=dict)

    @property
    def months(self) -> list[str]:
        """Every month from the first order to the last."""
        if not self.sales:
            return []
        first, last = min(sale.day for sale in self.sales), max(sale.day for sale in self.sales)
        count = (last.year - first.year) * 12 + last.month - first.month + 1
        numbers = range(first.month - 1, first.month - 1 + count)
        return [f"{first.year + number // 12}-{number % 12 + 1:02}" for number in numbers]


async def read(session: AsyncSession, brand_id: UUID, until: date) -> Basis:
    """Orders that stand and refunds, dated on or before that day."""
    basis = Basis()
    zones: dict[str, ZoneInfo] = {}
    brand = col(Order.brand_id)
    rows = await session.stream(
        select(
            col(Order.customer_id),
            col(Customer.member_number),
            col(Order.number),
            col(Order.day),
            col(Order.placed_at),
            col(Order.country),
            col(Order.amount),
            col(Store.code),
            col(Store.time_zone),
            col(Staff.number),
        )
        .join(Store, (col(Store.brand_id) == brand) & (col(Store.id) == col(Order.store_id)))
        .outerjoin(Customer, (col(Customer.brand_id) == brand) & (col(Customer.id) == col(Order.customer_id)))
        .outerjoin(Credit, (col(Credit.brand_id) == brand) & (col(Credit.order_id) == col(Order.id)))
        .outerjoin(Account, (col(Account.brand_id) == brand) & (col(Account.id) == col(Credit.account_id)))
        .outerjoin(Staff, (col(Staff.brand_id) == brand) & (col(Staff.id) == col(Account.staff_id)))
        .where(brand == brand_id, col(Order.state) != OrderState.CANCELLED, col(Order.day) <= until)
        .execution_options(yield_per=_AT_ONCE)
    )
    async for customer, member, number, day, placed_at, country, amount, store, zone, guide in rows:
        clock = placed_at.astimezone(zones.setdefault(zone, ZoneInfo(zone))).time()
        basis.sales.append(Sale(customer, number, day, clock, placed_at, country, store, guide, amount))
        if customer is not None:
            basis.members[customer] = member
    basis.days = _days(basis.sales)
    basis.returns = await _returns(session, brand_id, until)
    return basis


def _days(sales: Sequence[Sale]) -> dict[UUID, list[date]]:
    days: dict[UUID, set[date]] = defaultdict(set)
    for sale in sales:
        if sale.customer is not None:
            days[sale.customer].add(sale.day)
    return {customer: sorted(found) for customer, found in days.items()}


async def _returns(session: AsyncSession, brand_id: UUID, until: date) -> list[Return]:
    holders = await _holders(session, brand_id)
    found = await session.execute(
        select(
            col(Refund.customer_id),
            col(Refund.day),
            col(Store.code),
            col(Refund.relationship_id),
            col(Refund.placed_at),
            col(Refund.amount),
        )
        .join(Store, (col(Store.brand_id) == col(Refund.brand_id)) & (col(Store.id) == col(Refund.store_id)))
        .where(col(Refund.brand_id) == brand_id, col(Refund.day) <= until)
    )
    return [
        Return(customer, day, store, _holder(holders.get(relationship, ()), at) if relationship else None, amount)
        for customer, day, store, relationship, at, amount in found.tuples()
    ]


Held = Sequence[tuple[datetime, str | None]]


async def _holders(session: AsyncSession, brand_id: UUID) -> dict[UUID, Held]:
    """By relationship with a refund: who held it from when on, oldest first."""
    refunded = select(col(Refund.relationship_id)).where(col(Refund.brand_id) == brand_id).distinct()
    found = await session.execute(
        select(col(Holding.relationship_id), col(Holding.from_at), col(Staff.number))
        .join(Account, (col(Account.brand_id) == col(Holding.brand_id)) & (col(Account.id) == col(Holding.account_id)))
        .outerjoin(Staff, (col(Staff.brand_id) == col(Holding.brand_id)) & (col(Staff.id) == col(Account.staff_id)))
        .where(col(Holding.brand_id) == brand_id, col(Holding.relationship_id).in_(refunded))
        .order_by(col(Holding.relationship_id), col(Holding.from_at))
    )
    holders: dict[UUID, list[tuple[datetime, str | None]]] = defaultdict(list)
    for relationship, since, guide in found.tuples():
        holders[relationship].append((since, guide))
    return dict(holders)


def _holder(held: Held, at: datetime) -> str | None:
    """Who held it then; what was given back before anybody held it counts for the first."""
    earlier = [guide for since, guide in held if since <= at]
    if earlier:
        return earlier[-1]
    return held[0][1] if held else None


async def goods(session: AsyncSession, brand_id: UUID, until: date) -> tuple[int, int]:
    """Merchandise sold, and given back, without services such as postage; in minor units."""
    sold = (
        select(func.coalesce(func.sum(col(OrderLine.amount)), 0))
        .join(Order, (col(Order.brand_id) == col(OrderLine.brand_id)) & (col(Order.id) == col(OrderLine.order_id)))
        .where(
            col(OrderLine.brand_id) == brand_id,
            col(OrderLine.kind) == LineKind.GOODS,
            col(Order.state) != OrderState.CANCELLED,
            col(Order.day) <= until,
        )
    )
    brand = col(RefundLine.brand_id)
    returned = (
        select(func.coalesce(func.sum(col(RefundLine.amount)), 0))
        .join(Refund, (col(Refund.brand_id) == brand) & (col(Refund.id) == col(RefundLine.refund_id)))
        .where(brand == brand_id, col(RefundLine.kind) == LineKind.GOODS, col(Refund.day) <= until)
    )
    return int(await session.scalar(sold) or 0), int(await session.scalar(returned) or 0)


async def best_goods(session: AsyncSession, brand_id: UUID, until: date, limit: int) -> list[tuple[str, int, int]]:
    """The products that brought most: code, amount in minor units, distinct customers. Ties by code."""
    total = func.sum(col(OrderLine.amount))
    found = await session.execute(
        select(col(OrderLine.product_code), total, func.count(col(Order.customer_id).distinct()))
        .join(Order, (col(Order.brand_id) == col(OrderLine.brand_id)) & (col(Order.id) == col(OrderLine.order_id)))
        .where(
            col(OrderLine.brand_id) == brand_id,
            col(OrderLine.kind) == LineKind.GOODS,
            col(Order.state) != OrderState.CANCELLED,
            col(Order.day) <= until,
        )
        .group_by(col(OrderLine.product_code))
        .order_by(total.desc(), col(OrderLine.product_code))
        .limit(limit)
    )
    return [(code, int(amount), customers) for code, amount, customers in found.tuples()]
