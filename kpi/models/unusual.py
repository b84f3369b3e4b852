"""Whether a value is unusual beside others of its kind, by a rule that a few odd ones among these can't spoil. No I/O.

Modified z-scores, after B. Iglewicz and D. Hoaglin, How to Detect and Handle Outliers (1993): by the median, and by the
median of the deviations from it. Where more than half of the values are the same, that is 0, and they take the mean of
the deviations.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import median

FEWEST = 4
"""Of fewer values nothing is said."""

FURTHEST = Fraction(35, 10)
"""A score beyond that, on either side, is unusual."""

_OF_MEDIAN = Fraction(6745, 10_000)  # of normal values: the median of the deviations, in standard deviations
_OF_MEAN = Fraction(1_253_314, 1_000_000)  # the standard deviation, in means of the deviations


@dataclass(frozen=True, slots=True)
class Usual:
    """The middle of some values, and how far apart they are: a standard deviation, if they were normal."""

    middle: Fraction
    spread: Fraction

    @property
    def low(self) -> Fraction:
        return self.middle - FURTHEST * self.spread

    @property
    def high(self) -> Fraction:
        return self.middle + FURTHEST * self.spread

    def is_unusual(self, value: Fraction) -> bool:
        return not self.low <= value <= self.high


def usual(values: Sequence[Fraction]) -> Usual | None:
    """What is usual; none of fewer than four values, and where all are the same: how far they scatter isn't known."""
    if len(values) < FEWEST:
        return None
    middle = median(values)
    deviations = [abs(value - middle) for value in values]
    spread = median(deviations) / _OF_MEDIAN or sum(deviations, Fraction()) / len(values) * _OF_MEAN
    return Usual(middle, spread) if spread else None
