"""Read what every figure is worked out from: orders and refunds, each by the calendar of its store."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Customer
from directory.models import Account, Staff, Store
from mall.models import (
    COUNTED_STATES,
    EXACT_DIGITS,
    Credit,
    LineKind,
    Order,
    OrderLine,
    Refund,
    RefundCharge,
    RefundLine,
    minor_digits,
)

_AT_ONCE = 10_000


Parts = tuple[tuple[str, int], ...]


class Sale(NamedTuple):
    """An order. `guides` are the staff numbers that it is credited to, each with their part; amounts are exact, in
    millionths."""

    customer: UUID | None
    number: str
    day: date
    clock: time
    placed_at: datetime
    country: str | None
    store: str
    guides: Parts
    amount: int


class Return(NamedTuple):
    """A refund. `guides` are those who bear it; amounts as with a sale."""

    customer: UUID | None
    day: date
    store: str
    guides: Parts
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
        """Every month from the first order or refund to the last."""
        days = {sale.day for sale in self.sales} | {given_back.day for given_back in self.returns}
        if not days:
            return []
        first, last = min(days), max(days)
        count = (last.year - first.year) * 12 + last.month - first.month + 1
        numbers = range(first.month - 1, first.month - 1 + count)
        return [f"{first.year + number // 12}-{number % 12 + 1:02}" for number in numbers]


async def read(session: AsyncSession, brand_id: UUID, currency: str, until: date) -> Basis:
    """Orders that stand and refunds, dated on or before that day."""
    basis, scale = Basis(), scale_of(currency)
    left_over = await _left_over(session, brand_id, OrderLine, col(OrderLine.order_id))
    earned = await _parts(session, brand_id, Credit, col(Credit.order_id))
    zones: dict[str, ZoneInfo] = {}
    brand = col(Order.brand_id)
    rows = await session.stream(
        select(
            col(Order.id),
            col(Order.customer_id),
            col(Customer.member_number),
            col(Order.number),
            col(Order.day),
            col(Order.placed_at),
            col(Order.country),
            col(Order.amount),
            col(Store.code),
            col(Store.time_zone),
        )
        .join(Store, (col(Store.brand_id) == brand) & (col(Store.id) == col(Order.store_id)))
        .outerjoin(Customer, (col(Customer.brand_id) == brand) & (col(Customer.id) == col(Order.customer_id)))
        .where(brand == brand_id, col(Order.state).in_(COUNTED_STATES), col(Order.day) <= until)
        .execution_options(yield_per=_AT_ONCE)
    )
    async for key, customer, member, number, day, placed_at, country, amount, store, zone in rows:
        clock = placed_at.astimezone(zones.setdefault(zone, ZoneInfo(zone))).time()
        rest = left_over.get(key, 0)
        guides = _exact_parts(earned.get(key, []), scale, rest)
        basis.sales.append(Sale(customer, number, day, clock, placed_at, country, store, guides, amount * scale + rest))
        if customer is not None:
            basis.members[customer] = member
    basis.days = _days(basis.sales)
    basis.returns = await _returns(session, brand_id, scale, until)
    return basis


async def _parts(
    session: AsyncSession, brand_id: UUID, table: type[Credit] | type[RefundCharge], key: Any
) -> dict[UUID, list[tuple[str | None, int]]]:
    """Of each order or refund the staff numbers who have a part, or none for the store's, with the part's amount."""
    found = await session.stream(
        select(key, col(Staff.number), col(table.amount))
        .outerjoin(Account, (col(Account.brand_id) == col(table.brand_id)) & (col(Account.id) == col(table.account_id)))
        .outerjoin(Staff, (col(Staff.brand_id) == col(table.brand_id)) & (col(Staff.id) == col(Account.staff_id)))
        .where(col(table.brand_id) == brand_id)
        .order_by(key, col(table.part))
        .execution_options(yield_per=_AT_ONCE)
    )
    parts: dict[UUID, list[tuple[str | None, int]]] = defaultdict(list)
    async for row_id, number, amount in found:
        parts[row_id].append((number, amount))
    return parts


def _exact_parts(parts: Sequence[tuple[str | None, int]], scale: int, rest: int) -> Parts:
    """The guides' parts in millionths; what rounding left over is the first part's."""
    return tuple(
        (number, amount * scale + (0 if place else rest))
        for place, (number, amount) in enumerate(parts)
        if number is not None
    )


def scale_of(currency: str) -> int:
    """How many millionths one minor unit is."""
    return int(10 ** (EXACT_DIGITS - minor_digits(currency)))


async def _left_over(
    session: AsyncSession, brand_id: UUID, table: type[OrderLine] | type[RefundLine], key: Any
) -> dict[UUID, int]:
    """What rounding left over of each order or refund, in millionths; most have nothing."""
    found = await session.execute(
        select(key, func.sum(col(table.residue)))
        .where(col(table.brand_id) == brand_id, col(table.residue).is_not(None))
        .group_by(key)
    )
    return {row_id: int(residue) for row_id, residue in found}


def _days(sales: Sequence[Sale]) -> dict[UUID, list[date]]:
    days: dict[UUID, set[date]] = defaultdict(set)
    for sale in sales:
        if sale.customer is not None:
            days[sale.customer].add(sale.day)
    return {customer: sorted(found) for customer, found in days.items()}


async def _returns(session: AsyncSession, brand_id: UUID, scale: int, until: date) -> list[Return]:
    left_over = await _left_over(session, brand_id, RefundLine, col(RefundLine.refund_id))
    borne = await _parts(session, brand_id, RefundCharge, col(RefundCharge.refund_id))
    brand = col(Refund.brand_id)
    found = await session.execute(
        select(col(Refund.id), col(Refund.customer_id), col(Refund.day), col(Store.code), col(Refund.amount))
        .join(Store, (col(Store.brand_id) == brand) & (col(Store.id) == col(Refund.store_id)))
        .where(brand == brand_id, col(Refund.day) <= until, col(Refund.is_void).is_(False))
    )
    returns = []
    for key, customer, day, store, amount in found:
        rest = left_over.get(key, 0)
        guides = _exact_parts(borne.get(key, []), scale, rest)
        returns.append(Return(customer, day, store, guides, amount * scale + rest))
    return returns


def _exact(table: type[OrderLine] | type[RefundLine], scale: int) -> Any:
    """The exact sum of a group of lines, in millionths."""
    return func.coalesce(func.sum(col(table.amount)), 0) * scale + func.coalesce(func.sum(col(table.residue)), 0)


async def goods(session: AsyncSession, brand_id: UUID, currency: str, until: date) -> tuple[int, int]:
    """Merchandise sold, and given back, without services such as postage; in millionths."""
    scale = scale_of(currency)
    sold = (
        select(_exact(OrderLine, scale))
        .join(Order, (col(Order.brand_id) == col(OrderLine.brand_id)) & (col(Order.id) == col(OrderLine.order_id)))
        .where(
            col(OrderLine.brand_id) == brand_id,
            col(OrderLine.kind) == LineKind.GOODS,
            col(Order.state).in_(COUNTED_STATES),
            col(Order.day) <= until,
        )
    )
    brand = col(RefundLine.brand_id)
    returned = (
        select(_exact(RefundLine, scale))
        .join(Refund, (col(Refund.brand_id) == brand) & (col(Refund.id) == col(RefundLine.refund_id)))
        .where(
            brand == brand_id,
            col(RefundLine.kind) == LineKind.GOODS,
            col(Refund.day) <= until,
            col(Refund.is_void).is_(False),
        )
    )
    return int(await session.scalar(sold) or 0), int(await session.scalar(returned) or 0)


async def best_goods(
    session: AsyncSession, brand_id: UUID, currency: str, until: date, limit: int
) -> list[tuple[str, int, int]]:
    """The products that brought most: code, amount in millionths, distinct customers. Ties by code."""
    total = _exact(OrderLine, scale_of(currency))
    found = await session.execute(
        select(col(OrderLine.product_code), total, func.count(col(Order.customer_id).distinct()))
        .join(Order, (col(Order.brand_id) == col(OrderLine.brand_id)) & (col(Order.id) == col(OrderLine.order_id)))
        .where(
            col(OrderLine.brand_id) == brand_id,
            col(OrderLine.kind) == LineKind.GOODS,
            col(Order.state).in_(COUNTED_STATES),
            col(Order.day) <= until,
        )
        .group_by(col(OrderLine.product_code))
        .order_by(total.desc(), col(OrderLine.product_code))
        .limit(limit)
    )
    return [(code, int(amount), customers) for code, amount, customers in found]
