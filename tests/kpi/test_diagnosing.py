"""A guide's gap to their peers, taken apart: exact in money, and silent about what chance brings about."""

import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from kpi.models import diagnosing
from kpi.models.advice import said
from kpi.models.comparing import compare_counts, compare_shares
from kpi.models.diagnosing import COLUMNS, Cause, Diagnosis, Step, decomposed, diagnose, pooled
from tagging.models.statistics import Standing

PEERS = {
    "orders": 900,
    "gross": 27_000_000,
    "at_work": 300,
    "sharers": 150,
    "links": 300,
    "link_opens": 1_500,
    "link_orders": 300,
    "link_gross": 6_000_000,
    "contacts_due": 1_200,
    "contacts_reached": 900,
    "contacts_bought": 180,
}
TENTH = {name: value // 10 for name, value in PEERS.items()}
rates = some.fixed_dictionaries({name: some.integers(0, 3_000) for name in COLUMNS})


def of(own: dict[str, int], peers: dict[str, int] = PEERS) -> Diagnosis:
    found = diagnose(own, peers)
    assert found is not None
    return found


def in_words(found: Diagnosis | None, language: str = "en", *, was_at_work: bool = True) -> str:
    return said(found, was_at_work=was_at_work, currency="CNY", digits=2, language=language)


@settings(deadline=None)  # the first one loads SciPy
@given(rates, rates)
def test_the_steps_add_up_to_the_gap(own: dict[str, int], peers: dict[str, int]) -> None:
    found = diagnose(own, peers)

    if found is None:
        assert not own["at_work"] or not peers["at_work"]
        return
    for funnel in (found.sharing, found.tasks):
        assert sum(each.shortfall for each in funnel.findings) == funnel.expected - funnel.brought
    assert found.sharing.brought == own["link_gross"]


@settings(deadline=None)  # the first one loads SciPy
@given(some.lists(rates, min_size=1, max_size=6), some.randoms(use_true_random=False), rates)
def test_the_order_of_the_peers_changes_nothing(
    peers: list[dict[str, int]], dice: random.Random, own: dict[str, int]
) -> None:
    mixed = dice.sample(peers, len(peers))

    assert diagnose(own, pooled(peers)) == diagnose(own, pooled(mixed))


@settings(deadline=None)  # the first one loads SciPy
@given(rates, some.integers(1, 5))
def test_who_is_like_the_peers_has_no_finding(own: dict[str, int], times: int) -> None:
    found = diagnose(own, {name: value * times for name, value in own.items()})

    if found is not None:
        assert {each.shortfall for each in found.findings} == {0}
        assert (found.weakest, found.cause) == (None, Cause.NONE)


def test_the_parts_are_those_of_the_logarithmic_mean() -> None:
    """By hand: 10 days at rates 1/2 and 4 make 20, at 1 and 6 make 60; L(60, 20) = 40 / ln 3."""
    halves, sixes = decomposed([10, 5, 20], [10, 10, 60])

    assert halves == pytest.approx(40 / np.log(3) * np.log(2))
    assert sixes == pytest.approx(40 / np.log(3) * np.log(1.5))


def test_who_never_shares_lacks_all_of_it_by_that_step() -> None:
    found = of(TENTH | dict.fromkeys(("sharers", "links", "link_opens", "link_orders", "link_gross"), 0))

    shortfalls = {each.step: each.shortfall for each in found.sharing.findings}
    assert (found.sharing.brought, found.sharing.expected) == (0, 600_000)
    assert shortfalls == {
        Step.SHARE_RATE: 600_000,
        Step.LINKS_PER_SHARING_DAY: 0,
        Step.OPENS_PER_LINK: 0,
        Step.ORDERS_PER_OPEN: 0,
        Step.GROSS_PER_ORDER: 0,
    }
    assert found.cause is Cause.MOTIVATION


def test_orders_through_links_of_an_earlier_time_say_nothing_of_the_steps_between() -> None:
    own = TENTH | {"sharers": 0, "links": 0, "link_opens": 0, "link_orders": 3, "link_gross": 60_000}

    shortfalls = [each.shortfall for each in of(own).sharing.findings]

    assert sum(shortfalls) == 540_000
    assert shortfalls[1:] == [0, 0, 0, 0]


def test_a_low_share_rate_is_motivation() -> None:
    low = {"sharers": 3, "links": 6, "link_opens": 30, "link_orders": 6, "link_gross": 120_000}
    found = of(TENTH | low)

    assert found.weakest is not None
    assert (found.weakest.step, found.cause) == (Step.SHARE_RATE, Cause.MOTIVATION)
    assert found.weakest.shortfall == 480_000
    assert in_words(found) == (
        "Shares too seldom: on 10% of the days at work, peers on 50%; that costs about CNY 4,800.00. A matter of "
        "motivation: ask what keeps them from sharing."
    )
    assert "CNY 4,800.00" in in_words(found, "zh")
    assert "动力" in in_words(found, "zh")


def test_enough_shares_and_low_sales_are_method() -> None:
    found = of(TENTH | {"link_orders": 6, "link_gross": 120_000})

    assert found.weakest is not None
    assert (found.weakest.step, found.cause) == (Step.ORDERS_PER_OPEN, Cause.METHOD)
    assert (found.weakest.own, found.weakest.peers) == (Fraction(1, 25), Fraction(1, 5))


def test_what_a_guide_is_given_is_neither() -> None:
    found = of(TENTH | {"contacts_due": 40, "contacts_reached": 30, "contacts_bought": 6})

    assert found.weakest is not None
    assert (found.weakest.step, found.cause) == (Step.CONTACTS_PER_DAY, Cause.NONE)
    assert found.weakest.shortfall == 12 * 30_000
    assert "isn't theirs to mend" in in_words(found)


def test_tasks_are_worth_the_guides_own_basket_or_the_peers() -> None:
    assert of(TENTH | {"gross": 900_000}).tasks.brought == 18 * 10_000
    assert of(TENTH | {"orders": 0, "gross": 0}).tasks.brought == 18 * 30_000


def test_the_largest_shortfall_is_not_named_while_chance_may_have_brought_it_about() -> None:
    few = TENTH | {"contacts_bought": 15, "link_gross": 60_000, "link_orders": 28}
    found = of(few)

    assert max(found.findings, key=lambda each: each.shortfall).step is Step.GROSS_PER_ORDER
    assert found.weakest is None
    assert "by more than chance" in in_words(found)


def test_a_small_sample_is_marked_and_said() -> None:
    ten = {name: value // 15 for name, value in PEERS.items()} | {
        **dict.fromkeys(("sharers", "links", "link_opens", "link_orders", "link_gross"), 0)
    }
    found = of(ten)

    assert found.weakest is not None
    assert (found.weakest.sample, found.weakest.is_small) == (20, True)
    assert in_words(found).endswith("The sample is small: watch on before judging.")


def test_without_work_or_peers_there_is_nothing_to_say() -> None:
    assert diagnose(TENTH | {"at_work": 0}, PEERS) is None
    assert diagnose(TENTH, {}) is None
    assert in_words(None, was_at_work=False) == "Wasn't at work in these days."
    assert in_words(None) == "There are fewer than 5 peers to compare with."


@pytest.mark.parametrize(
    ("step", "first"),
    [
        (Step.SHARE_RATE, "sharers"),
        (Step.LINKS_PER_SHARING_DAY, "links"),
        (Step.OPENS_PER_LINK, "link_opens"),
        (Step.ORDERS_PER_OPEN, "link_orders"),
        (Step.CONTACTS_PER_DAY, "contacts_due"),
        (Step.REACHED_SHARE, "contacts_reached"),
        (Step.BOUGHT_SHARE, "contacts_bought"),
    ],
)
def test_every_step_that_can_be_named_has_its_words(step: Step, first: str) -> None:
    funnel = next(names for names in (COLUMNS[3:8], COLUMNS[8:]) if first in names)
    found = of(TENTH | {name: TENTH[name] // 10 for name in funnel[funnel.index(first) :]})

    assert found.weakest is not None
    assert found.weakest.step is step
    assert in_words(found)[-1] == "."
    assert in_words(found, "zh")[-1] == "。"


def test_counts_are_compared_exactly() -> None:
    """Clopper & Pearson (1934) for 3 of 20 at 95 %: 0.0321 to 0.3789; half of the units each."""
    found = compare_counts(3, 10, 17, 10, level=0.95)

    assert found.standing is Standing.BELOW
    assert found.lowest == pytest.approx(0.03207 / (1 - 0.03207) * 1.7, abs=1e-3)
    assert found.highest == pytest.approx(0.37893 / (1 - 0.37893) * 1.7, abs=1e-3)
    assert compare_counts(6, 10, 14, 10, level=0.95).standing is Standing.WITHIN_NOISE
    assert compare_counts(17, 10, 3, 10, level=0.95).standing is Standing.ABOVE
    assert compare_counts(5, 10, 0, 10, level=0.95).highest is None


def test_shares_are_compared_by_newcombes_interval() -> None:
    """Newcombe 1998, table II (a), method 10: 56/70 − 48/80 lies between 0.0524 and 0.3339."""
    found = compare_shares(56, 70, 48, 80, level=0.95)

    assert found.standing is Standing.ABOVE
    assert found.lowest == pytest.approx(0.6 + 0.0524, abs=1e-4)
    assert found.highest == pytest.approx(0.6 + 0.3339, abs=1e-4)


def simulated(dice: np.random.Generator, days: int) -> dict[str, int]:
    """A guide like all others, of chance alone."""
    sharers = int(dice.binomial(days, 0.4))
    links = int(dice.poisson(2 * sharers))
    opens = int(dice.poisson(3 * links))
    link_orders = int(dice.binomial(opens, 0.08))
    due = int(dice.poisson(3 * days))
    reached = int(dice.binomial(due, 0.6))
    bought = int(dice.binomial(reached, 0.15))
    orders = int(dice.poisson(2 * days)) + 1
    return {
        "at_work": days,
        "sharers": sharers,
        "links": links,
        "link_opens": opens,
        "link_orders": link_orders,
        "link_gross": int(dice.lognormal(10, 0.8, link_orders).sum()),
        "contacts_due": due,
        "contacts_reached": reached,
        "contacts_bought": bought,
        "orders": orders,
        "gross": int(dice.lognormal(10, 0.8, orders).sum()),
    }


def named_among_equals(trials: int) -> float:
    dice, named = np.random.default_rng(20_260_302), 0
    for trial in range(trials):
        days = (5, 22, 80)[trial % 3]
        peers = simulated(dice, days * (5, 30)[trial % 2])  # of so many together
        named += of(simulated(dice, days), peers).weakest is not None
    return named / trials


def test_of_guides_like_all_others_at_most_five_in_a_hundred_are_named() -> None:
    assert named_among_equals(3_000) <= 0.05


def test_steps_that_are_each_tested_as_if_alone_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant without Bonferroni."""
    monkeypatch.setattr(diagnosing, "certain_level", lambda _compared: 0.95)

    assert named_among_equals(3_000) > 0.05


def test_a_guide_who_does_half_as_well_is_found() -> None:
    dice, found = np.random.default_rng(7), 0
    for _ in range(200):
        peers = simulated(dice, 22 * 20)
        own = simulated(dice, 22) | {"sharers": int(dice.binomial(22, 0.08))}
        found += of(own, peers).weakest is not None
    assert found > 100
