"""How many customers a brand loses with guides who leave: measured where there is history, or else from research."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Relationship
from handover.models import Handover, HandoverItem, HandoverKind, HeldHere
from kernel.days import moment_after
from kernel.db import UtcDateTime
from mall.models import COUNTED_STATES, Order

BOUGHT_WITHIN, SILENT_FOR, LOOKS_BACK = 365, 180, 730
"""Days before a customer moved within which they bought, days after it in which they didn't, and how far back."""

LEAST_CUSTOMERS, MOST_CUSTOMERS = 50, 20_000
USUAL_LOW, USUAL_HIGH = 0.132, 0.176
"""What a business customer's annual sales fell by when their sales representative left, against like customers of those
who stayed: H. Shi, S. Sridhar, R. Grewal and G. Lilien, Sales Representative Departures and Customer Reassignment
Strategies in Business-to-Business Markets, Journal of Marketing 81 (2), 2017, 25-44. Shops may differ."""

_CONFIDENCE = 1.96


@dataclass(frozen=True, slots=True)
class LossRate:
    """The part of a guide's customers who are lost when the guide leaves; `low` to `high` is how sure that is.

    Measured: `customers` is how many it was measured on, and the range is Wilson's interval of 95 % (E. B. Wilson,
    Journal of the American Statistical Association 22, 1927, 209-212). Otherwise the range is that of research on
    other businesses, `rate` its middle, and `customers` how few there are so far.
    """

    rate: float
    low: float
    high: float
    customers: int
    is_measured: bool


async def loss_rate(session: AsyncSession, brand_id: UUID, now: datetime) -> LossRate:
    """Of the customers who moved away from a guide who left, two years to 180 days ago, those who stayed away.

    They had bought in the brand within the 365 days before they moved, and didn't in the 180 days after; the newest
    20,000 count. With fewer than 50 there is no history to speak of. Customers who would have stayed away anyhow are
    counted too: the rate is what was lost with guides, not because of them.
    """
    moved_at = func.min(col(HandoverItem.moved_at)).label("moved_at")
    latest = now - timedelta(days=SILENT_FOR)
    moved = (
        select(col(Relationship.customer_id), moved_at)
        .select_from(HandoverItem)
        .join(
            Handover,
            and_(col(Handover.brand_id) == brand_id, col(Handover.id) == col(HandoverItem.handover_id)),
        )
        .join(
            Relationship,
            and_(col(Relationship.brand_id) == brand_id, col(Relationship.id) == col(HandoverItem.relationship_id)),
        )
        .where(
            col(HandoverItem.brand_id) == brand_id,
            col(HandoverItem.here) == HeldHere.MOVED,
            col(Handover.kind) == HandoverKind.RESIGNATION,
            col(Handover.undoes_id).is_(None),
            col(HandoverItem.moved_at) <= literal(latest, UtcDateTime()),
            col(HandoverItem.moved_at) > literal(latest - timedelta(days=LOOKS_BACK), UtcDateTime()),
        )
        .group_by(col(Relationship.customer_id))
        .order_by(moved_at.desc(), col(Relationship.customer_id))
        .limit(MOST_CUSTOMERS)
        .subquery("moved")
    )
    at = moved.c.moved_at
    before = _bought(brand_id, moved.c.customer_id, moment_after(at, literal(-BOUGHT_WITHIN)), at)
    after = _bought(brand_id, moved.c.customer_id, at, moment_after(at, literal(SILENT_FOR)))
    customers, lost = (
        await session.execute(select(func.count(), func.count().filter(~after)).select_from(moved).where(before))
    ).one()
    return rate_of(customers, lost)


def rate_of(customers: int, lost: int) -> LossRate:
    """The rate of so many customers of whom so many were lost."""
    if customers < LEAST_CUSTOMERS:
        return LossRate((USUAL_LOW + USUAL_HIGH) / 2, USUAL_LOW, USUAL_HIGH, customers, is_measured=False)
    rate, square = lost / customers, _CONFIDENCE**2
    middle = (rate + square / (2 * customers)) / (1 + square / customers)
    half = _CONFIDENCE * sqrt(rate * (1 - rate) / customers + square / (4 * customers**2)) / (1 + square / customers)
    return LossRate(rate, max(0.0, middle - half), min(1.0, middle + half), customers, is_measured=True)


def _bought(
    brand_id: UUID, customer_id: ColumnElement[UUID], after: ColumnElement[datetime], until: ColumnElement[datetime]
) -> ColumnElement[bool]:
    return exists().where(
        col(Order.brand_id) == brand_id,
        col(Order.customer_id) == customer_id,
        col(Order.state).in_(COUNTED_STATES),
        col(Order.placed_at) > after,
        col(Order.placed_at) <= until,
    )
