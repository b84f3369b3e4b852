"""Whom guides turn to: rules take turns, customers take turns, and nobody gets more than they can do."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.models import TaskKind, Verdict, choosing
from tasks.models.choosing import KEPT, Choice, choose
from tasks.models.subjects import Judged, Match, Subject

DAY = date(2026, 3, 2)
GUIDE, COLLEAGUE = UUID(int=1), UUID(int=2)


@dataclass(frozen=True)
class Rule:
    id: UUID
    priority: int = 50
    weight: int = 1


@dataclass(frozen=True)
class Setting:
    quota: int = 8
    cool_down_days: int = 14


def rule(number: int, **values: int) -> Rule:
    return Rule(UUID(int=1000 + number), **values)


def somebody(number: int, account_id: UUID = GUIDE, turned_to: date | None = None) -> Subject:
    return Subject(
        customer_id=UUID(int=10_000 + number),
        relationship_id=UUID(int=20_000 + number),
        account_id=account_id,
        is_primary=True,
        holder_works=True,
        do_not_contact=False,
        is_open=False,
        turned_to=turned_to,
        since=DAY - timedelta(days=400),
    )


def matches(subject: Subject, *worths: tuple[Rule, int]) -> Judged:
    found = tuple(Match(rule.id, TaskKind.REVISIT, worth, "为什么") for rule, worth in worths)
    return Judged(subject, None, found)


def numbers(choices: Iterable[Choice], verdict: Verdict = Verdict.CHOSEN) -> list[int]:
    return [choice.subject.customer_id.int - 10_000 for choice in choices if choice.verdict is verdict]


def test_those_who_are_worth_most_are_chosen_and_the_next_are_kept_in_line() -> None:
    churn = rule(1)
    judged = [matches(somebody(number), (churn, number)) for number in range(1, 41)]

    choices = choose(judged, [churn], Setting(quota=3), {}, DAY)

    assert numbers(choices) == [40, 39, 38]
    assert numbers(choices, Verdict.OVER_QUOTA) == list(range(37, 37 - KEPT, -1))
    assert [choice.place for choice in choices] == list(range(1, 3 + KEPT + 1))


def test_what_machines_gave_before_counts_for_the_quota() -> None:
    churn = rule(1)
    judged = [matches(somebody(number, account), (churn, number)) for number in (1, 2, 3) for account in (GUIDE,)]
    judged += [matches(somebody(number, COLLEAGUE), (churn, number)) for number in (4, 5, 6)]

    choices = choose(judged, [churn], Setting(quota=2), {GUIDE: 1, COLLEAGUE: 5}, DAY)

    assert numbers(choices) == [3]
    assert numbers(choices, Verdict.OVER_QUOTA) == [2, 1, 6, 5, 4]


def test_who_has_a_verdict_or_no_match_is_in_nobodys_list() -> None:
    churn = rule(1)
    left_alone = replace(matches(somebody(1), (churn, 5)), verdict=Verdict.DO_NOT_CONTACT)

    assert choose([left_alone, matches(somebody(2))], [churn], Setting(), {}, DAY) == []


def test_a_customer_is_in_line_once_under_the_rule_with_the_highest_priority() -> None:
    low, high = rule(1, priority=40, weight=10), rule(2, priority=70)

    [only] = choose([matches(somebody(1), (low, 900), (high, 1))], [low, high], Setting(), {}, DAY)

    assert only.match.rule_id == high.id


def test_rules_have_their_share_of_each_days_list_by_weight() -> None:
    heavy, light = rule(1, weight=3), rule(2)
    judged = [matches(somebody(number), (heavy, number)) for number in range(50)]
    judged += [matches(somebody(100 + number), (light, number)) for number in range(50)]

    for days in range(8):
        choices = choose(judged, [heavy, light], Setting(quota=8), {}, DAY + timedelta(days=days))
        chosen = Counter(choice.match.rule_id for choice in choices if choice.verdict is Verdict.CHOSEN)
        assert chosen == {heavy.id: 6, light.id: 2}


def test_a_rule_that_has_nobody_passes_its_turn_on() -> None:
    heavy, light = rule(1, weight=10), rule(2)
    judged = [matches(somebody(number), (light, number)) for number in range(8)]

    assert len(numbers(choose(judged, [heavy, light], Setting(quota=8), {}, DAY))) == 8


@given(
    weights=st.lists(st.integers(1, 10), min_size=1, max_size=9), quota=st.integers(1, 4), starts=st.integers(0, 999)
)
@settings(max_examples=60, deadline=None)
def test_in_a_cycle_of_days_each_rule_comes_to_exactly_its_share(weights: list[int], quota: int, starts: int) -> None:
    """Whatever the quota: also where there are more rules than a guide has turns in a day."""
    rules = [rule(number, weight=weight, priority=50 + number) for number, weight in enumerate(weights)]
    judged = [
        matches(somebody(100 * at + number), (each, 1)) for at, each in enumerate(rules) for number in range(quota * 2)
    ]
    cycle = sum(weights)
    quota = min(quota, cycle)
    first = date.fromordinal((DAY.toordinal() + starts) // cycle * cycle)  # cycles are counted from the first day on
    chosen: Counter[UUID] = Counter()
    for day in range(cycle):
        choices = choose(judged, rules, Setting(quota=quota), {}, first + timedelta(days=day))
        chosen.update(choice.match.rule_id for choice in choices if choice.verdict is Verdict.CHOSEN)

    assert chosen == {each.id: quota * each.weight for each in rules}


@given(seed=st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_the_order_in_which_things_are_given_makes_no_difference(seed: int) -> None:
    dice = random.Random(seed)
    rules = [rule(number, weight=dice.randint(1, 4), priority=dice.choice((50, 60))) for number in range(4)]
    judged = [
        matches(
            somebody(number, dice.choice((GUIDE, COLLEAGUE)), dice.choice((None, DAY - timedelta(days=40)))),
            *((each, dice.randint(0, 3)) for each in dice.sample(rules, dice.randint(0, 4))),
        )
        for number in range(60)
    ]
    expected = choose(judged, rules, Setting(quota=5), {GUIDE: 1}, DAY)
    shuffled = [replace(each, matches=tuple(dice.sample(each.matches, len(each.matches)))) for each in judged]
    dice.shuffle(shuffled)
    dice.shuffle(rules)

    assert choose(shuffled, rules, Setting(quota=5), {GUIDE: 1}, DAY) == expected


@dataclass
class Shop:
    """A guide's customers who always match, each one rule, and what is done about them day by day."""

    rules: Sequence[Rule]
    setting: Setting
    rule_of: dict[int, Rule]

    def turns(self, days: int) -> dict[int, list[date]]:
        """On which days each customer was turned to."""
        turned: dict[int, list[date]] = {number: [] for number in self.rule_of}
        for offset in range(days):
            day = DAY + timedelta(days=offset)
            for number in numbers(choose(self._judged(turned, day), self.rules, self.setting, {}, day)):
                turned[number].append(day)
        return turned

    def _judged(self, turned: dict[int, list[date]], day: date) -> list[Judged]:
        judged = []
        for number, each in self.rule_of.items():
            last = turned[number][-1] if turned[number] else None
            cools = last is not None and (day - last).days < self.setting.cool_down_days
            one = matches(somebody(number, turned_to=last), (each, number * number))
            judged.append(replace(one, verdict=Verdict.COOLING_DOWN if cools else None))
        return judged


def unfair(shop: Shop, turned: dict[int, list[date]]) -> list[tuple[int, int]]:
    """Whoever was turned to a second time while somebody who matched the same rule had not been once."""
    return [
        (again, waited)
        for again, days in turned.items()
        for waited, others in turned.items()
        if len(days) > 1 and shop.rule_of[again] == shop.rule_of[waited] and (not others or others[0] > days[1])
    ]


@st.composite
def shops(draw: st.DrawFn) -> Shop:
    rules = [rule(number, weight=draw(st.integers(1, 5))) for number in range(draw(st.integers(1, 4)))]
    setting = Setting(quota=draw(st.integers(1, 8)), cool_down_days=draw(st.integers(1, 20)))
    of = draw(st.lists(st.sampled_from(rules), min_size=1, max_size=120))
    return Shop(rules, setting, dict(enumerate(of)))


@given(shop=shops())
@settings(max_examples=60, deadline=None)
def test_whoever_keeps_matching_is_turned_to_once_before_anybody_is_twice(shop: Shop) -> None:
    assert unfair(shop, shop.turns(150)) == []


def test_in_the_long_run_everybody_is_turned_to_as_often_as_anybody() -> None:
    only = rule(1)
    shop = Shop([only], Setting(quota=5, cool_down_days=7), dict.fromkeys(range(200), only))

    turned = shop.turns(400)

    often = Counter(len(days) for days in turned.values())
    assert max(often) - min(often) <= 1
    assert min(often) >= 9  # 5 a day in 400 days among 200, most of the time


def test_without_laps_the_same_few_are_chosen_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof above would notice: cool-down by itself keeps nobody from starving."""
    only = rule(1)
    shop = Shop([only], Setting(quota=2, cool_down_days=7), dict.fromkeys(range(100), only))
    assert unfair(shop, shop.turns(60)) == []

    def by_worth(queues: choosing._Queues, *_rest: object) -> None:
        for queue in queues.values():
            queue.sort(key=lambda candidate: -candidate[1].worth)

    monkeypatch.setattr(choosing, "_order", by_worth)
    assert unfair(shop, shop.turns(60))
