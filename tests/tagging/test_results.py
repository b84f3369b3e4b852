"""What is made of an audit's verdicts, without a database."""

from uuid import UUID, uuid4

import pytest

from tagging.models import Verdict
from tagging.models.results import MOST_LINES, Tally, judge
from tagging.models.statistics import Standing

STORE, TAG, GROUP = uuid4(), uuid4(), uuid4()


def tally(stratum: int, setter: UUID | None, verdict: Verdict | None, count: int, *, inherited: bool = False) -> Tally:
    return Tally(stratum, STORE, setter, TAG, GROUP, inherited, verdict, count)


def test_a_part_that_cuts_across_strata_takes_its_share_of_each() -> None:
    """Of the large stratum half of those drawn are the guide's, of the small one all."""
    guide, other = uuid4(), uuid4()
    strata = [{"size": 1_000, "drawn": 10}, {"size": 100, "drawn": 10}]
    found = judge(
        strata,
        [
            tally(0, guide, Verdict.RIGHT, 5),
            tally(0, other, Verdict.WRONG, 5),
            tally(1, guide, Verdict.WRONG, 10),
        ],
        {},
    )

    [mine] = [line for line in found.by_guide if line.id == guide]
    assert mine.accuracy.population == 600
    assert mine.accuracy.estimate == pytest.approx(500 / 600)
    assert found.overall.estimate == pytest.approx(500 / 1_100)


def test_what_waits_for_an_answer_is_open_and_counts_as_unknown() -> None:
    found = judge(
        [{"size": 40, "drawn": 20}],
        [tally(0, None, Verdict.RIGHT, 6), tally(0, None, None, 9), tally(0, None, Verdict.UNKNOWN, 5)],
        {},
    )

    assert (found.open, found.overall.unknown, found.overall.known) == (9, 14, 6)


def test_lists_hold_the_parts_of_which_most_was_drawn() -> None:
    strata = [{"size": 10_000, "drawn": 2_000}]
    guides = [uuid4() for _ in range(MOST_LINES + 50)]
    tallies = [tally(0, guide, Verdict.RIGHT, 1 + place) for place, guide in enumerate(guides)]

    found = judge(strata, tallies, {})

    assert {line.id for line in found.by_guide} == set(guides[50:])


def test_a_guide_of_many_is_named_only_when_it_is_no_chance() -> None:
    """One of forty with 40 of 50 right, the others 45 or 46: named alone, it would stand out; of forty it doesn't."""
    guides = [uuid4() for _ in range(40)]
    strata = [{"size": 500, "drawn": 50} for _ in guides]
    tallies = []
    for place, guide in enumerate(guides):
        right = 40 if place == 0 else 45 + place % 2
        tallies += [tally(place, guide, Verdict.RIGHT, right), tally(place, guide, Verdict.WRONG, 50 - right)]

    found = judge(strata, tallies, {})

    assert found.by_guide[0].accuracy.interval is not None
    assert {line.standing for line in found.by_guide} == {Standing.WITHIN_NOISE}
    assert {line.rank for line in found.by_guide} == {None}


def test_drift_is_what_inherited_tags_are_worse_by() -> None:
    found = judge(
        [{"size": 2_000, "drawn": 200}],
        [
            tally(0, None, Verdict.RIGHT, 95),
            tally(0, None, Verdict.WRONG, 5),
            tally(0, None, Verdict.RIGHT, 60, inherited=True),
            tally(0, None, Verdict.WRONG, 40, inherited=True),
        ],
        {},
    )

    assert found.drift is not None
    assert found.drift.value == pytest.approx(-0.35)
    assert found.drift.is_beyond_noise
    assert judge([{"size": 9, "drawn": 9}], [tally(0, None, Verdict.RIGHT, 9)], {}).drift is None
