"""Where a guide brings less than others like them: two funnels, their gap in money, and how sure that is. No I/O.

Sources: B. W. Ang, Energy Policy 33 (2005) 867–871 (LMDI-I); B. W. Ang & N. Liu, Energy Policy 35 (2007) 238–246 (zeros
as small values); R. G. Newcombe, Statistics in Medicine 17 (1998) 873–890, method 10 (shares); J. Przyborowski &
H. Wilenski, Biometrika 31 (1940) 313–323, with the interval of C. J. Clopper & E. S. Pearson, Biometrika 26 (1934)
404–413 (counts per unit); Bonferroni over the steps that are tested.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from math import isclose, log

from kpi.models.comparing import Compared, compare_counts, compare_shares
from kpi.models.definitions import SMALL_SAMPLE, Sums
from kpi.models.exact import half_up
from tagging.models.statistics import Standing, certain_level

FEWEST_PEERS = 5
"""With fewer there is nobody to compare with, and nobody could be told from the pool."""

COLUMNS = (
    "orders",
    "gross",
    "at_work",
    "sharers",
    "links",
    "link_opens",
    "link_orders",
    "link_gross",
    "contacts_due",
    "contacts_reached",
    "contacts_bought",
)
"""What has to be read of each guide."""

_SMALL = 1e-100


class Step(StrEnum):
    """What one has to do with another in a funnel."""

    SHARE_RATE = "share_rate"
    LINKS_PER_SHARING_DAY = "links_per_sharing_day"
    OPENS_PER_LINK = "opens_per_link"
    ORDERS_PER_OPEN = "orders_per_open"
    GROSS_PER_ORDER = "gross_per_order"
    CONTACTS_PER_DAY = "contacts_per_day"
    REACHED_SHARE = "reached_share"
    BOUGHT_SHARE = "bought_share"


class Cause(StrEnum):
    """What lies behind a step that is short: how it is done, or that it is done too little; or neither."""

    METHOD = "method"
    MOTIVATION = "motivation"
    NONE = "none"


class _Kind(StrEnum):
    SHARE = "share"
    COUNT = "count"
    AMOUNT = "amount"


@dataclass(frozen=True, slots=True)
class _Rung:
    """A step: the column `part` for each of the column `over`."""

    step: Step
    over: str
    part: str
    kind: _Kind
    cause: Cause


_SHARING = (
    _Rung(Step.SHARE_RATE, "at_work", "sharers", _Kind.SHARE, Cause.MOTIVATION),
    _Rung(Step.LINKS_PER_SHARING_DAY, "sharers", "links", _Kind.COUNT, Cause.MOTIVATION),
    _Rung(Step.OPENS_PER_LINK, "links", "link_opens", _Kind.COUNT, Cause.METHOD),
    _Rung(Step.ORDERS_PER_OPEN, "link_opens", "link_orders", _Kind.COUNT, Cause.METHOD),
    # Rows keep no scatter of amounts: nothing says how sure a difference is.
    _Rung(Step.GROSS_PER_ORDER, "link_orders", "link_gross", _Kind.AMOUNT, Cause.METHOD),
)
_TASKS = (
    # Who is given fewer tasks isn't to blame for it.
    _Rung(Step.CONTACTS_PER_DAY, "at_work", "contacts_due", _Kind.COUNT, Cause.NONE),
    _Rung(Step.REACHED_SHARE, "contacts_due", "contacts_reached", _Kind.SHARE, Cause.MOTIVATION),
    _Rung(Step.BOUGHT_SHARE, "contacts_reached", "contacts_bought", _Kind.SHARE, Cause.METHOD),
)
TESTED = sum(rung.kind is not _Kind.AMOUNT for rung in (*_SHARING, *_TASKS))
"""How many steps are tested: together they are wrong of at most 5 of 100 guides who are like the others."""

_CAUSES = {rung.step: rung.cause for rung in (*_SHARING, *_TASKS)}


@dataclass(frozen=True, slots=True)
class Finding:
    """A step of a guide against the peers': `own` and `peers` are rates, none where they would be parts of nothing.

    `shortfall` is what it costs in minor units, below zero where it is ahead. `sample` is of how many the own rate is.
    `compared` is none where nothing tells how sure the difference is.
    """

    step: Step
    own: Fraction | None
    peers: Fraction | None
    sample: int
    shortfall: int
    compared: Compared | None

    @property
    def is_short(self) -> bool:
        """Whether it costs money, and that beyond noise."""
        return self.shortfall > 0 and self.compared is not None and self.compared.standing is Standing.BELOW

    @property
    def is_small(self) -> bool:
        """Whether it is worked out of too few to say much."""
        return self.sample < SMALL_SAMPLE


@dataclass(frozen=True, slots=True)
class Funnel:
    """What came of it, what the same days at work would have brought at the peers' rates, and the steps between.

    The steps' shortfalls add up to `expected` less `brought`, exactly.
    """

    brought: int
    expected: int
    findings: Sequence[Finding]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Both funnels, and the step with the largest shortfall of those that are beyond noise, if there is any."""

    days_at_work: int
    sharing: Funnel
    tasks: Funnel

    @property
    def findings(self) -> list[Finding]:
        return [*self.sharing.findings, *self.tasks.findings]

    @property
    def weakest(self) -> Finding | None:
        """The step to speak about."""
        short = [each for each in self.findings if each.is_short]
        return max(short, key=lambda each: each.shortfall, default=None)

    @property
    def cause(self) -> Cause:
        """What lies behind the weakest step."""
        return Cause.NONE if self.weakest is None else _CAUSES[self.weakest.step]


def pooled(peers: Iterable[Sums]) -> dict[str, int]:
    """What peers did together: a rate of the pool weighs each by how much they did."""
    total = dict.fromkeys(COLUMNS, 0)
    for each in peers:
        for name in COLUMNS:
            total[name] += each.get(name, 0)
    return total


def diagnose(own: Sums, peers: Sums) -> Diagnosis | None:
    """The guide against the pool of peers; none unless both were at work.

    Through links: what came through them. By tasks: those after which somebody bought, each at the guide's average
    basket, or the peers' where the guide sold nothing.
    """
    if not own.get("at_work") or not peers.get("at_work"):
        return None
    basket = _rate(own, "orders", "gross") or _rate(peers, "orders", "gross") or Fraction(0)
    return Diagnosis(own["at_work"], _funnel(_SHARING, own, peers, Fraction(1)), _funnel(_TASKS, own, peers, basket))


def _funnel(rungs: Sequence[_Rung], own: Sums, peers: Sums, worth: Fraction) -> Funnel:
    last = rungs[-1].part
    brought = half_up(own.get(last, 0) * worth)
    expected = half_up(Fraction(own["at_work"] * peers.get(last, 0), peers["at_work"]) * worth)
    levels = [[sums.get(name, 0) for name in ("at_work", *(rung.part for rung in rungs))] for sums in (own, peers)]
    costs = decomposed(levels[0], levels[1], worth)
    shortfalls = _whole(costs, expected - brought)
    return Funnel(brought, expected, [_finding(*each, own, peers) for each in zip(rungs, shortfalls, strict=True)])


def decomposed(own: Sequence[int], peers: Sequence[int], worth: Fraction = Fraction(1)) -> list[float]:
    """What each step costs: L(E, B)·ln(rate of the peers / own rate), L(a, b) = (a − b) / ln(a / b).

    Each list begins with the days at work, above 0 in both; each next one over the one before is a rate. B is the last
    of `own` in money, E what the own days at work come to at the peers' rates; the steps add up to E − B. A rate of
    nothing counts as 10^-100, and a rate that would be a part of nothing as the other's: it says nothing.
    """
    ours, theirs = _rates(own, peers), _rates(peers, own)
    both = [_known(one, other) for one, other in zip(ours, theirs, strict=True)]
    start = float(own[0] * worth)
    brought, expected = start, start
    for one, other in both:
        brought *= one
        expected *= other
    weight = _logarithmic_mean(expected, brought)
    return [weight * (log(other) - log(one)) for one, other in both]


def _rates(levels: Sequence[int], others: Sequence[int]) -> list[float | None]:
    """The rates from level to level.

    What comes of links that were made before the range has orders without opens, say: such a level counts as what the
    next one would have needed of it at the other's rate, so that the step between them says nothing.
    """
    filled = [float(level) for level in levels]
    for place in range(len(filled) - 2, 0, -1):
        if not filled[place] and filled[place + 1]:
            known = others[place] and others[place + 1]
            filled[place] = filled[place + 1] * (others[place] / others[place + 1] if known else 1.0)
    return [part / over if over else None for over, part in pairwise(filled)]


def _known(one: float | None, other: float | None) -> tuple[float, float]:
    """Two rates of which logarithms can be taken."""
    first = next((rate for rate in (one, other) if rate is not None), 1.0)
    second = next((rate for rate in (other, one) if rate is not None), 1.0)
    return first or _SMALL, second or _SMALL


def _logarithmic_mean(first: float, second: float) -> float:
    if not first or not second:
        return 0.0
    # So near to each other, the logarithms' difference is nothing but rounding.
    if isclose(first, second, rel_tol=1e-9):
        return (first + second) / 2
    return (first - second) / (log(first) - log(second))


def _whole(costs: Sequence[float], gap: int) -> list[int]:
    """In whole minor units; what rounding leaves over goes to the largest."""
    whole = [round(cost) for cost in costs]
    largest = max(range(len(costs)), key=lambda place: abs(costs[place]))
    whole[largest] += gap - sum(whole)
    return whole


def _finding(rung: _Rung, shortfall: int, own: Sums, peers: Sums) -> Finding:
    return Finding(
        rung.step,
        _rate(own, rung.over, rung.part),
        _rate(peers, rung.over, rung.part),
        own.get(rung.over, 0),
        shortfall,
        _compared(rung, own, peers),
    )


def _compared(rung: _Rung, own: Sums, peers: Sums) -> Compared | None:
    over, others = own.get(rung.over, 0), peers.get(rung.over, 0)
    if rung.kind is _Kind.AMOUNT or over <= 0 or others <= 0:
        return None
    compare = compare_shares if rung.kind is _Kind.SHARE else compare_counts
    return compare(own.get(rung.part, 0), over, peers.get(rung.part, 0), others, level=certain_level(TESTED))


def _rate(sums: Sums, over: str, part: str) -> Fraction | None:
    return Fraction(sums.get(part, 0), sums[over]) if sums.get(over) else None
