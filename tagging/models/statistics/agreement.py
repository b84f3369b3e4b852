"""Whether two people would say the same."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

from tagging.models.statistics.intervals import LEVEL, Interval, quantile


@dataclass(frozen=True, slots=True)
class Agreement:
    """Cohen's κ of two raters over `pairs` things: 1 is full agreement, 0 what chance alone brings about."""

    pairs: int
    observed: float
    kappa: float
    standard_error: float
    interval: Interval


def kappa(pairs: Mapping[tuple[str, str], int], *, level: float = LEVEL) -> Agreement | None:
    """Cohen's κ = (p_o − p_e) / (1 − p_e) of two raters' categories, and its large-sample standard error.

    The error is that of Fleiss, Cohen & Everitt (1969, eq. 13). None without pairs, and when chance alone would
    have them always agree: both know one category only, so nothing was compared.
    """
    number = sum(pairs.values())
    if not number:
        return None
    cells = {cell: count / number for cell, count in pairs.items() if count}
    first: defaultdict[str, float] = defaultdict(float)
    second: defaultdict[str, float] = defaultdict(float)
    for (one, other), share in cells.items():
        first[one] += share
        second[other] += share
    observed = sum(share for (one, other), share in cells.items() if one == other)
    chance = sum(first[category] * second[category] for category in set(first))
    if chance >= 1 - 1e-12:
        return None
    value = (observed - chance) / (1 - chance)
    agreed = sum(
        share * (1 - (first[one] + second[one]) * (1 - value)) ** 2
        for (one, other), share in cells.items()
        if one == other
    )
    apart = sum(share * (second[one] + first[other]) ** 2 for (one, other), share in cells.items() if one != other)
    variance = agreed + (1 - value) ** 2 * apart - (value - chance * (1 - value)) ** 2
    error = sqrt(max(0.0, variance) / number) / (1 - chance)
    reach = quantile(level) * error
    return Agreement(number, observed, value, error, Interval(max(-1.0, value - reach), min(1.0, value + reach)))
