"""One customer's day: first what leaves anybody in peace, then what each rule says."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from tasks.models.judging.dates import birthday_month, tier_lapse
from tasks.models.judging.matters import new_arrivals, stale_tag
from tasks.models.judging.occasions import delivery, first_purchase, handover, refund
from tasks.models.judging.parts import Finding, Rule
from tasks.models.judging.silence import churn, no_contact
from tasks.models.plans import Verdict
from tasks.models.rules import PlanSetting, Trigger
from tasks.models.subjects import Day, Judged, Match, Miss, Subject

_JUDGES: Mapping[Trigger, tuple[Callable[[Rule, Subject, Day], Finding], str]] = {
    Trigger.FIRST_PURCHASE: (first_purchase, "purchase_days"),
    Trigger.DELIVERY: (delivery, "delivered_on"),
    Trigger.REFUND: (refund, "refunded_on"),
    Trigger.BIRTHDAY_MONTH: (birthday_month, "birthday"),
    Trigger.TIER_LAPSE: (tier_lapse, "tier_until"),
    Trigger.STALE_TAG: (stale_tag, "stale_tags"),
    Trigger.NEW_ARRIVALS: (new_arrivals, "tag_ids"),
    Trigger.NO_CONTACT: (no_contact, "since"),
    Trigger.CHURN: (churn, "purchase_days"),
    Trigger.HANDOVER: (handover, "held_since"),
}
"""What judges, and what of a customer it asks for, without which it speaks for nobody: most have little of it."""
_NOT_A_MEMBER = ("they aren't in the rule's segment", "不在规则的顾客分组里")


def judge(rules: Sequence[Rule], setting: PlanSetting, subject: Subject, day: Day) -> Judged:
    """Which rules speak for turning to the customer on that day, and why the others don't.

    Whoever is left in peace is judged by no rule. Without a match the verdict is `no_rule`.
    """
    return judging(rules, setting, day)(subject)


def judging(
    rules: Sequence[Rule], setting: PlanSetting, day: Day, *, tells_misses: bool = True
) -> Callable[[Subject], Judged]:
    """The same for many: what judges one after another. Whoever asks for matches alone needn't be told of misses."""
    # Plain copies: what is read from a row of the session again and again costs as much as the judging.
    ready = [(_plain(rule), *_JUDGES[Trigger(rule.trigger)]) for rule in rules]

    def judged(subject: Subject) -> Judged:
        verdict = excluded(setting, subject, day)
        if verdict is not None:
            return Judged(subject, verdict, ())
        matches: list[Match] = []
        misses: list[Miss] = []
        for rule, finds, asks_for in ready:
            if not tells_misses and not getattr(subject, asks_for):
                continue
            if rule.segment_id is not None and rule.segment_id not in subject.segment_ids:
                found: Finding = Miss(rule.id, _NOT_A_MEMBER)
            else:
                found = finds(rule, subject, day)
            if isinstance(found, Match):
                matches.append(found)
            elif tells_misses:
                misses.append(found)
        return Judged(subject, None if matches else Verdict.NO_RULE, tuple(matches), tuple(misses))

    return judged


def excluded(setting: PlanSetting, subject: Subject, day: Day) -> Verdict | None:
    """Why nobody is to turn to the customer on that day, whatever rules say; none, if somebody may."""
    if not subject.is_primary:
        return Verdict.NOT_PRIMARY
    if not subject.holder_works:
        return Verdict.HOLDER_AWAY
    if subject.do_not_contact:
        return Verdict.DO_NOT_CONTACT
    if subject.is_open:
        return Verdict.TASK_OPEN
    if subject.turned_to is not None and (day.day - subject.turned_to).days < setting.cool_down_days:
        return Verdict.COOLING_DOWN
    return None


@dataclass(frozen=True, slots=True)
class _Plain:
    """As much of a rule as judging takes."""

    id: UUID
    trigger: Trigger
    days: int
    window_days: int
    category: str | None
    tag_ids: tuple[str, ...]
    segment_id: UUID | None


def _plain(rule: Rule) -> Rule:
    return _Plain(
        rule.id, rule.trigger, rule.days, rule.window_days, rule.category, tuple(rule.tag_ids), rule.segment_id
    )
