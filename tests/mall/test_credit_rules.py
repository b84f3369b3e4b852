"""The rules of credit: which can be kept, and that whatever they say adds up."""

from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mall.errors import CreditRulesWrong
from mall.models import WHOLE, CreditReason, NamedBy
from mall.models.credit_rules import OWN, RULES, USUAL, Party, Rule, Share, checked, read, rule, written
from mall.models.crediting import Facts, Link, Why, judged
from mall.models.explaining import said
from tests.factories import NOON

HOLDER, STORE = rule(CreditReason.HOLDER), rule(CreditReason.STORE)


def shares(*points: tuple[Party, int]) -> tuple[Share, ...]:
    return tuple(Share(party, some) for party, some in points)


WRONG: dict[str, list[Rule]] = {
    "rules": [],
    "rules[0].kind": [HOLDER],
    "rules[1].kind": [HOLDER, HOLDER, STORE],
    "rules[0].days": [rule(CreditReason.SHARE, 91), STORE],
    "rules[1].days": [HOLDER, Rule(CreditReason.NAMED, 3, ()), STORE],
    "rules[0].shares": [Rule(CreditReason.HOLDER, None, shares((Party.HOLDER, 9_999))), STORE],
    "rules[0].shares[0].party": [Rule(CreditReason.HOLDER, None, shares((Party.STORE, WHOLE))), STORE],
    "rules[0].shares[1].points": [
        Rule(CreditReason.HOLDER, None, shares((Party.HOLDER, WHOLE), (Party.STORE, 0))),
        STORE,
    ],
    "rules[0].shares[1].party": [
        Rule(CreditReason.HOLDER, None, shares((Party.HOLDER, 1), (Party.HOLDER, 9_999))),
        STORE,
    ],
}


@pytest.mark.parametrize("place", WRONG)
def test_what_cant_be_kept_is_refused_at_its_place(place: str) -> None:
    with pytest.raises(CreditRulesWrong) as refused:
        checked(WRONG[place])

    assert refused.value.say("en").startswith(f"{place}: ")
    assert refused.value.say("zh").startswith(f"{place}：")
    assert refused.value.index == (int(place[6]) if "[" in place else None)


def test_nine_rules_and_one_that_is_never_reached_are_refused() -> None:
    links = [rule(CreditReason.SHARE, days) for days in range(1, 9)]
    assert len(checked([*links[:7], STORE])) == 8
    for wrong in ([*links, STORE], [links[3], links[2], STORE], [links[3], links[3], STORE], [STORE, STORE]):
        with pytest.raises(CreditRulesWrong):
            checked(wrong)
    with pytest.raises(CreditRulesWrong):
        checked([rule(CreditReason.STORE), Rule(CreditReason.CORRECTED, None, ())])


def test_the_usual_rules_can_be_kept_and_a_rule_without_shares_gives_all_to_its_own() -> None:
    assert checked(USUAL) == USUAL
    assert checked([Rule(kind, 7 if kind is CreditReason.SHARE else None, ()) for kind in RULES]) == USUAL


ACCOUNTS = st.sampled_from([uuid4() for _ in range(3)])


@st.composite
def rule_lists(draw: st.DrawFn) -> tuple[Rule, ...]:
    kinds = draw(st.lists(st.sampled_from(RULES[:3]), unique=True, max_size=3))
    made = [_drawn(draw, kind) for kind in (*kinds, CreditReason.STORE)]
    return checked(made)


def _drawn(draw: st.DrawFn, kind: CreditReason) -> Rule:
    others = draw(st.lists(st.sampled_from([party for party in Party if party is not OWN[kind]]), unique=True))
    cuts = sorted(draw(st.sets(st.integers(1, WHOLE - 1), min_size=len(others), max_size=len(others))))
    points = [high - low for low, high in zip([0, *cuts], [*cuts, WHOLE], strict=True)]
    days = draw(st.integers(1, 90)) if kind is CreditReason.SHARE else None
    return Rule(kind, days, shares(*zip((OWN[kind], *others), points, strict=True)))


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    account = st.none() | ACCOUNTS
    age = timedelta(hours=draw(st.integers(-5, 24 * 100)))
    link = draw(st.none() | st.builds(Link, st.uuids(), account, st.just(NOON - age)))
    named = draw(account)
    by = draw(st.sampled_from(NamedBy)) if named else draw(st.none() | st.sampled_from(NamedBy))
    return Facts(NOON, link, named, by, draw(st.booleans()), draw(account), draw(st.booleans()))


@given(rules=rule_lists(), found=facts(), amount=st.integers(0, 2**53))
def test_whatever_the_rules_the_parts_add_up_and_each_is_somebodys_own(
    rules: tuple[Rule, ...], found: Facts, amount: int
) -> None:
    verdict = judged(rules, found, amount)

    assert sum(part.amount for part in verdict.parts) == amount
    assert sum(part.points for part in verdict.parts) == WHOLE
    assert len({part.account_id for part in verdict.parts}) == len(verdict.parts)
    theirs = {None, found.named_id, found.holder_id, found.link and found.link.account_id}
    assert {part.account_id for part in verdict.parts} <= theirs
    for part in verdict.parts:
        assert abs(part.amount * WHOLE - amount * part.points) < WHOLE


@given(rules=rule_lists(), found=facts())
def test_the_first_that_applies_decides_and_every_rule_says_why(rules: tuple[Rule, ...], found: Facts) -> None:
    verdict = judged(rules, found, 100)

    whys = [step.why for step in verdict.steps]
    first = whys.index(Why.APPLIED)
    assert [step.kind for step in verdict.steps] == [each.kind for each in rules]
    assert verdict.reason is rules[first].kind
    assert whys[first + 1 :] == [Why.NOT_ASKED] * (len(rules) - first - 1)
    assert Why.NOT_ASKED not in whys[:first]


@given(rules=rule_lists())
def test_rules_are_kept_as_they_are(rules: tuple[Rule, ...]) -> None:
    assert read(written(rules)) == rules


@pytest.mark.parametrize("why", Why)
@pytest.mark.parametrize("kind", RULES)
def test_every_reason_has_words_in_both_languages(kind: CreditReason, why: Why) -> None:
    step = {"rule": kind.value, "why": why.value, "days": 7, "age_days": 3}

    zh, en = said(step, "zh"), said(step, "en")

    assert zh != en
    assert not {"{", "}"} & set(zh + en)
    assert any("\u4e00" <= letter <= "\u9fff" for letter in zh)
    assert en.isascii()
