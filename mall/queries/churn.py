"""How likely customers are to stay away, and what goes with them, in SQL: `mall.models.churn` over many at once.

Each takes what has the columns of a purchase profile: `PurchaseProfile` itself, or the columns of a selectable.
"""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Date, Float, case, cast, func, literal, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import TypeEngine
from sqlmodel import col

from kernel.days import days_between
from mall.models import ChurnRisk, PurchaseProfile
from mall.models.churn import DECAY_DAYS, EPOCH, HIGH_FROM, HORIZON_DAYS, MEDIUM_FROM, faded

RISK: TypeEngine[Any] = PurchaseProfile.__table__.c.churn_risk.type  # type: ignore[attr-defined]  # set by SQLModel
_MOST_DAYS = 100 * DECAY_DAYS
"""What lies further away is taken for no further: PostgreSQL refuses powers too small to be told from 0."""


def purchase_weight(day: ColumnElement[date]) -> ColumnElement[float]:
    """What a purchase day adds to `rhythm`: exp((day - EPOCH) / τ)."""
    return _exp(cast(_within(days_between(day, literal(EPOCH, Date())), -_MOST_DAYS), Float) / float(DECAY_DAYS))


def decayed(day: date, of: Any = PurchaseProfile) -> ColumnElement[float]:
    """S on that day."""
    still: ColumnElement[float] = of.rhythm * faded(day)
    return still


def exposure(day: date, of: Any = PurchaseProfile) -> ColumnElement[float]:
    """E on that day, in days; null without a purchase."""
    days = _within(days_between(literal(day, Date()), of.first_day), 0)
    return float(DECAY_DAYS) * (1.0 - _exp(-cast(days, Float) / float(DECAY_DAYS)))


def stays_away(
    day: date, patience_days: float | ColumnElement[float], of: Any = PurchaseProfile
) -> ColumnElement[float]:
    """The probability, 0 to 1, that nothing is bought in the 91 days after that day; null without a purchase."""
    waited = patience_days + exposure(day, of)
    return func.power(waited / (waited + float(HORIZON_DAYS)), 1.0 + decayed(day, of), type_=Float())


def value_at_risk(
    day: date,
    patience_days: float | ColumnElement[float],
    of: Any = PurchaseProfile,
    spend: ColumnElement[int] | None = None,
) -> ColumnElement[int]:
    """What is expected to stay away of a spend, by default that of the last 12 months, in minor units."""
    spent: Any = of.net_12_months if spend is None else spend
    expected = stays_away(day, patience_days, of) * cast(case((spent < 0, 0), else_=spent), Float)
    return cast(func.round(expected), BigInteger)


def risk(day: date, patience_days: float, of: Any = PurchaseProfile) -> ColumnElement[ChurnRisk | None]:
    """The band on that day; null without a purchase."""
    probability, kind = stays_away(day, patience_days, of), RISK
    bands = ((HIGH_FROM, ChurnRisk.HIGH), (MEDIUM_FROM, ChurnRisk.MEDIUM), (0.0, ChurnRisk.LOW))
    return type_coerce(case(*((probability >= least, literal(band, kind)) for least, band in bands)), kind)


def patience(day: date, of: Any = PurchaseProfile) -> ColumnElement[Any]:
    """`a`, as an aggregate over customers with an order; null where nobody bought on two days."""
    return func.sum(exposure(day, of)) / func.nullif(func.sum(decayed(day, of)), 0.0)


async def patience_days(session: AsyncSession, brand_id: UUID, day: date) -> float | None:
    """How many days of exposure the brand's customers have for each decayed purchase; null before the first."""
    found: float | None = await session.scalar(
        select(patience(day)).where(col(PurchaseProfile.brand_id) == brand_id, col(PurchaseProfile.purchase_days) > 0)
    )
    return found


def _exp(exponent: ColumnElement[Any]) -> ColumnElement[float]:
    return func.exp(exponent, type_=Float())


def _within(days: ColumnElement[int], least: int) -> ColumnElement[int]:
    return case((days < least, least), (days > _MOST_DAYS, _MOST_DAYS), else_=days)
