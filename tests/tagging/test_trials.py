"""Two thousand seeded trials with planted error rates: the audit's intervals cover the truth, and are no wider for it.

The truth is known because the wrong tags are planted. A design passes if its 95 % intervals hold the truth in 93 to
97.5 % of the trials and are on the average at most 1.1 times as wide as theory says for the planted rates.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

import pytest

from tagging.models.statistics import Interval, Stratum, accuracy, quantile, wilson

TRIALS = 2_000
Judge = Callable[[Sequence[Stratum]], Interval]


@dataclass(frozen=True)
class Part:
    """A stratum: how large it is, how many are drawn, the range of its planted accuracy, who can't be judged."""

    size: int
    drawn: int
    lowest: float
    highest: float
    unknown: float = 0.0


@dataclass(frozen=True)
class Outcome:
    coverage: float
    width: float

    @property
    def passes(self) -> bool:
        return 0.93 <= self.coverage <= 0.975 and self.width <= 1.1


DESIGNS: dict[str, Sequence[Part]] = {
    **{f"simple, {n} drawn": [Part(5_000, n, 0.70, 0.98)] for n in (50, 100, 200, 400)},
    "simple, most of it drawn": [Part(300, 200, 0.70, 0.98)],
    "four unequal strata": [
        Part(4_000, 140, 0.90, 0.98),
        Part(1_000, 35, 0.70, 0.80),
        Part(500, 17, 0.80, 0.90),
        Part(200, 8, 0.70, 0.75),
    ],
    "as many from each stratum": [
        Part(4_000, 30, 0.93, 0.98),
        Part(1_000, 30, 0.70, 0.75),
        Part(500, 30, 0.80, 0.85),
        Part(200, 30, 0.70, 0.72),
    ],
    "forty thin strata": [
        Part(60 + 17 * (n % 9), 2 + n % 3, 0.70 + 0.02 * (n % 13), 0.74 + 0.02 * (n % 13)) for n in range(40)
    ],
    "one from each stratum": [Part(40 + 10 * (n % 5), 1, 0.75, 0.98) for n in range(60)],
    "some strata looked at wholly": [Part(20, 20, 0.7, 0.9), Part(8, 8, 0.7, 0.9), Part(3_000, 100, 0.75, 0.95)],
    "some cannot be judged": [Part(3_000, 150, 0.93, 0.97, unknown=0.6), Part(1_000, 50, 0.70, 0.75, unknown=0.05)],
}


def hold(parts: Sequence[Part], judge: Judge, seed: str) -> Outcome:
    """Draw, and judge, two thousand times."""
    source = random.Random(seed)
    covered, width, theory = 0, 0.0, 0.0
    population = sum(part.size for part in parts)
    for _ in range(TRIALS):
        right = [round(part.size * source.uniform(part.lowest, part.highest)) for part in parts]
        strata = [_draw(source, part, count) for part, count in zip(parts, right, strict=True)]
        interval = judge(strata)
        covered += interval.holds(sum(right) / population)
        width += interval.high - interval.low
        variance = 0.0
        for part, count, stratum in zip(parts, right, strata, strict=True):
            weight, share = part.size / population, count / part.size
            left = 1 - stratum.known / part.size
            variance += weight**2 * left * share * (1 - share) / stratum.known
        theory += 2 * quantile() * sqrt(variance)
    return Outcome(covered / TRIALS, width / theory)


def _draw(source: random.Random, part: Part, right: int) -> Stratum:
    """Without replacement; the first of the stratum are those that are right."""
    drawn = source.sample(range(part.size), part.drawn)
    known = [place for place in drawn if source.random() >= part.unknown] or drawn[:1]
    good = sum(place < right for place in known)
    return Stratum(part.size, part.drawn, good, len(known) - good)


def ours(strata: Sequence[Stratum]) -> Interval:
    interval = accuracy(strata).interval
    assert interval
    return interval


def anything(_strata: Sequence[Stratum]) -> Interval:
    return Interval(0.0, 1.0)


def wald(strata: Sequence[Stratum]) -> Interval:
    """What every textbook begins with: p ± z·√(p(1−p)/n)."""
    population, share, variance = sum(each.size for each in strata), 0.0, 0.0
    for each in strata:
        p, weight = each.right / each.known, each.size / population
        share += weight * p
        variance += weight**2 * (1 - each.known / each.size) * p * (1 - p) / each.known
    return Interval(share - quantile() * sqrt(variance), share + quantile() * sqrt(variance))


def unweighted(strata: Sequence[Stratum]) -> Interval:
    """All that was drawn in one pot."""
    known = sum(each.known for each in strata)
    return wilson(sum(each.right for each in strata) / known, known, population=sum(each.size for each in strata))


def unknown_is_right(strata: Sequence[Stratum]) -> Interval:
    return ours([Stratum(each.size, each.drawn, each.drawn - each.wrong, each.wrong) for each in strata])


@pytest.mark.parametrize("design", DESIGNS)
def test_the_intervals_cover_the_truth_and_are_hardly_wider_than_theory_says(design: str) -> None:
    outcome = hold(DESIGNS[design], ours, design)

    assert outcome.passes, outcome


@pytest.mark.parametrize(
    ("broken", "design"),
    [
        (anything, "simple, 100 drawn"),
        (anything, "four unequal strata"),
        (wald, "simple, 50 drawn"),
        (wald, "one from each stratum"),
        (unweighted, "as many from each stratum"),
        (unweighted, "some cannot be judged"),
        (unknown_is_right, "some cannot be judged"),
    ],
)
def test_an_interval_that_is_wrong_is_noticed(broken: Judge, design: str) -> None:
    outcome = hold(DESIGNS[design], broken, design)

    assert not outcome.passes, outcome
    assert (outcome.coverage == 1.0) is (broken is anything), "the one is too wide, the others miss the truth"
