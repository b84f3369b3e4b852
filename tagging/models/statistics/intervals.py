"""The interval of one share, and how many have to be drawn for a wanted one."""

from dataclasses import dataclass
from math import ceil, sqrt
from statistics import NormalDist

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`, both included."""

    low: float
    high: float

    @property
    def half_width(self) -> float:
        return (self.high - self.low) / 2

    def holds(self, value: float) -> bool:
        """Whether the value lies within."""
        return self.low - 1e-12 <= value <= self.high + 1e-12


def quantile(level: float = LEVEL) -> float:
    """How many standard errors an interval reaches to either side: 1.96 for 0.95."""
    return NormalDist().inv_cdf((1 + level) / 2)


def wilson(share: float, number: float, *, population: float | None = None, level: float = LEVEL) -> Interval:
    """The score interval (Wilson 1927) of a share among `number` drawn, which need not be whole.

    (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n). Drawn without replacement from a `population`, n counts as
    n·(N−1)/(N−n) (Cochran 1977, 2.6): who has looked at everything is sure.
    """
    if number <= 0:
        return Interval(0.0, 1.0)
    if population is not None:
        if population <= number:
            return Interval(share, share)
        number *= (population - 1) / (population - number)
    z = quantile(level)
    weight = 1 + z * z / number
    centre = (share + z * z / (2 * number)) / weight
    reach = z * sqrt(share * (1 - share) / number + z * z / (4 * number * number)) / weight
    return Interval(max(0.0, centre - reach), min(1.0, centre + reach))


def sample_size(half_width: float, *, share: float = 0.5, population: int | None = None, level: float = LEVEL) -> int:
    """How many to draw so that the interval reaches `half_width` to either side (Cochran 1977, 4.2).

    n0 = z²·p(1−p)/d², and for a population N: n0 / (1 + (n0 − 1)/N). `share` 0.5 is the worst case.
    """
    number = quantile(level) ** 2 * share * (1 - share) / half_width**2
    return ceil(number if population is None else number / (1 + (number - 1) / population))
