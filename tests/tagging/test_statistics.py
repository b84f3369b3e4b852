"""Estimates and intervals against published figures, and where they have to be exact, undefined or modest."""

import random
from collections import Counter
from math import sqrt

import pytest

from tagging.models.statistics import (
    Accuracy,
    Difference,
    Interval,
    Standing,
    Stratum,
    accuracy,
    allocate,
    certain_level,
    difference,
    kappa,
    quantile,
    ranks,
    sample_size,
    standing,
    wilson,
)


def simple(right: int, known: int, *, size: float = 1e9, drawn: int | None = None) -> Accuracy:
    return accuracy([Stratum(size, drawn or known, right, known - right)])


@pytest.mark.parametrize(
    ("right", "known", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_interval_is_as_published(right: int, known: int, low: float, high: float) -> None:
    """Newcombe, Statistics in Medicine 17 (1998) 857–872, table I, method 3."""
    interval = wilson(right / known, known)

    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((10, 10), (0, 10), 0.6075, 1.0000),
    ],
)
def test_newcombes_interval_of_a_difference_is_as_published(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    """Newcombe, Statistics in Medicine 17 (1998) 873–890, table II, method 10."""
    found = difference(simple(*first), simple(*second))

    assert found
    assert (round(found.interval.low, 4), round(found.interval.high, 4)) == (low, high)


def test_a_difference_is_beyond_noise_when_nothing_lies_outside() -> None:
    assert Difference(0.1, Interval(0.02, 0.2)).is_beyond_noise
    assert not Difference(0.1, Interval(-0.02, 0.2)).is_beyond_noise
    assert difference(simple(3, 4), accuracy([])) is None


def test_kappa_and_its_error_are_those_of_the_paper() -> None:
    """Two raters over three categories, 200 things; Fleiss, Cohen & Everitt (1969): κ = 0.429."""
    table = {
        ("a", "a"): 106, ("a", "b"): 10, ("a", "c"): 4,
        ("b", "a"): 22, ("b", "b"): 28, ("b", "c"): 10,
        ("c", "a"): 2, ("c", "b"): 12, ("c", "c"): 6,
    }  # fmt: skip
    found = kappa(table)

    assert found
    assert (found.pairs, round(found.observed, 3), round(found.kappa, 3)) == (200, 0.700, 0.429)
    assert found.standard_error == pytest.approx(_by_resampling(table), rel=0.05)
    assert found.interval.low == pytest.approx(found.kappa - quantile() * found.standard_error)


def test_kappa_of_full_agreement_is_one_and_of_none_beyond_chance_zero() -> None:
    full = kappa({("a", "a"): 10, ("b", "b"): 5})
    none = kappa({("a", "a"): 25, ("a", "b"): 25, ("b", "a"): 25, ("b", "b"): 25})

    assert full is not None
    assert none is not None
    assert [full.kappa, full.standard_error] == pytest.approx([1.0, 0.0])
    assert none.kappa == pytest.approx(0.0)


@pytest.mark.parametrize("pairs", [{}, {("a", "a"): 0}, {("a", "a"): 30}])
def test_kappa_is_undefined_where_nothing_is_compared(pairs: dict[tuple[str, str], int]) -> None:
    assert kappa(pairs) is None


def test_kappas_interval_covers_the_truth() -> None:
    """Two raters of three categories who know 70 % of the things and guess the others; the truth of κ is 0.49."""
    source, covered = random.Random(11), 0
    for _ in range(500):
        pairs: Counter[tuple[str, str]] = Counter()
        for _ in range(120):
            thing = source.choice("abc")
            one, other = (thing if source.random() < 0.7 else source.choice("abc") for _ in range(2))
            pairs[one, other] += 1
        found = kappa(pairs)
        covered += found is not None and found.interval.holds(0.49)

    assert 0.92 <= covered / 500 <= 0.98


def test_who_has_looked_at_everything_is_sure() -> None:
    found = accuracy([Stratum(10, 10, 7, 3), Stratum(30, 30, 30, 0)])

    assert (found.estimate, found.interval) == (37 / 40, Interval(37 / 40, 37 / 40))
    assert not found.is_small, "forty of forty is not a small sample"


def test_each_stratum_weighs_what_it_is_of_the_whole() -> None:
    found = accuracy([Stratum(900, 10, 9, 1), Stratum(100, 10, 5, 5)])

    assert found.estimate == pytest.approx(0.9 * 0.9 + 0.1 * 0.5)
    assert (found.population, found.drawn, found.known, found.right) == (1_000, 20, 20, 14)


def test_what_cannot_be_judged_is_neither_right_nor_wrong_and_bounds_the_rest() -> None:
    found = accuracy([Stratum(100, 20, 9, 1)])

    assert (found.known, found.unknown, found.estimate) == (10, 10, 0.9)
    assert (found.lowest, found.highest) == (9 / 20, 19 / 20)
    assert found.is_small


def test_a_stratum_of_which_nothing_is_known_is_left_to_the_others_and_said_so() -> None:
    found = accuracy([Stratum(60, 5, 4, 1), Stratum(40, 5, 0, 0), Stratum(0, 0, 0, 0)])

    assert found.estimate == pytest.approx(0.8)
    assert found.represented == pytest.approx(0.6)
    assert [found.lowest, found.highest] == pytest.approx([0.48, 0.88])


def test_nothing_known_says_nothing() -> None:
    for nothing in (accuracy([]), accuracy([Stratum(40, 5, 0, 0)])):
        assert (nothing.estimate, nothing.interval) == (None, None)
        assert nothing.is_small


@pytest.mark.parametrize(("right", "known", "is_small"), [(20, 20, True), (25, 50, True), (49, 50, False)])
def test_a_small_sample_says_so(right: int, known: int, is_small: bool) -> None:
    assert simple(right, known).is_small is is_small


def test_all_right_is_not_certain() -> None:
    interval = accuracy([Stratum(500, 1, 1, 0) for _ in range(30)]).interval

    assert interval
    assert interval.high == 1.0
    assert 0.85 < interval.low < 0.95


@pytest.mark.parametrize(
    ("sizes", "wanted", "drawn"),
    [
        ([50, 30, 20], 10, [5, 3, 2]),
        ([1_000, 3, 1], 20, [17, 2, 1]),
        ([4, 4], 100, [4, 4]),
        ([7, 7, 7], 10, [4, 3, 3]),
        ([], 10, []),
    ],
)
def test_a_sample_is_divided_in_proportion_with_two_at_least(sizes: list[int], wanted: int, drawn: list[int]) -> None:
    assert sorted(allocate(sizes, wanted), reverse=True) == drawn


def test_an_allocation_always_adds_up() -> None:
    source = random.Random(5)
    for _ in range(500):
        sizes = [source.randrange(1, 400) for _ in range(source.randrange(1, 40))]
        wanted = source.randrange(2 * len(sizes), 900)

        drawn = allocate(sizes, wanted)

        assert sum(drawn) == min(wanted, sum(sizes))
        assert all(min(2, size) <= count <= size for size, count in zip(sizes, drawn, strict=True))


def test_the_size_for_a_wanted_half_width_is_cochrans() -> None:
    assert sample_size(0.05) == 385
    assert sample_size(0.05, population=1_000) == 278
    assert sample_size(0.03, share=0.9) == 385


def test_a_part_stands_out_only_beyond_noise() -> None:
    whole = simple(900, 1_000)

    assert standing(simple(27, 30), whole) is Standing.WITHIN_NOISE
    assert standing(simple(400, 400), whole) is Standing.ABOVE
    assert standing(simple(50, 100), whole) is Standing.BELOW
    assert standing(accuracy([]), whole) is Standing.WITHIN_NOISE


def test_only_who_differs_beyond_noise_is_ranked() -> None:
    good, fair, bad, unclear = simple(400, 400), simple(395, 400), simple(200, 400), simple(10, 10)

    assert ranks([good, fair, bad]) == [1, 1, 3]
    assert ranks([good, fair]) == [None, None]
    assert ranks([unclear, good]) == [None, None]
    assert ranks([]) == []


def test_guides_who_are_alike_are_hardly_ever_ranked() -> None:
    """Forty guides of the same accuracy, 50 tags each, 100 times: to rank by the estimates would rank by noise."""
    source, ranked, level = random.Random(3), 0, certain_level(40)
    for _ in range(100):
        found = [sum(source.random() < 0.9 for _ in range(50)) for _ in range(40)]
        lines = [accuracy([Stratum(5_000, 50, right, 50 - right)], level=level) for right in found]
        whole = simple(sum(found), 2_000)
        ranked += any(standing(line, whole) is not Standing.WITHIN_NOISE for line in lines)
        assert len(set(found)) > 1

    assert ranked <= 10


def _by_resampling(table: dict[tuple[str, str], int]) -> float:
    """The spread of κ over samples from the table."""
    source = random.Random(7)
    cells, weights = list(table), list(table.values())
    values = []
    for _ in range(3_000):
        found = kappa(Counter(source.choices(cells, weights, k=sum(weights))))
        values.append(found.kappa if found else 0.0)
    mean = sum(values) / len(values)
    return sqrt(sum((value - mean) ** 2 for value in values) / len(values))
