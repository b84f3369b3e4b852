"""Write revisit rules, let them plan, pause and retire them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from kernel import clock, ids
from kernel.errors import Invalid, optional_text, require_text, require_version
from kernel.work import Work
from tagging.models import Sharing
from tagging.queries import library, segments
from tasks.errors import HasRules, RuleNameTaken, TooManyRules
from tasks.models import RevisitRule, Trigger
from tasks.models.limits import TAKES, Takes
from tasks.models.starters import starters
from tasks.policy import require_ruler
from tasks.queries import rules
from tasks.queries.settings import lock_brand

LONGEST_NAME, LONGEST_TITLE, LONGEST_WORDS, LONGEST_CATEGORY = 60, 100, 500, 60


@dataclass(frozen=True, slots=True)
class Said:
    """A rule as it is written. What its trigger doesn't take is left out."""

    name: str
    trigger: Trigger
    title: str
    days: int | None = None
    window_days: int | None = None
    category: str | None = None
    tag_ids: Sequence[UUID] = ()
    segment_id: UUID | None = None
    suggested_words: str | None = None
    priority: int = 50
    weight: int = 1


async def save_rule(
    work: Work, said: Said, rule_id: UUID | None = None, *, expected_version: int | None = None
) -> RevisitRule:
    """Write a new rule, or write one anew: a draft, which plans nothing until it goes live.

    Names have 1 to 60 characters, titles 1 to 100, suggested words at most 500; priority is 0 to 100, weight 1 to 10.
    `tasks.models.limits` says what a trigger takes. Tags are the brand's and in use; so is the segment. A brand has at
    most 50 rules that aren't retired. Raises `FORBIDDEN`, `NOT_FOUND`, `INVALID`, `STALE_VERSION`, `RULE_RETIRED`,
    `RULE_NAME_TAKEN`, `TOO_MANY_RULES`.
    """
    require_ruler(work.actor)
    brand_id = work.actor.brand_id
    await lock_brand(work.session, brand_id)
    rule = await rules.lock(work.session, work.actor, rule_id) if rule_id else None
    if rule is not None:
        require_version(rule, expected_version)
    elif await rules.count_in_use(work.session, brand_id) >= rules.MOST_RULES:
        raise TooManyRules(most=rules.MOST_RULES)
    values = await _checked(work, said)
    if await rules.is_named(work.session, brand_id, values["name"], rule_id):
        raise RuleNameTaken
    if rule is not None:
        rule.edit(values)
        return rule
    return _add(work, values)


def _add(work: Work, values: dict[str, Any]) -> RevisitRule:
    author = work.actor.staff_id
    rule = RevisitRule(brand_id=work.actor.brand_id, id=ids.new(), by_staff_id=author, created_at=clock.now(), **values)
    work.session.add(rule)
    return rule


async def go_live(work: Work, rule_id: UUID, *, expected_version: int | None = None) -> RevisitRule:
    """Let a draft or a paused rule plan, from the next plan of each store on.

    Raises `FORBIDDEN`, `NOT_FOUND`, `INVALID` (something is missing or isn't used any more), `STALE_VERSION`,
    `RULE_IS_LIVE`, `RULE_RETIRED`.
    """
    rule = await _lock(work, rule_id, expected_version)
    rule.go_live(clock.now())
    takes, tag_ids = TAKES[rule.trigger], [UUID(tag_id) for tag_id in rule.tag_ids]
    _category(rule.category, needed=takes.category)
    await _require_tags(work, tag_ids, takes)
    await _require_segment(work, rule.segment_id)
    return rule


async def pause(work: Work, rule_id: UUID, *, expected_version: int | None = None) -> RevisitRule:
    """Let a live rule plan nothing for now; the tasks that it made stay.

    Raises `FORBIDDEN`, `NOT_FOUND`, `STALE_VERSION`, `RULE_NOT_LIVE`, `RULE_RETIRED`.
    """
    rule = await _lock(work, rule_id, expected_version)
    rule.pause()
    return rule


async def retire(work: Work, rule_id: UUID, *, expected_version: int | None = None) -> RevisitRule:
    """Let a rule plan never again; the tasks that it made stay, and its name is free.

    Raises `FORBIDDEN`, `NOT_FOUND`, `STALE_VERSION`, `RULE_RETIRED`.
    """
    rule = await _lock(work, rule_id, expected_version)
    rule.retire(clock.now())
    return rule


async def begin(work: Work) -> list[RevisitRule]:
    """Give a brand that has no rules one for each trigger; live, but for what still needs tags of the brand.

    Raises `FORBIDDEN`, `HAS_RULES`.
    """
    require_ruler(work.actor)
    await lock_brand(work.session, work.actor.brand_id)
    if await rules.has_any(work.session, work.actor.brand_id):
        raise HasRules
    rows = starters(work.actor.brand_id, clock.now(), lambda _name: ids.new())
    made = [RevisitRule(**row) for row in rows]
    work.session.add_all(made)
    return made


async def _lock(work: Work, rule_id: UUID, expected_version: int | None) -> RevisitRule:
    require_ruler(work.actor)
    rule = await rules.lock(work.session, work.actor, rule_id)
    require_version(rule, expected_version)
    return rule


async def _checked(work: Work, said: Said) -> dict[str, Any]:
    takes = TAKES[said.trigger]
    values = {
        "name": require_text("name", said.name, longest=LONGEST_NAME),
        "trigger": said.trigger,
        "title": require_text("title", said.title, longest=LONGEST_TITLE),
        "suggested_words": optional_text("suggestedWords", said.suggested_words, longest=LONGEST_WORDS),
        "priority": _within("priority", said.priority, (0, 100)),
        "weight": _within("weight", said.weight, (1, 10)),
        "days": _within("days", said.days, takes.days),
        "window_days": _within("windowDays", said.window_days, takes.window_days),
        "category": _category(said.category, needed=takes.category),
        "tag_ids": [str(tag_id) for tag_id in dict.fromkeys(said.tag_ids)],
        "segment_id": said.segment_id,
    }
    await _require_tags(work, said.tag_ids, takes)
    await _require_segment(work, said.segment_id)
    return values


def _within(field: str, value: int | None, bounds: tuple[int, int] | None) -> int:
    """The value, where the trigger takes one; otherwise nothing may be given, and it is 0."""
    if bounds is None:
        if value is not None:
            raise _not_taken(field)
        return 0
    if value is None or not bounds[0] <= value <= bounds[1]:
        lowest, highest = bounds
        raise Invalid(field=field, reason=f"from {lowest} to {highest}.", reason_zh=f"请填 {lowest} 到 {highest}。")
    return value


def _category(category: str | None, *, needed: bool) -> str | None:
    if needed:
        return require_text("category", category or "", longest=LONGEST_CATEGORY)
    if category is not None:
        raise _not_taken("category")
    return None


def _not_taken(field: str) -> Invalid:
    return Invalid(field=field, reason="rules with this trigger take none.", reason_zh="这种触发条件不需要填写。")


async def _require_tags(work: Work, tag_ids: Sequence[UUID], takes: Takes) -> None:
    least, most = int(takes.needs_tags), takes.most_tags
    if tag_ids and not most:
        raise _not_taken("tagIds")
    if not least <= len(set(tag_ids)) <= most:
        raise Invalid(field="tagIds", reason=f"{least} to {most} tags.", reason_zh=f"请选 {least} 到 {most} 个标签。")
    known = await library.by_ids(work.session, work.actor, tag_ids) if tag_ids else {}
    for tag_id in tag_ids:
        tag = known.get(tag_id)
        if tag is None or tag.owner_id is not None or tag.retired_at is not None:
            raise Invalid(field="tagIds", reason="tags of the brand that are in use.", reason_zh="请选在用的企业标签。")


async def _require_segment(work: Work, segment_id: UUID | None) -> None:
    if segment_id is None:
        return
    segment = (await segments.by_ids(work.session, work.actor, [segment_id])).get(segment_id)
    if segment is None or segment.sharing is not Sharing.BRAND or segment.retired_at is not None:
        raise Invalid(
            field="segmentId",
            reason="a segment that the brand shares and uses.",
            reason_zh="请选品牌共享且在用的顾客分组。",
        )
