"""Triggers of silence: nobody turned to the customer, or the customer stays away."""

from mall.models import ChurnRisk
from mall.models.churn import risk_of, stays_away
from tasks.models.judging.parts import Finding, Rule, days_after, value_of
from tasks.models.judging.words import reason, spent
from tasks.models.subjects import Day, Match, Miss, Subject
from tasks.models.tasks import TaskKind

_CONTACTED = ("days since somebody turned to them: {0}, the rule asks for {1}", "距上次联系 {0} 天，规则要求 {1} 天")
_NEW = (
    "nobody turned to them yet, but they came {0} days ago, the rule asks for {1}",
    "建立客户关系才 {0} 天，规则要求 {1} 天",
)
_NOTHING_SPENT = ("they spent nothing in the last twelve months", "近一年没有消费")
_NO_RHYTHM = ("the brand's customers haven't bought twice yet, so there is nothing to tell by", "品牌的复购数据还不够")
_TOO_SHORT = ("days of silence: {0}, the rule asks for {1}", "已 {0} 天没来，规则要求 {1} 天")
_LOW = ("they are likely to buy again within 91 days", "91 天内很可能再来，流失风险低")
_MOST_DAYS = 99_999


def no_contact(rule: Rule, subject: Subject, day: Day) -> Finding:
    """Nobody turned to the customer for `days` days, or since the relationship began, if that is as long.

    Whoever spent most comes first, and of equals whom nobody turned to for longest.
    """
    silent = days_after(subject.turned_to or subject.since, day)
    if silent < rule.days:
        return Miss(rule.id, _CONTACTED if subject.turned_to else _NEW, (silent, rule.days))
    worth = value_of(subject) * (_MOST_DAYS + 1) + min(silent, _MOST_DAYS)
    return Match(rule.id, TaskKind.REVISIT, worth, (_uncontacted, (silent, subject, day)))


def _uncontacted(silent: int, subject: Subject, day: Day) -> str:
    said = f"已 {silent} 天没有联系" if subject.turned_to else f"建立客户关系 {silent} 天，还没有联系过"
    return reason(said, spent(subject, day))


def churn(rule: Rule, subject: Subject, day: Day) -> Finding:
    """A customer who bought in the last twelve months, is silent for `days` days at least, and may well stay away.

    Worth is what is at risk: the probability that nothing is bought within 91 days, times what was spent in twelve
    months, in minor units. How long a silence is usual for them is said, but decides nothing: of what customers who
    left had spent, a real shop's first tenth by worth had 36 to 38 %, and 27 to 36 % without those whose silence was
    usual (`docs/decisions/0019`).
    """
    if subject.first_day is None or subject.last_day is None or subject.net_12_months <= 0:
        return Miss(rule.id, _NOTHING_SPENT)
    if day.patience_days is None:
        return Miss(rule.id, _NO_RHYTHM)
    silent = days_after(subject.last_day, day)
    if silent < rule.days:
        return Miss(rule.id, _TOO_SHORT, (silent, rule.days))
    probability = stays_away(subject.rhythm, subject.first_day, day.day, day.patience_days)
    if risk_of(probability) is ChurnRisk.LOW:
        return Miss(rule.id, _LOW)
    worth = int(probability * subject.net_12_months)
    return Match(rule.id, TaskKind.RETENTION, worth, (_silent, (silent, subject.median_gap_days, subject, day)))


def _silent(silent: int, usual: float | None, subject: Subject, day: Day) -> str:
    once = f"只来买过一次，已 {silent} 天没再来"
    said = once if usual is None else f"平时约 {max(round(usual), 1)} 天来一次，这次已 {silent} 天没来"
    return reason(said, spent(subject, day))
