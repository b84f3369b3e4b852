"""What is usual, by hand and by the laws that the rule obeys."""

from fractions import Fraction
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi.models.definitions import Figure
from kpi.models.unusual import Usual, usual
from kpi.models.wording import usual_range

VALUES = st.lists(st.integers(-(10**9), 10**9).map(Fraction), min_size=4, max_size=12)


def found(*values: int) -> Usual:
    told = usual([Fraction(value) for value in values])
    assert told is not None
    return told


def test_the_middle_and_the_spread_are_medians() -> None:
    told = found(97, 98, 99, 100, 100, 101, 102, 1_000)

    assert told.middle == 100
    # Deviations 3 2 1 0 0 1 2 900: their median is 1.5.
    assert told.spread == Fraction(15_000, 6_745)


@pytest.mark.parametrize(("value", "is_unusual"), [(92, True), (93, False), (107, False), (108, True)])
def test_a_score_beyond_three_and_a_half_is_unusual(value: int, is_unusual: bool) -> None:
    # 3.5 times 1.5 by 0.6745 is 7.78.
    assert found(97, 98, 99, 100, 100, 101, 102, 103).is_unusual(Fraction(value)) is is_unusual


def test_where_most_are_the_same_the_mean_of_the_deviations_counts() -> None:
    told = found(10, 10, 10, 10, 10, 10, 10, 18)

    assert told.spread == Fraction(1_253_314, 1_000_000)
    assert [told.is_unusual(Fraction(value)) for value in (14, 15)] == [False, True]


def test_of_fewer_than_four_and_of_what_never_changes_nothing_is_said() -> None:
    assert usual([Fraction(value) for value in (1, 2, 3)]) is None
    assert usual([Fraction(7)] * 8) is None


@given(VALUES)
def test_the_middle_itself_is_never_unusual(values: list[Fraction]) -> None:
    told = usual(values)

    assert told is None or not told.is_unusual(median(values))


@given(VALUES, st.integers(-(10**12), 10**12), st.integers(1, 1_000), st.integers(-(10**10), 10**10))
def test_it_is_the_same_in_any_unit_and_from_any_beginning(
    values: list[Fraction], shift: int, factor: int, value: int
) -> None:
    here, there = usual(values), usual([each * factor + shift for each in values])

    assert (here is None) == (there is None)
    if here is not None and there is not None:
        assert here.is_unusual(Fraction(value)) == there.is_unusual(Fraction(value * factor + shift))


@given(VALUES, st.randoms())
def test_the_order_of_the_weeks_says_nothing(values: list[Fraction], random: st.DataObject) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random

    assert usual(shuffled) == usual(values)


@given(st.lists(st.integers(0, 100).map(Fraction), min_size=5, max_size=12), st.integers(10**6, 10**12))
def test_one_odd_week_spoils_nothing(values: list[Fraction], odd: int) -> None:
    """However odd: the middle stays among the others."""
    told = usual([*values, Fraction(odd)])

    assert told is None or min(values) <= told.middle <= max(values)


@pytest.mark.parametrize(
    ("figure", "ends"),
    [
        (Figure.ORDERS, (0.0, 6.0)),
        (Figure.GROSS, (0.0, 6.0)),
        (Figure.SHARE_RATE, (0.0, 1.0)),
        (Figure.NET, (-2.0, 6.0)),
        (Figure.COMMISSION, (-2.0, 6.0)),
    ],
)
def test_what_is_usual_goes_no_further_than_the_figure_can(figure: Figure, ends: tuple[float, float]) -> None:
    assert usual_range(figure, Usual(Fraction(2), Fraction(8, 7))) == ends
