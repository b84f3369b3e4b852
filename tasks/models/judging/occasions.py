"""Triggers that begin with something that happened: so many days after it a window opens, and shuts again."""

from datetime import date

from tasks.models.judging.parts import Finding, Rule, asked_since, days_after, in_window, pressing
from tasks.models.judging.words import ago, reason, spent
from tasks.models.rules import KIND_OF, Trigger
from tasks.models.subjects import Day, Match, Miss, Subject
from tasks.models.tasks import TaskKind

Words = tuple[str, str]

_NEVER_BOUGHT: Words = ("they have bought nothing", "还没有购买过")
_BOUGHT_AGAIN: Words = ("they bought on {0} days, the rule asks for one", "已在 {0} 天购买过，规则只看首次购买")
_FIRST: Words = (
    "days since first purchase: {0}, the rule asks for {1} to {2}",
    "首次购买已过 {0} 天，规则要求 {1} 到 {2} 天",
)
_NO_DELIVERY: Words = ("nothing was delivered to them", "没有已送达的订单")
_DELIVERED: Words = (
    "days since the last delivery: {0}, the rule asks for {1} to {2}",
    "最近一次收货已过 {0} 天，规则要求 {1} 到 {2} 天",
)
_NO_REFUND: Words = ("they got no money back", "没有退款")
_REFUNDED: Words = (
    "days since the last refund: {0}, the rule asks for {1} to {2}",
    "最近一次退款已过 {0} 天，规则要求 {1} 到 {2} 天",
)
_NOT_TAKEN_OVER: Words = ("the holder didn't take them over from anybody", "不是从同事那里接手的顾客")
_TAKEN_OVER: Words = (
    "days since they were taken over: {0}, the rule asks for {1} to {2}",
    "接手已过 {0} 天，规则要求 {1} 到 {2} 天",
)
_WELCOMED: Words = ("somebody turned to them on {0}, since they were taken over", "接手后已在 {0} 联系过")


def first_purchase(rule: Rule, subject: Subject, day: Day) -> Finding:
    """So many days after the first purchase day, as long as there is no second."""
    if subject.first_day is None or not subject.purchase_days:
        return Miss(rule.id, _NEVER_BOUGHT)
    if subject.purchase_days > 1:
        return Miss(rule.id, _BOUGHT_AGAIN, (subject.purchase_days,))
    return _within(rule, subject, day, subject.first_day, _FIRST, "{}第一次来买，请问问用得怎么样")


def delivery(rule: Rule, subject: Subject, day: Day) -> Finding:
    """So many days after an order last reached the customer that came later than it was placed."""
    if subject.delivered_on is None:
        return Miss(rule.id, _NO_DELIVERY)
    return _within(rule, subject, day, subject.delivered_on, _DELIVERED, "{}收到订单，请问问是否满意")


def refund(rule: Rule, subject: Subject, day: Day) -> Finding:
    """So many days after the last refund."""
    if subject.refunded_on is None:
        return Miss(rule.id, _NO_REFUND)
    return _within(rule, subject, day, subject.refunded_on, _REFUNDED, "{}有一笔退款，请先关心原因，不谈销售")


def handover(rule: Rule, subject: Subject, day: Day) -> Finding:
    """So many days after the customer came to the holder from somebody else, if nobody turned to them since."""
    if subject.held_since is None:
        return Miss(rule.id, _NOT_TAKEN_OVER)
    if subject.turned_to is not None and subject.turned_to >= subject.held_since:
        return Miss(rule.id, _WELCOMED, (subject.turned_to,))
    return _within(rule, subject, day, subject.held_since, _TAKEN_OVER, "{}从同事那里接手，还没有联系过")


def _within(rule: Rule, subject: Subject, day: Day, since: date, words: Words, sentence: str) -> Finding:
    """The one whose window shuts first is worth most, and of equals whoever spent more."""
    days = days_after(since, day)
    if not in_window(rule, days):
        return Miss(rule.id, words, (days, rule.days, rule.days + rule.window_days - 1))
    gone = days - rule.days
    kind = KIND_OF.get(Trigger(rule.trigger), TaskKind.REVISIT)
    said = (_said, (sentence, days, subject, day))
    return asked_since(rule, subject, day, gone) or Match(rule.id, kind, pressing(gone, subject), said)


def _said(sentence: str, days: int, subject: Subject, day: Day) -> str:
    return reason(sentence.format(ago(days)), spent(subject, day))
