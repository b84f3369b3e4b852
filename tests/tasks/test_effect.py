"""What campaigns bring about: intervals that keep their promise, and groups that only the draw made."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from math import exp, log, sqrt
from random import Random
from statistics import NormalDist
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagging.models.statistics import Difference, Interval, quantile
from tasks.models.dealing import Dealt, deal, is_control, load
from tasks.models.effect import FEWEST, Group, difference_of_shares, difference_of_spend, student

TRIALS = 1_500
Compare = Callable[[Group, Group], Difference | None]


class Person:
    """A customer with whoever holds them."""

    def __init__(self, number: int, holder: int) -> None:
        self.customer_id = UUID(int=number)
        self.holder_id = UUID(int=holder)


def people(random: Random, number: int, holders: int = 3) -> list[Person]:
    return [Person(random.getrandbits(122), random.randrange(holders)) for _ in range(number)]


def group(amounts: Iterable[int], cap: int = 10**12) -> Group:
    """The group of people who spent that much each; 0 is nobody who bought."""
    given = list(amounts)
    capped = [min(each, cap) for each in given]
    return Group(
        customers=len(given),
        buyers=sum(each > 0 for each in given),
        spent=sum(given),
        capped=sum(capped),
        squares=float(sum(each * each for each in capped)),
    )


def of_counts(customers: int, buyers: int) -> Group:
    return Group(customers, buyers, buyers, buyers, float(buyers))


def coverage_of_shares(compare: Compare, chosen: tuple[int, float], left_alone: tuple[int, float]) -> float:
    """How many of 100 intervals hold the true difference, when groups of that size buy with that probability."""
    random = Random(20260302)
    held = 0
    for _ in range(TRIALS):
        drawn = [of_counts(size, sum(random.random() < p for _ in range(size))) for size, p in (chosen, left_alone)]
        found = compare(*drawn)
        assert found
        held += found.interval.holds(chosen[1] - left_alone[1])
    return 100 * held / TRIALS


SIZES = [((150, 0.04), (30, 0.02)), ((400, 0.10), (60, 0.08)), ((90, 0.5), (90, 0.4))]


@pytest.mark.parametrize(("chosen", "left_alone"), SIZES)
def test_the_interval_of_shares_holds_the_truth_95_times_in_100(
    chosen: tuple[int, float], left_alone: tuple[int, float]
) -> None:
    assert coverage_of_shares(difference_of_shares, chosen, left_alone) >= 93


def test_the_textbooks_interval_would_not() -> None:
    """The mutant: Wald's."""

    def wald(one: Group, other: Group) -> Difference:
        value = one.share - other.share
        error = sqrt(sum(each.share * (1 - each.share) / each.customers for each in (one, other)))
        return Difference(value, Interval(value - quantile() * error, value + quantile() * error))

    assert coverage_of_shares(wald, *SIZES[0]) < 93


SPREAD, CENTRE = 1.0, 9.0  # of the logarithm of what somebody spends: a few spend ten times what most do


def _spent(random: Random, size: int, share: float) -> list[int]:
    return [int(random.lognormvariate(CENTRE, SPREAD)) if random.random() < share else 0 for _ in range(size)]


def _mean_up_to(cap: int) -> float:
    """What a buyer spends on average, counted up to the cap."""
    normal, place = NormalDist(), (log(cap) - CENTRE) / SPREAD
    return exp(CENTRE + SPREAD**2 / 2) * normal.cdf(place - SPREAD) + cap * (1 - normal.cdf(place))


def coverage_of_spend(*, is_capped: bool) -> float:
    random = Random(20260303)
    held = said = 0
    for _ in range(1_000):
        one, other = _spent(random, 1_800, 0.16), _spent(random, 300, 0.15)
        buyers = sorted(each for each in (*one, *other) if each)
        cap = buyers[-(-len(buyers) * 19 // 20) - 1] if is_capped else 10**12
        found = difference_of_spend(group(one, cap), group(other, cap))
        if found is not None:
            said += 1
            mean = _mean_up_to(cap) if is_capped else exp(CENTRE + SPREAD**2 / 2)
            held += found.interval.holds((0.16 - 0.15) * mean)
    assert said > 900
    return 100 * held / said


def test_the_interval_of_what_is_spent_holds_the_truth_95_times_in_100() -> None:
    assert coverage_of_spend(is_capped=True) >= 93


def test_with_the_long_tail_in_it_would_not() -> None:
    """The mutant: amounts that count as they are."""
    assert coverage_of_spend(is_capped=False) < 93


def test_who_is_reached_buys_more_anyway_and_proves_nothing() -> None:
    """A campaign without any effect: all who were chosen show none, those alone who were reached seem to show one."""
    random = Random(20260304)
    right = wrong = 0
    for _ in range(1_000):
        chosen, left_alone = [
            [(keen := random.random() < 0.3, random.random() < (0.4 if keen else 0.1)) for _ in range(size)]
            for size in (400, 100)
        ]
        control = of_counts(100, sum(bought for _, bought in left_alone))
        reached = [bought for keen, bought in chosen if keen]
        as_meant = difference_of_shares(of_counts(400, sum(bought for _, bought in chosen)), control)
        as_reached = difference_of_shares(of_counts(len(reached), sum(reached)), control)
        assert as_meant
        assert as_reached
        right += as_meant.interval.holds(0)
        wrong += as_reached.interval.holds(0)
    assert right >= 930
    assert wrong < 500


def test_too_few_say_nothing() -> None:
    enough, few = of_counts(FEWEST, 10), of_counts(FEWEST - 1, 10)

    assert difference_of_shares(enough, enough) is not None
    assert difference_of_shares(enough, few) is None
    assert difference_of_shares(few, enough) is None
    assert difference_of_spend(of_counts(500, 29), of_counts(500, 300)) is None
    assert difference_of_spend(of_counts(500, 300), of_counts(500, 29)) is None
    assert difference_of_shares(Group(), Group()) is None


def test_where_all_spent_the_same_nothing_is_uncertain() -> None:
    same = group([100] * 40)

    found = difference_of_spend(same, replace(same))

    assert found
    assert (found.value, found.interval.low, found.interval.high) == (0, 0, 0)


@pytest.mark.parametrize(("freedom", "known"), [(20, 2.08596), (30, 2.04227), (60, 2.00030), (1e6, 1.95997)])
def test_students_quantiles_are_those_of_the_tables(freedom: float, known: float) -> None:
    assert student(freedom) == pytest.approx(known, abs=0.001)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**63 - 1), st.integers(0, 50), st.integers(1, 8), st.integers(0, 60), st.integers(1, 9))
def test_dealing_piece_by_piece_is_dealing_at_once(seed: int, percent: int, most: int, number: int, piece: int) -> None:
    """However the work is cut, the same are chosen, and each holder's measure is kept."""
    everybody = sorted(people(Random(seed), number), key=lambda each: (each.holder_id, each.customer_id))
    rule: dict[str, Any] = {"seed": seed, "percent": percent, "most_per_guide": most}
    whole = deal(everybody, **rule)

    dealt: list[Dealt] = []
    given_so_far: dict[UUID, int] = {}
    while part := deal(_not_among(dealt, everybody), **rule, given=given_so_far)[:piece]:
        dealt += part
        for one in part:
            if not one.is_control:
                holder = one.candidate.holder_id
                given_so_far[holder] = given_so_far.get(holder, 0) + 1

    assert [(one.candidate, one.is_control) for one in dealt] == [(one.candidate, one.is_control) for one in whole]
    assert load(one.candidate.holder_id for one in whole if not one.is_control).most <= most


def _not_among(dealt: list[Dealt], everybody: list[Person]) -> list[Person]:
    chosen = {one.candidate for one in dealt}
    return [each for each in everybody if each not in chosen]


def test_about_the_share_that_is_asked_for_is_left_alone() -> None:
    random = Random(5)
    for percent in (0, 10, 50):
        drawn = sum(is_control(7, UUID(int=random.getrandbits(122)), percent) for _ in range(20_000))
        spread = 4 * sqrt(20_000 * percent / 100 * (1 - percent / 100))
        assert abs(drawn - 200 * percent) <= spread


def test_one_campaigns_draw_says_nothing_of_anothers() -> None:
    random = Random(6)
    everybody = [UUID(int=random.getrandbits(122)) for _ in range(20_000)]
    both = sum(is_control(1, each, 50) and is_control(2, each, 50) for each in everybody)
    assert abs(both - 5_000) < 4 * sqrt(20_000 * 0.25 * 0.75)
