"""Reads of purchase profiles, and the churn band as SQL."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Integer,
    Row,
    Select,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    false,
    func,
    literal,
    or_,
    select,
    union,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Brand
from directory.queries.stores import home_zone_of
from kernel import clock
from kernel.actor import Actor
from kernel.db import OneOf
from mall.models import ChurnBand, Order, PurchaseProfile, Refund, ScoreScale, year_before
from mall.policy import profiles_visible_to
from mall.queries import churn
from mall.queries.purchase_figures import COLUMNS, figures

ProfileRow = Row[*tuple[Any, ...]]

_COLUMNS = tuple(PurchaseProfile.__table__.columns)  # type: ignore[attr-defined]  # set by SQLModel
_TOP = 5
_LEAST_DIFFERENCE = 1e-9  # of the figure itself


# Put together once: they are asked with each order.
_BRAND = bindparam("brand", type_=Uuid())
_SETTING = select(col(Brand.currency), home_zone_of(_BRAND)).where(col(Brand.id) == _BRAND)
_ORDERERS, _REFUNDED = (
    select(col(table.customer_id)).where(
        col(table.brand_id) == _BRAND, OneOf(col(table.id), "keys"), col(table.customer_id).is_not(None)
    )
    for table in (Order, Refund)
)


class Setting(NamedTuple):
    """What a brand's figures depend on besides its rows: the day where most of its stores are, and its money."""

    today: date
    currency: str


async def setting(session: AsyncSession, brand_id: UUID) -> Setting:
    """The brand's calendar day now, and its currency."""
    currency, zone = (await session.execute(_SETTING, {"brand": brand_id})).one()
    return Setting(clock.store_day(clock.now(), zone or "UTC"), currency)


async def by_customers(session: AsyncSession, actor: Actor, customer_ids: Sequence[UUID]) -> dict[UUID, ProfileRow]:
    """The profiles of these customers, as far as the actor may read orders. Who has none bought nothing.

    A profile counts the purchases in all stores of the brand, also where the actor sees only one of them. `scored_on`
    is the night of its scores, `time_zone` that of most of the brand's stores.
    """
    found = await session.execute(
        select(*_COLUMNS, col(ScoreScale.scored_on), home_zone_of(actor.brand_id).label("time_zone"))
        .outerjoin(ScoreScale, col(ScoreScale.brand_id) == col(PurchaseProfile.brand_id))
        .where(profiles_visible_to(actor), col(PurchaseProfile.customer_id).in_(customer_ids))
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


async def disagreeing(session: AsyncSession, brand_id: UUID, most: int = 2_000) -> Select[UUID]:
    """Customers whose profile doesn't say what their orders say; due ones are known to be behind.

    Looks at the customers of the latest orders, and at the first profiles, so many of each: at all of a small brand.
    """
    today, currency = await setting(session, brand_id)
    window = year_before(today)
    latest = (
        select(col(Order.customer_id).label("customer_id"))
        .where(col(Order.brand_id) == brand_id, col(Order.customer_id).is_not(None))
        .order_by(col(Order.placed_at).desc())
        .limit(most)
        .subquery()
    )
    first = (
        select(col(PurchaseProfile.customer_id))
        .where(col(PurchaseProfile.brand_id) == brand_id)
        .order_by(col(PurchaseProfile.customer_id))
        .limit(most)
        .subquery()
    )
    some = union(select(latest.c.customer_id), select(first.c.customer_id)).subquery()
    whose = select(literal(brand_id, Uuid()).label("brand_id"), some.c.customer_id).cte("whose")
    true = figures(whose, currency, literal(window, Date())).cte("true_figures")
    kept = PurchaseProfile.__table__  # type: ignore[attr-defined]  # set by SQLModel
    differs = or_(*(_differs(name, true.c[name], kept.c[name]) for name in COLUMNS))
    is_due = kept.c.counted_from <= window
    return (
        select(true.c.customer_id)
        .outerjoin(kept, and_(kept.c.brand_id == brand_id, kept.c.customer_id == true.c.customer_id))
        .where(
            case(
                (kept.c.customer_id.is_(None), or_(true.c.orders > 0, true.c.refunds > 0)),
                (is_due, false()),
                else_=differs,
            )
        )
        .order_by(true.c.customer_id)
    )


async def buyers(
    session: AsyncSession, brand_id: UUID, *, orders: Collection[UUID], refunds: Collection[UUID]
) -> set[UUID]:
    """The customers of these orders and refunds; guests have none."""
    found: set[UUID] = set()
    for statement, keys in ((_ORDERERS, orders), (_REFUNDED, refunds)):
        if keys:
            found.update(await session.scalars(statement, {"brand": brand_id, "keys": sorted(keys)}))
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


SCORES = ("recency_score", "frequency_score", "monetary_score", "value_at_risk_score")


def scored(day: date, patience_days: float | None) -> dict[str, ColumnElement[Any]]:
    """Which figure each score ranks; more is a higher score. Without patience nobody's value is at risk."""
    figures: dict[str, Any] = {
        "recency_score": col(PurchaseProfile.last_day),
        "frequency_score": col(PurchaseProfile.purchase_days),
        "monetary_score": col(PurchaseProfile.net),
    }
    if patience_days is not None:
        figures["value_at_risk_score"] = churn.value_at_risk(day, patience_days)
    return figures


async def cuts(session: AsyncSession, brand_id: UUID, value: ColumnElement[Any]) -> list[int]:
    """For each score from 2 to 5 the value that a customer has to exceed for it; empty without customers.

    A customer's score is 1 + floor(5 · w / n): w customers have a lower value, of n with an order. So equal values
    have equal scores, and without ties each score goes to a fifth. w ≥ (k - 1) · n / 5 just when the value exceeds
    the ⌈(k - 1) · n / 5⌉-th lowest.
    """
    each = (
        select(value.label("value"))
        .where(col(PurchaseProfile.brand_id) == brand_id, col(PurchaseProfile.purchase_days) > 0)
        .subquery()
    )
    counted = select(each.c.value, func.count().label("many")).group_by(each.c.value).cte("counted")
    running = select(
        counted.c.value,
        cast(func.sum(counted.c.many).over(order_by=counted.c.value), BigInteger).label("so_far"),
        cast(func.sum(counted.c.many).over(), BigInteger).label("all"),
    ).cte("running")
    places = [(running.c.all * below + _TOP - 1) // _TOP for below in range(1, _TOP)]
    found = await session.execute(
        select(*(func.min(case((running.c.so_far >= place, running.c.value))) for place in places))
    )
    return [value.toordinal() if isinstance(value, date) else value for value in found.one() if value is not None]


async def scale(session: AsyncSession, brand_id: UUID) -> ScoreScale | None:
    """By what the brand's customers were scored last; nothing before the first night."""
    return await session.get(ScoreScale, brand_id)


async def misjudged(
    session: AsyncSession, brand_id: UUID, scale: ScoreScale, after: UUID, most: int
) -> tuple[UUID | None, Sequence[UUID]]:
    """Of the next profiles behind that customer, those whose scores differ from the scale's, locked in key order.

    Returns the last customer looked at too, or nothing where none is left.
    """
    key = col(PurchaseProfile.customer_id)
    behind = (col(PurchaseProfile.brand_id) == brand_id, key > after)
    last = await session.scalar(select(key).where(*behind).order_by(key).offset(most - 1).limit(1))
    within = behind if last is None else (*behind, key <= last)
    differs = or_(*(getattr(PurchaseProfile, name).is_distinct_from(of) for name, of in scores_by(scale).items()))
    found = await session.scalars(select(key).where(*within, differs).order_by(key).with_for_update(key_share=True))
    return last, found.all()


def scores_by(scale: ScoreScale) -> dict[str, ColumnElement[Any]]:
    """What a scale gives, as SQL: scores of 1, and one more for each cut that is exceeded; null without an order.

    The risk of churn is that on the scale's day.
    """
    figures = scored(scale.scored_on, scale.patience_days)
    found = {name: _score(figures.get(name), scale.cuts.get(name, [])) for name in SCORES}
    nobody = literal(None, churn.RISK)
    patience = scale.patience_days
    return found | {"churn_risk": nobody if patience is None else churn.risk(scale.scored_on, patience)}


def _score(value: ColumnElement[Any] | None, cuts: Sequence[int]) -> ColumnElement[int | None]:
    if value is None:
        return literal(None, Integer())
    is_day = isinstance(value.type, Date)
    limits = [(number, date.fromordinal(cut) if is_day else cut) for number, cut in enumerate(cuts, 2)]
    above = [(value > limit, number) for number, limit in reversed(limits)]
    return case((col(PurchaseProfile.purchase_days) == 0, None), *above, else_=1)


def _differs(name: str, true: ColumnElement[Any], kept: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether two figures differ; sums of fractions, by more than the order of summing makes out."""
    if name != "rhythm":
        return true.is_distinct_from(kept)
    return func.abs(true - kept) > (true + kept) * _LEAST_DIFFERENCE
