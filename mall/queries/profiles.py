"""Reads of purchase profiles, and the churn band as SQL."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, case, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Brand
from directory.queries.stores import home_zone
from kernel import clock
from kernel.actor import Actor
from mall.models import ChurnBand, Order, PurchaseProfile, Refund, year_before
from mall.policy import profiles_visible_to

ProfileRow = Row[*tuple[Any, ...]]

_COLUMNS = tuple(PurchaseProfile.__table__.columns)  # type: ignore[attr-defined]  # set by SQLModel
_TOP = 5


class Setting(NamedTuple):
    """What a brand's figures depend on besides its rows: the day where most of its stores are, and its money."""

    today: date
    currency: str


async def setting(session: AsyncSession, brand_id: UUID) -> Setting:
    """The brand's calendar day now, and its currency."""
    currency = await session.scalar(select(col(Brand.currency)).where(col(Brand.id) == brand_id))
    zone = await home_zone(session, brand_id)
    return Setting(clock.store_day(clock.now(), zone), currency or "")


async def by_customers(session: AsyncSession, actor: Actor, customer_ids: Sequence[UUID]) -> dict[UUID, ProfileRow]:
    """The profiles of these customers, as far as the actor may read orders. Who has none bought nothing.

    A profile counts the purchases in all stores of the brand, also where the actor sees only one of them.
    """
    found = await session.execute(
        select(*_COLUMNS).where(profiles_visible_to(actor), col(PurchaseProfile.customer_id).in_(customer_ids))
    )
    return {row.customer_id: row for row in found}


async def due(session: AsyncSession, brand_id: UUID, today: date, most: int) -> Sequence[UUID]:
    """Customers whose profile has to be worked out again: marked, or with a day that is a year ago by now."""
    found = await session.scalars(
        select(col(PurchaseProfile.customer_id))
        .where(col(PurchaseProfile.brand_id) == brand_id, col(PurchaseProfile.counted_from) <= year_before(today))
        .order_by(col(PurchaseProfile.counted_from), col(PurchaseProfile.customer_id))
        .limit(most)
    )
    return found.all()


async def buyers(
    session: AsyncSession, brand_id: UUID, *, orders: Collection[UUID], refunds: Collection[UUID]
) -> set[UUID]:
    """The customers of these orders and refunds; guests have none."""
    found: set[UUID] = set()
    for table, keys in ((Order, orders), (Refund, refunds)):
        if keys:
            ids = await session.scalars(
                select(col(table.customer_id)).where(
                    col(table.brand_id) == brand_id,
                    col(table.id).in_(sorted(keys)),
                    col(table.customer_id).is_not(None),
                )
            )
            found.update(customer_id for customer_id in ids if customer_id is not None)
    return found


def band_is(bands: Collection[ChurnBand], today: date) -> ColumnElement[bool]:
    """`mall.models.churn_band` in SQL, over `PurchaseProfile`, which may be outer joined: no row is `none`."""
    days, at_risk, lapsed = (
        col(PurchaseProfile.purchase_days),
        col(PurchaseProfile.at_risk_from),
        col(PurchaseProfile.lapsed_from),
    )
    quiet = at_risk > today
    each = {
        ChurnBand.NONE: at_risk.is_(None),
        ChurnBand.NEW: and_(quiet, days == 1),
        ChurnBand.ACTIVE: and_(quiet, days > 1),
        ChurnBand.AT_RISK: and_(at_risk <= today, lapsed > today),
        ChurnBand.LAPSED: lapsed <= today,
    }
    return or_(*(each[band] for band in ChurnBand if band in bands), false())


SCORED = {"recency_score": "last_day", "frequency_score": "purchase_days", "monetary_score": "net"}
"""Which figure each score ranks; more is better."""


async def cuts(session: AsyncSession, brand_id: UUID, figure: str) -> Mapping[int, Any]:
    """For each score from 2 to 5 the value that a customer has to exceed for it; empty without customers.

    A customer's score is 1 + floor(5 · w / n): w customers have a lower value, of n with an order. So equal values
    have equal scores, and without ties each score goes to a fifth. w ≥ (k − 1) · n / 5 just when the value exceeds
    the ⌈(k − 1) · n / 5⌉-th lowest.
    """
    value = getattr(PurchaseProfile, figure)
    counted = (
        select(value.label("value"), func.count().label("many"))
        .where(col(PurchaseProfile.brand_id) == brand_id, col(PurchaseProfile.purchase_days) > 0)
        .group_by(value)
        .cte("counted")
    )
    running = select(
        counted.c.value,
        func.sum(counted.c.many).over(order_by=counted.c.value).label("so_far"),
        func.sum(counted.c.many).over().label("all"),
    ).cte("running")
    places = {score: (running.c.all * (score - 1) + _TOP - 1) // _TOP for score in range(2, _TOP + 1)}
    found = await session.execute(
        select(*(func.min(case((running.c.so_far >= place, running.c.value))) for place in places.values()))
    )
    values = found.one()
    return {} if values[0] is None else dict(zip(places, values, strict=True))


def score_by(figure: str, values: Mapping[int, Any]) -> ColumnElement[int]:
    """The score that these cuts give: 1, and one more for each that is exceeded."""
    value: Any = getattr(PurchaseProfile, figure)
    above: list[tuple[Any, Any]] = [(value > values[score], score) for score in sorted(values, reverse=True)]
    return case(*above, else_=1)
