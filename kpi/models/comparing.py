"""Whether two rates differ by more than chance brings about. No I/O."""

from dataclasses import dataclass
from math import inf

from tagging.models.statistics import Standing, apart, wilson


@dataclass(frozen=True, slots=True)
class Compared:
    """Where the first rate lies against the second: from `lowest` to `highest` as far as the second is right."""

    standing: Standing
    lowest: float
    highest: float | None


def compare_shares(part: int, over: int, other_part: int, other_over: int, *, level: float) -> Compared:
    """Two shares, by Newcombe's hybrid of Wilson's intervals (1998, method 10). More than all counts as all."""
    first, second = min(1.0, part / over), min(1.0, other_part / other_over)
    found = apart(first, wilson(first, over, level=level), second, wilson(second, other_over, level=level))
    standing = Standing.WITHIN_NOISE
    if found.is_beyond_noise:
        standing = Standing.BELOW if found.value < 0 else Standing.ABOVE
    return Compared(standing, max(0.0, second + found.interval.low), min(1.0, second + found.interval.high))


def compare_counts(events: int, units: int, other_events: int, other_units: int, *, level: float) -> Compared:
    """Two counts per unit: of all events together, those of the first are binomial (Przyborowski & Wilenski 1940).

    If both came at one rate, the first has p = units / (units + other units) of them. Their interval is exact
    (Clopper & Pearson 1934), and gives that of the ratio of the rates: p / (1 − p) · other units / units.
    """
    low, high = _clopper_pearson(events, events + other_events, level)
    same = units / (units + other_units)
    standing = Standing.WITHIN_NOISE
    if high < same or low > same:
        standing = Standing.BELOW if high < same else Standing.ABOVE
    if not other_events:
        return Compared(standing, 0.0, None)
    rate = other_events / other_units
    lowest, highest = (_odds(bound) * other_units / units * rate for bound in (low, high))
    return Compared(standing, lowest, None if highest == inf else highest)


def _odds(share: float) -> float:
    return share / (1 - share) if share < 1 else inf


def _clopper_pearson(part: int, number: int, level: float) -> tuple[float, float]:
    # Takes longer to load than anything else here, and only who diagnoses needs it.
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    low = float(betaincinv(part, number - part + 1, tail)) if part else 0.0
    high = float(betaincinv(part + 1, number - part, 1 - tail)) if part < number else 1.0
    return low, high
