"""Write evidence rules, let them act, and retire them."""

from typing import Any
from uuid import UUID

from kernel import clock, ids
from kernel.errors import Invalid, require_text, require_version
from kernel.work import Work
from tagging.errors import RuleNameTaken, TooManyRules
from tagging.models import RuleMode, RuleState, TagRule
from tagging.models.expressions import to_json
from tagging.policy import require_librarian
from tagging.queries import library, rules, wording

LONGEST_NAME = 60
GO_THROUGH = "tagging.go_through_customers"


async def save_rule(
    work: Work,
    rule_id: UUID | None = None,
    *,
    name: str,
    tag_id: UUID,
    mode: RuleMode,
    condition: str,
    enough: str | None = None,
    confidence: int = 80,
    expected_version: int | None = None,
) -> TagRule:
    """Write a new rule, or write one anew: a draft, which does nothing until it goes live.

    Names have 1 to 60 characters, confidence is 1 to 100; a brand has at most 200 rules that aren't retired.
    Raises `FORBIDDEN`, `NOT_FOUND`, `INVALID`, `STALE_VERSION`, `BAD_EXPRESSION`, `TAG_RETIRED`, `RULE_RETIRED`,
    `RULE_NAME_TAKEN`, `TOO_MANY_RULES`.
    """
    require_librarian(work.actor)
    name = require_text("name", name, longest=LONGEST_NAME)
    if not 1 <= confidence <= 100:
        raise Invalid(field="confidence", reason="from 1 to 100.", reason_zh="请填 1 到 100。")
    await library.lock_library(work.session, work.actor)
    rule = await rules.lock(work.session, work.actor, rule_id) if rule_id else None
    if rule is not None:
        require_version(rule, expected_version)
    elif await rules.count_in_use(work.session, work.actor.brand_id) >= rules.MOST_RULES:
        raise TooManyRules(most=rules.MOST_RULES)
    await library.brand_tag(work.session, work.actor, tag_id)
    trees = await _trees(work, condition, enough)
    if await rules.is_named(work.session, work.actor.brand_id, name, rule_id):
        raise RuleNameTaken
    said = trees | {"name": name, "tag_id": tag_id, "mode": mode, "confidence": confidence}
    return _add(work, said) if rule is None else _edit(work, rule, said)


async def _trees(work: Work, condition: str, enough: str | None) -> dict[str, Any]:
    said = await wording.understood(work.session, work.actor, condition, enough)
    return {"condition": to_json(said.condition), "enough": to_json(said.enough) if said.enough else None}


def _add(work: Work, said: dict[str, Any]) -> TagRule:
    brand_id, author = work.actor.brand_id, work.actor.staff_id
    rule = TagRule(brand_id=brand_id, id=ids.new(), by_staff_id=author, created_at=clock.now(), **said)
    work.session.add(rule)
    return rule


def _edit(work: Work, rule: TagRule, said: dict[str, Any]) -> TagRule:
    if rule.state is RuleState.LIVE:
        work.later(GO_THROUGH)
    rule.edit(**said)
    return rule


async def go_live(work: Work, rule_id: UUID, *, expected_version: int | None = None) -> TagRule:
    """Let a rule act: on all customers at once, in a job, and then whenever one of them does something.

    Raises `FORBIDDEN`, `NOT_FOUND`, `STALE_VERSION`, `TAG_RETIRED`, `RULE_IS_LIVE`, `RULE_RETIRED`.
    """
    require_librarian(work.actor)
    rule = await rules.lock(work.session, work.actor, rule_id)
    require_version(rule, expected_version)
    rule.go_live(clock.now())
    await library.brand_tag(work.session, work.actor, rule.tag_id)
    work.later(GO_THROUGH)
    return rule


async def retire_rule(work: Work, rule_id: UUID, *, expected_version: int | None = None) -> TagRule:
    """Use a rule no more: what it suggested is withdrawn; what it set stays until it is stale or taken off.

    Raises `FORBIDDEN`, `NOT_FOUND`, `STALE_VERSION`, `RULE_RETIRED`.
    """
    require_librarian(work.actor)
    rule = await rules.lock(work.session, work.actor, rule_id)
    require_version(rule, expected_version)
    rule.retire(clock.now())
    work.later(GO_THROUGH)
    return rule
