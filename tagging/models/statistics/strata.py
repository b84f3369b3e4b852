"""A sample drawn in strata: how it is divided among them, and what it says about the whole."""

from collections.abc import Sequence
from dataclasses import dataclass

from tagging.models.statistics.intervals import LEVEL, Interval, wilson

FEWEST_KNOWN = 30
WIDEST_HALF = 0.10
_STEADYING = 4.0  # how many rarer verdicts the assumption "strata are alike" weighs as much as


@dataclass(frozen=True, slots=True)
class Stratum:
    """A part of the population, how many of it were drawn, and what they were found to be.

    `size` may be an estimate where a figure is about a part that cuts across the strata.
    """

    size: float
    drawn: int
    right: int
    wrong: int

    @property
    def known(self) -> int:
        return self.right + self.wrong


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The share of right tags in a population, judged by a sample.

    `estimate` and `interval` are about tags that could be judged, as if the others of the same stratum were like
    them; None when none could be. `lowest` and `highest` assume nothing: all that is unknown is wrong, or right.
    `represented` is the share of the population in whose strata something is known.
    """

    population: float
    drawn: int
    known: int
    right: int
    estimate: float | None
    interval: Interval | None
    lowest: float | None
    highest: float | None
    represented: float

    @property
    def unknown(self) -> int:
        return self.drawn - self.known

    @property
    def is_small(self) -> bool:
        """Too little to judge people by: fewer than 30 known (unless that is all), or wider than ±10 points."""
        if self.interval is None or self.interval.half_width > WIDEST_HALF:
            return True
        return self.known < FEWEST_KNOWN and self.interval.half_width > 0


def accuracy(strata: Sequence[Stratum], *, level: float = LEVEL) -> Accuracy:
    """The accuracy of a stratified sample: p̂ = Σ W_h·p̂_h, W_h the stratum's share of the population.

    Of each stratum those known count as drawn at random from it; a stratum of which nothing is known is left out
    and the weights of the others grow in proportion. The interval is Wilson's at the number of simple draws that
    would say as much (see `_effective_number`). A stratum that was looked at wholly adds no doubt.
    """
    there = [stratum for stratum in strata if stratum.size > 0]
    population = sum(stratum.size for stratum in there)
    told = [stratum for stratum in there if stratum.known]
    drawn = [stratum for stratum in there if stratum.drawn]
    estimate = _weighted([(stratum.size, stratum.right / stratum.known) for stratum in told])
    return Accuracy(
        population=population,
        drawn=sum(stratum.drawn for stratum in there),
        known=sum(stratum.known for stratum in there),
        right=sum(stratum.right for stratum in there),
        estimate=estimate,
        interval=None if estimate is None else _interval(told, estimate, level),
        lowest=_weighted([(stratum.size, stratum.right / stratum.drawn) for stratum in drawn]),
        highest=_weighted([(stratum.size, 1 - stratum.wrong / stratum.drawn) for stratum in drawn]),
        represented=sum(stratum.size for stratum in told) / population if population else 0.0,
    )


def _weighted(shares: Sequence[tuple[float, float]]) -> float | None:
    total = sum(size for size, _ in shares)
    return sum(size * share for size, share in shares) / total if total else None


def _interval(told: Sequence[Stratum], estimate: float, level: float) -> Interval:
    number = _effective_number(told, estimate)
    return Interval(estimate, estimate) if number is None else wilson(estimate, number, level=level)


def _effective_number(told: Sequence[Stratum], estimate: float) -> float | None:
    """How many simple draws say as much; None when everything was looked at.

    n* = 1 / (R·Σ a_h), a_h = W_h²·(N_h−n_h)/(N_h−1)/n_h: Kish's effective number of draws, divided by what the
    strata take away of the variance. R = Σ a_h·s_h² / (p̂(1−p̂)·Σ a_h) with s_h² = p̂_h(1−p̂_h)·n_h/(n_h−1), for one
    draw p̂(1−p̂). R is known only as far as there are verdicts of both kinds, so it is drawn towards 1, "the strata
    are alike", which weighs as much as four verdicts of the rarer kind. Chosen by simulation, see
    `docs/tagging-audits.md`.
    """
    population = sum(stratum.size for stratum in told)
    doubts = [(stratum.size / population) ** 2 * _left(stratum) / stratum.known for stratum in told]
    doubt = sum(doubts)
    if doubt <= 0:
        return None
    spread = estimate * (1 - estimate)
    if len(told) == 1 or spread <= 0:
        return 1 / doubt
    found = sum(each * _variance(stratum, spread) for each, stratum in zip(doubts, told, strict=True)) / doubt / spread
    rarer = sum(stratum.known for stratum in told) * min(estimate, 1 - estimate)
    return 1 / doubt / ((rarer * found + _STEADYING) / (rarer + _STEADYING))


def _left(stratum: Stratum) -> float:
    """The finite population correction: 0 when nothing of the stratum is left to be known."""
    return max(0.0, stratum.size - stratum.known) / max(stratum.size - 1, 1)


def _variance(stratum: Stratum, otherwise: float) -> float:
    if stratum.known == 1:
        return otherwise
    share = stratum.right / stratum.known
    return share * (1 - share) * stratum.known / (stratum.known - 1)


def allocate(sizes: Sequence[int], wanted: int, *, least: int = 2) -> list[int]:
    """How many to draw from each stratum: in proportion to its size, at least `least`, never more than there are.

    Proportional is Neyman's optimal allocation as long as nothing is known of the strata (p = 0.5 in each). What is
    left over by rounding goes to the strata that are furthest below their share. Adds up to `wanted`, or to all
    there are; only where the minimums alone are more than that, to those.
    """
    population = sum(sizes)
    wanted = min(wanted, population)
    shares = [wanted * size / population for size in sizes] if population else []
    floors = [min(size, least) for size in sizes]
    drawn = [max(floor, int(share)) for floor, share in zip(floors, shares, strict=True)]
    while (missing := wanted - sum(drawn)) > 0:
        open_ = [place for place, size in enumerate(sizes) if drawn[place] < size]
        for place in sorted(open_, key=lambda place: drawn[place] - shares[place])[:missing]:
            drawn[place] += 1
    while (over := sum(drawn) - wanted) > 0:
        loose = [place for place, floor in enumerate(floors) if drawn[place] > floor]
        if not loose:
            break
        for place in sorted(loose, key=lambda place: shares[place] - drawn[place])[:over]:
            drawn[place] -= 1
    return drawn
