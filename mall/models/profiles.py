"""What a customer's purchases amount to, and how long a silence is usual for them."""

from datetime import date, timedelta
from enum import StrEnum
from math import ceil
from typing import Protocol
from uuid import UUID

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from kernel.db import Json, enum_of, refers

DUE = date(1970, 1, 1)
"""`counted_from` of a profile that has to be worked out again, whatever the day."""

AT_RISK_AFTER_GAPS, LAPSED_AFTER_GAPS = 2, 4
AT_RISK_LEAST, LAPSED_LEAST = 30, 90
AT_RISK_MOST, LAPSED_MOST = 365, 730
AT_RISK_AFTER_ONE_DAY, LAPSED_AFTER_ONE_DAY = 60, 180
"""Days of silence, or the customer's usual gap so many times.

Measured on 12,425 gaps of a real shop (Online Retail, UCI 352): after two purchase days or more, 23 % of silences
outlast twice the customer's median gap so far, and 13 % four times. Of customers with one purchase day 65 % are silent
for more than 60 days, of whom two fifths come back within the next 90; after 180 days it is a quarter.
"""


class ChurnBand(StrEnum):
    """How a customer's silence compares with what is usual for them.

    `none` has bought nothing; `new` has bought on one day, less than 60 days ago; `active` on several, and not yet
    as long ago as would be unusual; `at_risk` and `lapsed` are silent for unusually, and very unusually long.
    """

    NONE = "none"
    NEW = "new"
    ACTIVE = "active"
    AT_RISK = "at_risk"
    LAPSED = "lapsed"


class ChurnRisk(StrEnum):
    """How likely a customer is not to buy within 91 days: less than 40 %, less than 65 %, or more."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class PurchaseProfile(SQLModel, table=True):
    """What a customer's purchases amount to: a pure function of their orders and refunds, kept to be searched by.

    Cancelled orders don't count. Amounts are in the currency's minor unit, each exact and rounded once; days are
    those of the stores. `net` is gross less refunds; `net_12_months` counts the days after that a year before
    `as_of`, the earliest of which is `counted_from`: once it is a year ago, or is `DUE`, the row is to be worked out
    again. `at_risk_from` and `lapsed_from` are the days from which the silence is unusual for this customer, and then
    very unusual: the churn band of any day follows from them. Scores run from 1 to 5 (best) within the brand, as of
    the last night (`ScoreScale`); null before it. `rhythm` is the decayed number of purchase days but for the first, as
    of 1 January 2000: `mall.models.churn` says what it is for, and what the risk is. Who never bought nor got money
    back has no row, or one of zeros.
    """

    __tablename__ = "purchase_profile"
    __table_args__ = (
        refers("customer_id", "customer"),
        Index("ix_purchase_profile_counted_from", "brand_id", "counted_from", "customer_id"),
    )

    brand_id: UUID = Field(primary_key=True)
    customer_id: UUID = Field(primary_key=True)
    orders: int = 0
    purchase_days: int = 0
    gross: int = Field(default=0, sa_type=BigInteger)
    refunds: int = Field(default=0, sa_type=BigInteger)
    net: int = Field(default=0, sa_type=BigInteger)
    net_12_months: int = Field(default=0, sa_type=BigInteger)
    first_day: date | None = None
    last_day: date | None = None
    median_gap_days: float | None = None
    at_risk_from: date | None = None
    lapsed_from: date | None = None
    recency_score: int | None = None
    frequency_score: int | None = None
    monetary_score: int | None = None
    rhythm: float = 0.0
    churn_risk: ChurnRisk | None = Field(default=None, sa_type=enum_of(ChurnRisk))
    value_at_risk_score: int | None = None
    counted_from: date | None = None
    as_of: date


class ScoreScale(SQLModel, table=True):
    """By what a brand's customers are scored, as of a night: under each score's name the four values to exceed.

    `cuts` has them for the scores 2 to 5, days as their ordinal; none where there is no customer. `patience_days` is
    `a` of `mall.models.churn`: how many days of exposure the brand's customers have for each decayed purchase.
    """

    __tablename__ = "score_scale"

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    scored_on: date
    cuts: dict[str, list[int]] = Field(sa_type=Json)
    patience_days: float | None = None


class Purchases(Protocol):
    """As much of a profile as its churn band takes."""

    @property
    def purchase_days(self) -> int: ...
    @property
    def at_risk_from(self) -> date | None: ...
    @property
    def lapsed_from(self) -> date | None: ...


def churn_band(purchases: Purchases | None, today: date) -> ChurnBand:
    """The band on that day; without a profile, `none`. `mall.queries.profiles.band_is` says the same in SQL."""
    if purchases is None or purchases.at_risk_from is None or purchases.lapsed_from is None:
        return ChurnBand.NONE
    if today >= purchases.lapsed_from:
        return ChurnBand.LAPSED
    if today >= purchases.at_risk_from:
        return ChurnBand.AT_RISK
    return ChurnBand.NEW if purchases.purchase_days == 1 else ChurnBand.ACTIVE


def patience(median_gap_days: float | None) -> tuple[int, int]:
    """After how many days of silence a customer with this median gap is at risk, and lapsed.

    Two and four gaps, within 30 to 365 and 90 to 730 days; without a gap, as after one purchase day, 60 and 180.
    """
    if median_gap_days is None:
        return AT_RISK_AFTER_ONE_DAY, LAPSED_AFTER_ONE_DAY
    at_risk = ceil(AT_RISK_AFTER_GAPS * median_gap_days)
    lapsed = ceil(LAPSED_AFTER_GAPS * median_gap_days)
    return min(max(at_risk, AT_RISK_LEAST), AT_RISK_MOST), min(max(lapsed, LAPSED_LEAST), LAPSED_MOST)


def year_before(day: date) -> date:
    """The same date a year earlier; the 28th for a 29th of February."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day - timedelta(days=366)
