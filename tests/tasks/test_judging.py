"""Rules judge whom to turn to: when exactly, how much it is worth, and why in words."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as some

from kernel import ids
from mall.models.churn import stays_away
from tasks.models import TaskKind, Trigger, Verdict
from tasks.models.judging import excluded, judge, judging
from tasks.models.subjects import Day, Judged, Match, Miss, Subject
from tests.tasks.revisiting import TODAY, day, match, miss, rule, setting, subject

TAG, OTHER_TAG, SEGMENT = UUID(int=10), UUID(int=11), UUID(int=12)
LONGEST = "长" * 60
RULES = [
    rule(
        trigger,
        days=3,
        window_days=5,
        category=LONGEST if trigger is Trigger.NEW_ARRIVALS else None,
        tag_ids=[str(TAG)] if trigger is Trigger.NEW_ARRIVALS else [],
    )
    for trigger in Trigger
]


def only(judged: Judged) -> Match | Miss:
    """What the only rule found."""
    both: list[Match | Miss] = [*judged.matches, *judged.misses]
    [found] = both
    return found


def found(trigger: Trigger, whom: Subject, at: Day | None = None, **values: Any) -> Match | Miss:
    """What a rule with that trigger finds."""
    return only(judge([rule(trigger, **values)], setting(cool_down_days=1), whom, at or day()))


def before(days: int) -> date:
    return TODAY - timedelta(days=days)


# Who is left in peace


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ({"is_primary": False, "holder_works": False}, Verdict.NOT_PRIMARY),
        ({"holder_works": False, "do_not_contact": True}, Verdict.HOLDER_AWAY),
        ({"do_not_contact": True, "is_open": True}, Verdict.DO_NOT_CONTACT),
        ({"is_open": True, "turned_to": TODAY}, Verdict.TASK_OPEN),
        ({"turned_to": TODAY}, Verdict.COOLING_DOWN),
        ({"turned_to": before(13)}, Verdict.COOLING_DOWN),
        ({"turned_to": TODAY + timedelta(days=2)}, Verdict.COOLING_DOWN),
        ({"turned_to": before(14)}, None),
        ({}, None),
    ],
)
def test_whoever_is_left_in_peace_is_judged_by_no_rule(values: dict[str, Any], verdict: Verdict | None) -> None:
    whom = subject(since=before(200), **values)

    judged = judge([rule(Trigger.NO_CONTACT, days=10)], setting(cool_down_days=14), whom, day())

    assert judged.verdict is verdict
    assert bool(judged.matches) is (verdict is None)
    assert not judged.misses


def test_without_a_match_no_rule_says_so_and_why() -> None:
    judged = judge([rule(Trigger.NO_CONTACT, days=10)], setting(), subject(), day())

    assert judged.verdict is Verdict.NO_RULE
    assert (judged.misses[0].en, judged.misses[0].zh) == (
        "nobody turned to them yet, but they came 1 days ago, the rule asks for 10",
        "建立客户关系才 1 天，规则要求 10 天",
    )


# Windows


@pytest.mark.parametrize(
    ("trigger", "field"),
    [
        (Trigger.FIRST_PURCHASE, "first_day"),
        (Trigger.DELIVERY, "delivered_on"),
        (Trigger.REFUND, "refunded_on"),
        (Trigger.HANDOVER, "held_since"),
    ],
)
@given(gone=some.integers(-400, 400), days=some.integers(0, 300), window=some.integers(1, 90))
@example(gone=2, days=3, window=3)
@example(gone=3, days=3, window=3)
@example(gone=5, days=3, window=3)
@example(gone=6, days=3, window=3)
def test_a_window_has_so_many_days_from_the_first_on(
    trigger: Trigger, field: str, gone: int, days: int, window: int
) -> None:
    whom = subject(**{"purchase_days": 1, field: before(gone)})

    judged = found(trigger, whom, days=days, window_days=window)

    assert isinstance(judged, Match) is (gone in range(days, days + window))


def test_a_miss_says_how_far_it_is() -> None:
    whom = subject(purchase_days=1, first_day=before(10))

    judged = miss(found(Trigger.FIRST_PURCHASE, whom, days=3, window_days=3))

    assert judged.en == "days since first purchase: 10, the rule asks for 3 to 5"
    assert judged.zh == "首次购买已过 10 天，规则要求 3 到 5 天"


@given(
    gone=some.tuples(some.integers(3, 7), some.integers(3, 7)),
    net=some.tuples(some.integers(-(10**18), 10**18), some.integers(0, 10**11)),
)
def test_whose_window_shuts_first_is_worth_most(gone: tuple[int, int], net: tuple[int, int]) -> None:
    assume(gone[0] > gone[1])
    worth = [
        match(found(Trigger.REFUND, subject(refunded_on=before(days), net_12_months=amount), days=3, window_days=5))
        for days, amount in zip(gone, net, strict=True)
    ]

    assert worth[0].worth > worth[1].worth


def test_who_bought_twice_made_no_first_purchase() -> None:
    assert not isinstance(found(Trigger.FIRST_PURCHASE, subject(purchase_days=2, first_day=TODAY)), Match)
    assert not isinstance(found(Trigger.FIRST_PURCHASE, subject()), Match)


def test_an_occasion_is_seen_to_once() -> None:
    asked = rule(Trigger.REFUND, days=1, window_days=10)

    def judged(turned: date) -> Match | Miss:
        whom = subject(refunded_on=before(5), turned_by={asked.id: turned})
        return only(judge([asked], setting(), whom, day()))

    assert miss(judged(before(4))).zh == "这条规则在 2026-02-26 已安排过联系，同一件事只联系一次"
    assert match(judged(before(5)))


def test_whoever_was_welcomed_isnt_welcomed_again() -> None:
    def judged(turned: date | None) -> Match | Miss:
        return found(Trigger.HANDOVER, subject(held_since=before(5), turned_to=turned), days=1, window_days=10)

    assert match(judged(None)).kind is TaskKind.WELCOME
    assert match(judged(before(6))).reason == "5 天前从同事那里接手，还没有联系过"
    assert miss(judged(before(5)))
    assert miss(judged(before(2)))


# Dates


@pytest.mark.parametrize(
    ("birthday", "at", "speaks"),
    [
        (date(1990, 3, 8), date(2026, 3, 1), "3 月 8 日生日，还有 7 天"),
        (date(1990, 3, 8), date(2026, 2, 24), None),
        (date(1990, 3, 8), date(2026, 2, 26), "3 月 8 日生日，还有 10 天"),
        (date(1990, 3, 8), date(2026, 3, 8), "3 月 8 日生日，就是今天"),
        (date(1990, 3, 8), date(2026, 3, 31), "3 月 8 日刚过生日"),
        (date(1990, 3, 8), date(2026, 4, 1), None),
        (date(1990, 1, 2), date(2025, 12, 29), "1 月 2 日生日，还有 4 天"),
        (date(1990, 1, 2), date(2025, 12, 28), None),
        (date(1992, 2, 29), date(2026, 2, 28), "2 月 29 日生日，就是今天"),
        (date(1992, 2, 29), date(2028, 2, 28), "2 月 29 日生日，还有 1 天"),
        (date(1992, 2, 29), date(2026, 3, 1), None),
        (date(2030, 3, 8), date(2026, 3, 1), "3 月 8 日生日，还有 7 天"),
        (None, date(2026, 3, 1), None),
    ],
)
def test_a_birthday_counts_in_its_month_and_from_some_days_before(
    birthday: date | None, at: date, speaks: str | None
) -> None:
    judged = found(Trigger.BIRTHDAY_MONTH, subject(birthday=birthday), day(at), days=3)

    assert (judged.reason if isinstance(judged, Match) else None) == speaks


def test_a_birthday_is_seen_to_once_in_its_month_and_again_in_a_year() -> None:
    greets = rule(Trigger.BIRTHDAY_MONTH, days=3)

    def judged(turned: date) -> Match | Miss:
        whom = subject(birthday=date(1990, 3, 8), turned_by={greets.id: turned})
        return only(judge([greets], setting(), whom, day(date(2026, 3, 20))))

    assert miss(judged(date(2026, 2, 26)))
    assert match(judged(date(2026, 2, 25)))
    assert match(judged(date(2025, 3, 20)))


def test_whose_birthday_comes_next_is_worth_most() -> None:
    def worth(born: int) -> int:
        whom = subject(birthday=date(1990, 3, born), net_12_months=born)
        return match(found(Trigger.BIRTHDAY_MONTH, whom, day(date(2026, 3, 10)))).worth

    assert worth(10) > worth(11) > worth(31) > worth(9) > worth(2)


@pytest.mark.parametrize(("left", "speaks"), [(-1, False), (0, True), (30, True), (31, False)])
def test_a_tier_that_lapses_counts_until_its_last_day(left: int, speaks: bool) -> None:
    whom = subject(tier="金卡", tier_until=TODAY + timedelta(days=left))

    assert isinstance(found(Trigger.TIER_LAPSE, whom, days=30), Match) is speaks


def test_a_tier_that_lapses_is_said_with_its_name() -> None:
    whom = subject(tier="金卡", tier_until=date(2026, 3, 7), net_12_months=123_456)

    assert match(found(Trigger.TIER_LAPSE, whom, days=30)).reason == "金卡 5 天后到期（3 月 7 日）；近一年消费 ¥1,234"


# Silence


def test_no_contact_counts_from_the_last_contact_or_since_the_relationship_began() -> None:
    def judged(since: int, turned: int | None) -> Match | Miss:
        whom = subject(since=before(since), turned_to=None if turned is None else before(turned))
        return found(Trigger.NO_CONTACT, whom, days=90)

    assert match(judged(200, 90)).reason == "已 90 天没有联系"
    assert miss(judged(200, 89))
    assert match(judged(90, None)).reason == "建立客户关系 90 天，还没有联系过"
    assert miss(judged(89, None))


def loyal(**values: Any) -> Subject:
    """Bought every four weeks, and not for 61 days."""
    usual: dict[str, Any] = {
        "first_day": before(400),
        "last_day": before(61),
        "purchase_days": 12,
        "median_gap_days": 28.0,
        "net_12_months": 1_240_000,
        "rhythm": 10.0**11,
    }
    return subject(**usual | values)


def test_churn_is_worth_what_is_at_risk_and_says_what_is_usual() -> None:
    judged = match(found(Trigger.CHURN, loyal()))

    assert judged.kind is TaskKind.RETENTION
    assert judged.reason == "平时约 28 天来一次，这次已 61 天没来；近一年消费 ¥12,400"
    assert judged.worth == int(stays_away(10.0**11, before(400), TODAY, 120.0) * 1_240_000)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"net_12_months": 0}, "nothing in the last twelve months"),
        ({"net_12_months": -5}, "nothing in the last twelve months"),
        ({"first_day": None, "last_day": None}, "nothing in the last twelve months"),
        ({"last_day": TODAY + timedelta(days=1)}, "days of silence: -1, the rule asks for 0"),
        ({"rhythm": 10.0**14}, "likely to buy again"),
    ],
)
def test_who_isnt_silent_or_likely_to_stay_away_or_worth_nothing_isnt_at_risk(values: dict[str, Any], why: str) -> None:
    assert why in miss(found(Trigger.CHURN, loyal(**values))).en


def test_a_single_purchase_has_no_usual_gap() -> None:
    once = loyal(purchase_days=1, median_gap_days=None, last_day=before(60), first_day=before(60), rhythm=0.0)

    assert match(found(Trigger.CHURN, once)).reason == "只来买过一次，已 60 天没再来；近一年消费 ¥12,400"


def test_a_churn_rule_may_ask_for_a_longer_silence() -> None:
    assert match(found(Trigger.CHURN, loyal(), days=61))
    assert "days of silence: 61, the rule asks for 62" in miss(found(Trigger.CHURN, loyal(), days=62)).en


def test_a_silence_that_is_usual_is_told_and_decides_nothing() -> None:
    judged = match(found(Trigger.CHURN, loyal(median_gap_days=90.0)))

    assert judged.reason == "平时约 90 天来一次，这次已 61 天没来；近一年消费 ¥12,400"
    assert judged.worth == match(found(Trigger.CHURN, loyal())).worth


def test_without_anybody_who_bought_twice_no_risk_is_told() -> None:
    assert "nothing to tell by" in miss(found(Trigger.CHURN, loyal(), day(patience_days=None))).en


# Something to speak of


def test_stale_tags_are_named_all_or_those_of_the_rule() -> None:
    whom = subject(stale_tags={TAG: "通勤", OTHER_TAG: "小码"})

    assert match(found(Trigger.STALE_TAG, whom)).reason == "标签「通勤、小码」已过保鲜期，请聊聊近况再核实"
    assert "「小码」" in match(found(Trigger.STALE_TAG, whom, tag_ids=[str(OTHER_TAG)])).reason
    assert miss(found(Trigger.STALE_TAG, whom, tag_ids=[str(SEGMENT)]))
    assert miss(found(Trigger.STALE_TAG, subject()))


def test_new_arrivals_are_for_who_carries_a_tag_while_they_are_new_and_once() -> None:
    newly = rule(Trigger.NEW_ARRIVALS, window_days=7, category="连衣裙", tag_ids=[str(TAG)])
    come = day(arrivals={"连衣裙": ((before(2), "真丝长裙"), (before(7), "碎花裙"))}, tags={TAG: "通勤"})

    def judged(whom: Subject, at: Day = come) -> Match | Miss:
        return only(judge([newly], setting(), whom, at))

    suited = subject(tag_ids=frozenset([TAG]))
    assert match(judged(suited)).reason == "连衣裙 新到 1 款：真丝长裙；顾客标签：通勤"
    assert match(judged(subject(tag_ids=frozenset([TAG]), turned_by={newly.id: before(3)})))
    assert miss(judged(subject(tag_ids=frozenset([TAG]), turned_by={newly.id: before(2)})))
    assert miss(judged(subject(tag_ids=frozenset([OTHER_TAG]))))
    assert miss(judged(suited, day(arrivals={"连衣裙": ((before(7), "碎花裙"),)})))
    assert miss(judged(suited, day(arrivals={"连衣裙": ((TODAY + timedelta(days=1), "未来裙"),)})))


def test_a_segment_narrows_any_rule() -> None:
    whom = subject(since=before(100))

    assert miss(found(Trigger.NO_CONTACT, whom, segment_id=SEGMENT)).zh == "不在规则的顾客分组里"
    assert match(found(Trigger.NO_CONTACT, subject(since=before(100), segment_ids={SEGMENT}), segment_id=SEGMENT))


@pytest.mark.parametrize(("currency", "said"), [("GBP", "£12,400"), ("JPY", "¥1,240,000"), ("XTS", "XTS 12,400")])
def test_amounts_are_said_in_the_brands_currency(currency: str, said: str) -> None:
    assert said in match(found(Trigger.CHURN, loyal(), day(currency=currency))).reason


# Whatever there is

DAYS = some.dates(date(1900, 1, 1), date(2200, 12, 31))
NAMES = some.text(min_size=1, max_size=200).filter(lambda text: "None" not in text)
SUBJECTS = some.builds(
    Subject,
    customer_id=some.uuids(),
    relationship_id=some.uuids(),
    account_id=some.uuids(),
    is_primary=some.booleans(),
    holder_works=some.booleans(),
    do_not_contact=some.booleans(),
    is_open=some.booleans(),
    turned_to=some.none() | DAYS,
    since=DAYS,
    held_since=some.none() | DAYS,
    first_day=some.none() | DAYS,
    last_day=some.none() | DAYS,
    purchase_days=some.integers(0, 3),
    net_12_months=some.integers(-(2**63), 2**63 - 1),
    median_gap_days=some.none() | some.floats(0, 1000),
    rhythm=some.floats(0, 10**16),
    birthday=some.none() | some.dates(),
    tier=some.none() | NAMES.map(lambda text: text[:32]),
    tier_until=some.none() | some.dates(),
    delivered_on=some.none() | DAYS,
    refunded_on=some.none() | DAYS,
    stale_tags=some.dictionaries(some.uuids(), NAMES, max_size=5),
    tag_ids=some.sampled_from([frozenset(), frozenset([TAG])]),
    turned_by=some.dictionaries(some.sampled_from([rule.id for rule in RULES]), DAYS, max_size=5),
)
ANY_DAY = some.builds(
    Day,
    day=DAYS,
    currency=some.sampled_from(["CNY", "JPY", "XTS"]),
    patience_days=some.none() | some.floats(0, 10**6),
    arrivals=some.dictionaries(
        some.just(LONGEST), some.lists(some.tuples(DAYS, NAMES), min_size=1, max_size=9).map(tuple), max_size=1
    ),
    tags=some.sampled_from([{}, {TAG: "通勤"}]),
)


@settings(max_examples=300, deadline=None)
@given(whom=SUBJECTS, at=ANY_DAY, near=some.none() | some.integers(-10, 10))
def test_whatever_is_known_a_judgement_is_whole(whom: Subject, at: Day, near: int | None) -> None:
    if near is not None and at.day.year < 2199:
        whom = subject(
            **{name: at.day - timedelta(days=near) for name in ("first_day", "delivered_on", "refunded_on", "since")}
            | {"purchase_days": 1, "birthday": whom.birthday, "net_12_months": whom.net_12_months}
        )

    judged = judge(RULES, setting(), whom, at)

    assert judging(RULES, setting(), at, tells_misses=False)(whom) == replace(judged, misses=())
    if excluded(setting(), whom, at) is not None:
        assert (judged.matches, judged.misses) == ((), ())
        return
    assert len(judged.matches) + len(judged.misses) == len(RULES)
    assert (judged.verdict is None) is bool(judged.matches)
    for each in judged.matches:
        assert 0 < len(each.reason) <= 300
        assert "None" not in each.reason
        assert 0 <= each.worth < 2**63
    for missed in judged.misses:
        assert "None" not in missed.en + missed.zh
        assert "{" not in missed.en + missed.zh


@pytest.mark.parametrize("at", [date.min, date.max, date(9999, 12, 1), date(1, 1, 1)])
def test_no_day_is_too_early_or_too_late(at: date) -> None:
    whom = subject(birthday=date(1990, 1, 1), tier_until=date.max, first_day=date(2020, 1, 1), purchase_days=1)

    assert len(judge(RULES, setting(), whom, day(at)).misses) <= len(RULES)


def test_every_trigger_is_judged() -> None:
    whom = subject(since=before(500))

    for trigger in Trigger:
        assert judge([rule(trigger, id=ids.new())], setting(), whom, day())
