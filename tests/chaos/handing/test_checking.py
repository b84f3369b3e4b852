"""The checker of histories finds what is wrong with them, and nothing wrong with those that are right."""

import random
from typing import Any

import pytest

from tests.chaos.handing.checking import problems

Line = dict[str, Any]


def done(process: int, op: str, *, outcome: str = "ok", told: Line | None = None, **asked: Any) -> list[Line]:
    return [{"e": "invoke", "p": process, "op": op, **asked}, {"e": outcome, "p": process, **(told or {})}]


def claim(contact: str, to: str, **also: Any) -> list[Line]:
    return done(1, "claim", contact=contact, to=to, **also)


def read(contact: str, owner: str) -> list[Line]:
    return done(2, "read", contact=contact, told={"owner": owner})


def test_one_after_the_other_is_right() -> None:
    assert not problems([*claim("c1", "g1"), *read("c1", "g1"), *claim("c1", "g2"), *read("c1", "g2")])


def test_an_old_value_is_wrong_once_a_newer_was_acknowledged() -> None:
    assert problems([*claim("c1", "g1"), *claim("c1", "g2"), *read("c1", "g1")])


def test_of_two_at_once_either_may_be_first() -> None:
    both: list[Line] = [
        {"e": "invoke", "p": 1, "op": "claim", "contact": "c1", "to": "g1"},
        {"e": "invoke", "p": 2, "op": "claim", "contact": "c1", "to": "g2"},
        {"e": "ok", "p": 1},
        {"e": "ok", "p": 2},
    ]
    for owner in ("g1", "g2"):
        assert not problems([*both, *read("c1", owner)])
    assert problems([*both, *read("c1", "g1"), *read("c1", "g2")])


def test_a_compare_and_set_needs_what_it_compares_with() -> None:
    asked = {"e": "invoke", "p": 1, "op": "move", "contact": "c1", "from": "g2", "to": "g3"}
    moved: list[Line] = [asked, {"e": "ok", "p": 1}]

    assert problems([*claim("c1", "g1"), *moved])
    assert not problems([*claim("c1", "g2"), *moved, *read("c1", "g3")])


def test_what_failed_has_not_happened() -> None:
    assert problems([*claim("c1", "g1"), *claim("c1", "g2", outcome="fail"), *read("c1", "g2")])


def test_what_nobody_knows_may_happen_late_or_never() -> None:
    unknown = [*claim("c1", "g1"), *claim("c1", "g2", outcome="info")]

    assert not problems([*unknown, *read("c1", "g1"), *read("c1", "g2")])
    assert problems([*unknown, *read("c1", "g2"), *read("c1", "g1")])


def test_a_handover_may_move_to_anybody_while_it_lasts_and_leaves_nothing_behind() -> None:
    begun = [*claim("c1", "g1"), {"e": "invoke", "p": 9, "op": "handover", "guide": "g1"}]
    over = {"e": "ok", "p": 9}
    others = [*claim("c2", "g2"), *claim("c3", "g3")]  # so that g2 and g3 are known

    assert not problems([*others, *begun, *read("c1", "g3"), over, *read("c1", "g3")])
    assert not problems([*others, *begun, over, *read("c1", "store")])
    assert problems([*others, *begun, over, *read("c1", "g1")])
    assert problems([*others, *begun, *read("c1", "g3"), over, *read("c1", "g2")])


def test_who_has_left_gets_nothing_until_they_are_back() -> None:
    left = [*claim("c1", "g2"), *claim("c2", "g1"), *done(9, "handover", guide="g1")]
    back = done(9, "rejoin", guide="g1")

    assert problems([*left, *claim("c1", "g1")])
    assert not problems([*left, *back, *claim("c1", "g1"), *read("c1", "g1")])


def test_a_contact_that_was_there_may_not_be_missing_from_a_snapshot() -> None:
    there = [*claim("c1", "g1"), *claim("c2", "g1")]

    assert not problems([*there, *done(3, "all", told={"rows": [["c1", "g1"], ["c2", "g1"]]})])
    assert problems([*there, *done(3, "all", told={"rows": [["c1", "g1"]]})])


def test_a_read_that_is_told_late_may_have_come_before_a_change_that_is_told_sooner() -> None:
    seen: list[Line] = [
        {"e": "invoke", "p": 1, "op": "move", "contact": "c1", "from": "g1", "to": "g2"},
        {"e": "invoke", "p": 2, "op": "read", "contact": "c1"},
        {"e": "ok", "p": 1},
        {"e": "ok", "p": 2, "owner": "g1"},
    ]

    assert not problems([*claim("c1", "g1"), *seen, *read("c1", "g2")])
    assert problems([*claim("c1", "g1"), *seen, *read("c1", "g1")])


def test_what_somebody_asked_for_twice_and_never_heard_of_may_happen_twice_and_no_more() -> None:
    unknown = [*claim("c1", "g1"), *claim("c1", "g2", outcome="info"), *done(7, "claim", contact="c1", to="g2")[:1]]
    once = [*read("c1", "g2"), *claim("c1", "g1")]

    assert not problems([*unknown, *once, *read("c1", "g2")])
    assert problems([*unknown, *once, *once, *read("c1", "g2")])


def test_what_a_handover_gives_back_is_a_move_of_each() -> None:
    left = [*claim("c1", "g2"), *claim("c1", "g1"), *done(9, "handover", guide="g1"), *read("c1", "g2")]
    back: list[Line] = [
        {"e": "invoke", "p": 9, "op": "rejoin", "guide": "g1"},
        {"e": "invoke", "p": 8, "op": "move", "contact": "c1", "from": "g2", "to": "g1"},
        {"e": "ok", "p": 8},
        {"e": "ok", "p": 9},
    ]

    assert not problems([*left, *back, *read("c1", "g1")])
    assert problems([*left, *back, *read("c1", "g2")])
    assert problems([*left, *claim("c1", "g3"), *back])


@pytest.mark.parametrize("seed", range(5))
def test_a_true_history_with_one_answer_changed_is_found(seed: int) -> None:
    """A register that works, driven one at a time: any other owner than the true one is impossible."""
    rng = random.Random(seed)
    guides, held, lines = ["g1", "g2", "g3"], "g1", claim("c1", "g1")
    for _ in range(60):
        if rng.random() < 0.5:
            held = rng.choice(guides)
            lines += claim("c1", held)
        else:
            lines += read("c1", held)
    assert not problems(lines)
    places = [place for place, line in enumerate(lines) if "owner" in line]
    place = rng.choice(places)
    lies = [*lines]
    lies[place] = {**lines[place], "owner": next(each for each in guides if each != lines[place]["owner"])}

    assert problems(lies)
