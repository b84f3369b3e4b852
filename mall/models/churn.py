"""How likely a customer is to stay away: a decayed purchase rate, without anything fitted.

Each purchase day but the first counts exp(-age / τ), with τ = 365 days: S is their sum. Over the T days since the
first purchase the exposure is E = τ (1 - exp(-T / τ)). With a = ΣE / ΣS over all of a brand's customers, the
probability of no purchase in the next 91 days is ((a + E) / (a + E + 91)) ^ (1 + S): a gamma-Poisson rate whose prior
is one purchase in `a` days. What is kept is S as of `EPOCH`, which time doesn't change.
`mall.queries.churn` says the same in SQL.
"""

from datetime import date
from math import exp

from mall.models.profiles import ChurnRisk

EPOCH = date(2000, 1, 1)
DECAY_DAYS = 365
HORIZON_DAYS = 91
MEDIUM_FROM, HIGH_FROM = 0.4, 0.65


def decayed(rhythm: float, day: date) -> float:
    """S on that day, from what a profile keeps."""
    return rhythm * faded(day)


def faded(day: date) -> float:
    """What a purchase of the `EPOCH` still counts on that day; what lies a century before it counts as that."""
    return exp(min(-(day - EPOCH).days / DECAY_DAYS, 100))


def exposure(first_day: date, day: date) -> float:
    """E on that day, in days; 0 where the first purchase is later, as on a calendar further east."""
    return DECAY_DAYS * (1 - exp(-max((day - first_day).days, 0) / DECAY_DAYS))


def stays_away(rhythm: float, first_day: date, day: date, patience_days: float) -> float:
    """The probability, 0 to 1, that nothing is bought in the 91 days after that day."""
    waited = patience_days + exposure(first_day, day)
    share: float = (waited / (waited + HORIZON_DAYS)) ** (1 + decayed(rhythm, day))
    return share


def value_at_risk(probability: float, spend: int) -> int:
    """What is expected to stay away of that spend, in minor units; who got more back than they paid has none."""
    return round(probability * max(spend, 0))


def risk_of(probability: float) -> ChurnRisk:
    """The band that is shown instead of a percentage."""
    if probability >= HIGH_FROM:
        return ChurnRisk.HIGH
    return ChurnRisk.MEDIUM if probability >= MEDIUM_FROM else ChurnRisk.LOW
