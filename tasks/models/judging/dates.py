"""Triggers that a date brings: a birthday's month, and the end of a tier."""

from calendar import monthrange
from datetime import MAXYEAR, date

from tasks.models.judging.parts import Finding, Rule, asked_since, pressing
from tasks.models.judging.words import ahead, month_and_day, reason, spent
from tasks.models.subjects import Day, Match, Miss, Subject
from tasks.models.tasks import TaskKind

_NO_BIRTHDAY = ("their birthday isn't known", "没有登记生日")
_OTHER_MONTH = (
    "their birthday is in month {0}; the rule begins {1} days before it",
    "生日在 {0} 月，规则从当月前 {1} 天开始",
)
_NO_END = ("their tier has no end", "会员等级没有到期日")
_LAPSED = ("their tier lapsed on {0}", "会员等级已在 {0} 到期")
_LONG = ("days until the tier lapses: {0}, the rule asks for {1} at most", "距会员到期 {0} 天，规则要求 {1} 天以内")
_LONGEST_MONTH, _LONGEST_MONTHS = 31, 62


def birthday_month(rule: Rule, subject: Subject, day: Day) -> Finding:
    """Once in the birthday's month, from `days` days before it begins: whoever's birthday comes next first.

    Whoever was born on 29 February has it with the month's last day in other years. Who had it already this month
    comes last.
    """
    if subject.birthday is None:
        return Miss(rule.id, _NO_BIRTHDAY)
    first = _opening(rule, subject.birthday, day.day)
    if first is None:
        return Miss(rule.id, _OTHER_MONTH, (subject.birthday.month, rule.days))
    opened = rule.days - (first - day.day).days
    last = monthrange(first.year, first.month)[1]
    left = (first.replace(day=min(subject.birthday.day, last)) - day.day).days
    said = (_birthday, (subject.birthday, left, subject, day))
    worth = pressing(_LONGEST_MONTHS - left if left >= 0 else 0, subject)
    return asked_since(rule, subject, day, opened) or Match(rule.id, TaskKind.REVISIT, worth, said)


def _opening(rule: Rule, birthday: date, day: date) -> date | None:
    """The first of the birthday's month, if the day is in it or at most the rule's days before."""
    for year in (day.year, day.year + 1):
        if year <= MAXYEAR:
            first = date(year, birthday.month, 1)
            left = (first - day).days
            if -_LONGEST_MONTH < left <= rule.days and left > -monthrange(year, first.month)[1]:
                return first
    return None


def _birthday(birthday: date, left: int, subject: Subject, day: Day) -> str:
    when = month_and_day(birthday)
    said = f"{when}生日，就是今天" if left == 0 else f"{when}生日，还有 {left} 天"
    return reason(f"{when}刚过生日" if left < 0 else said, spent(subject, day))


def tier_lapse(rule: Rule, subject: Subject, day: Day) -> Finding:
    """From `days` days before the tier's last day until that day, once: whose tier ends first."""
    if subject.tier_until is None:
        return Miss(rule.id, _NO_END)
    left = (subject.tier_until - day.day).days
    if left < 0:
        return Miss(rule.id, _LAPSED, (subject.tier_until,))
    if left > rule.days:
        return Miss(rule.id, _LONG, (left, rule.days))
    said = (_lapse, (subject.tier_until, left, subject, day))
    worth = pressing(rule.days - left, subject)
    return asked_since(rule, subject, day, rule.days - left) or Match(rule.id, TaskKind.REVISIT, worth, said)


def _lapse(until: date, left: int, subject: Subject, day: Day) -> str:
    return reason(f"{subject.tier or '会员等级'} {ahead(left)}到期（{month_and_day(until)}）", spent(subject, day))
