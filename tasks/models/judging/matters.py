"""Triggers that give a guide something to speak of: tags to check, and products that suit."""

from uuid import UUID

from tasks.models.judging.parts import Finding, Rule, asked_since, days_after, pressing, value_of
from tasks.models.judging.words import named, reason, spent
from tasks.models.subjects import Day, Match, Miss, Subject
from tasks.models.tasks import TaskKind

_FRESH = ("no tag that the rule asks after is stale", "没有需要核实的过期标签")
_NOTHING_NEW = ("nothing of that category came in the last {0} days", "近 {0} 天该品类没有新品")
_OTHER_TASTE = ("they carry none of the rule's tags", "没有规则要求的标签")


def stale_tag(rule: Rule, subject: Subject, day: Day) -> Finding:
    """Tags of the brand are stale, or those of them that the rule names: who has most of them first."""
    if not subject.stale_tags:
        return Miss(rule.id, _FRESH)
    wanted = {UUID(tag_id) for tag_id in rule.tag_ids}
    names = [name for tag_id, name in subject.stale_tags.items() if not wanted or tag_id in wanted]
    if not names:
        return Miss(rule.id, _FRESH)
    said = (_stale, (names, subject, day))
    return Match(rule.id, TaskKind.REVISIT, pressing(len(names), subject), said)


def _stale(names: list[str], subject: Subject, day: Day) -> str:
    return reason(f"标签「{named(names)}」已过保鲜期，请聊聊近况再核实", spent(subject, day))


def new_arrivals(rule: Rule, subject: Subject, day: Day) -> Finding:
    """Products of the category came within `window_days` days, today included, and the customer carries a tag.

    Once for what came: again when there is something newer. Whoever spent most comes first.
    """
    if not subject.tag_ids:
        return Miss(rule.id, _OTHER_TASTE)
    carried = [tag_id for tag_id in map(UUID, rule.tag_ids) if tag_id in subject.tag_ids]
    if not carried:
        return Miss(rule.id, _OTHER_TASTE)
    come = [
        (listed_on, name)
        for listed_on, name in day.arrivals.get(rule.category or "", ())
        if 0 <= days_after(listed_on, day) < rule.window_days
    ]
    if not come:
        return Miss(rule.id, _NOTHING_NEW, (rule.window_days,))
    newest = max(listed_on for listed_on, _ in come)
    said = (_come, (rule.category, [name for _, name in come], carried, subject, day))
    asked = asked_since(rule, subject, day, days_after(newest, day))
    return asked or Match(rule.id, TaskKind.REVISIT, value_of(subject), said)


def _come(category: str, names: list[str], carried: list[UUID], subject: Subject, day: Day) -> str:
    tags = named([day.tags[tag_id] for tag_id in carried if tag_id in day.tags])
    return reason(
        f"{category} 新到 {len(names)} 款：{named(names)}", f"顾客标签：{tags}" if tags else "", spent(subject, day)
    )
