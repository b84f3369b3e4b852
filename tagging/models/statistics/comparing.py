"""Compare shares without taking noise for a difference."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt

from tagging.models.statistics.intervals import LEVEL, Interval
from tagging.models.statistics.strata import Accuracy


class Standing(StrEnum):
    """Where one of several lies against the whole, as far as the sample can tell."""

    ABOVE = "above"
    WITHIN_NOISE = "within_noise"
    BELOW = "below"


@dataclass(frozen=True, slots=True)
class Difference:
    """One share less another, with its interval; beyond noise when 0 lies outside."""

    value: float
    interval: Interval

    @property
    def is_beyond_noise(self) -> bool:
        return not self.interval.holds(0)


def difference(first: Accuracy, second: Accuracy) -> Difference | None:
    """First less second, by Newcombe's hybrid of the two intervals (1998, method 10); None if either is unknown."""
    if first.estimate is None or second.estimate is None or first.interval is None or second.interval is None:
        return None
    return apart(first.estimate, first.interval, second.estimate, second.interval)


def apart(first: float, of_first: Interval, second: float, of_second: Interval) -> Difference:
    """One share less another with the hybrid of their intervals (Newcombe 1998, method 10)."""
    value = first - second
    down = sqrt((first - of_first.low) ** 2 + (of_second.high - second) ** 2)
    up = sqrt((of_first.high - first) ** 2 + (second - of_second.low) ** 2)
    return Difference(value, Interval(max(-1.0, value - down), min(1.0, value + up)))


def certain_level(compared: int) -> float:
    """The level for each of so many that are compared, so that all hold together at 0.95 (Bonferroni)."""
    return 1 - (1 - LEVEL) / max(1, compared)


def standing(one: Accuracy, whole: Accuracy) -> Standing:
    """Above or below the whole only when the interval leaves the whole's estimate out."""
    if one.interval is None or whole.estimate is None or one.interval.holds(whole.estimate):
        return Standing.WITHIN_NOISE
    return Standing.ABOVE if one.interval.low > whole.estimate else Standing.BELOW


def ranks(some: Sequence[Accuracy]) -> list[int | None]:
    """1 plus how many are better beyond noise; None for whoever can't be told from anybody."""
    intervals = [each.interval or Interval(0.0, 1.0) for each in some]
    lows, highs = sorted(each.low for each in intervals), sorted(each.high for each in intervals)
    found: list[int | None] = []
    for each in intervals:
        better = len(lows) - bisect_left(lows, each.high + 1e-12)
        worse = bisect_left(highs, each.low - 1e-12)
        found.append(1 + better if better or worse else None)
    return found
