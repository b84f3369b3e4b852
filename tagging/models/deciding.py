"""What is to become of a customer's tags, given what the live rules found: no I/O, the same answer each time.

What a person or an import set is never taken off and never replaced by a rule. What a person took off or turned
down is left alone for a while.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from tagging.models.carried import SetBy
from tagging.models.judging import Finding
from tagging.models.rules import RuleMode

LEFT_ALONE = timedelta(days=180)
A_DAY = timedelta(days=1)


class Ruling(NamedTuple):
    """A live rule as it bears on its tag. `single_id` is the tag's group if it is a single-choice one."""

    id: UUID
    name: str
    tag_id: UUID
    single_id: UUID | None
    mode: RuleMode
    confidence: int

    @property
    def slot(self) -> UUID:
        """What only one rule can have: the group, where it is a single-choice one, or else the tag."""
        return self.single_id or self.tag_id


class Worn(NamedTuple):
    """A tag that the customer carries."""

    tag_id: UUID
    single_id: UUID | None
    set_by: SetBy
    rule_id: UUID | None
    checked_at: datetime
    valid_until: datetime | None

    @property
    def is_a_rules(self) -> bool:
        return self.set_by is SetBy.RULE

    def is_to_be_renewed(self, at: datetime) -> bool:
        """Whether a quarter of its shelf life is over, so that evidence may confirm it."""
        if self.valid_until is None:
            return False
        return at - self.checked_at >= max(A_DAY, (self.valid_until - self.checked_at) / 4)


@dataclass(slots=True)
class Decision:
    """Rules with the tag that each puts on, takes off (or lets go of, for another rule), or suggests."""

    put: list[Ruling] = field(default_factory=list)
    off: list[tuple[UUID, UUID]] = field(default_factory=list)
    suggest: list[Ruling] = field(default_factory=list)
    withdraw: list[UUID] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (self.put or self.off or self.suggest or self.withdraw)


def preference(ruling: Ruling) -> tuple[bool, int, UUID]:
    """Of two rules that can't both have their way: first one that sets, then the surer, then the older one."""
    return (ruling.mode is not RuleMode.SET, -ruling.confidence, ruling.id)


def decide(
    rulings: Sequence[Ruling],
    findings: Mapping[UUID, Finding],
    worn: Sequence[Worn],
    offered: Mapping[UUID, UUID],
    turned_down: Collection[UUID],
    at: datetime,
) -> Decision:
    """`rulings` are in the order of preference; `offered` are open suggestions by tag."""
    decision, there = Decision(), {row.tag_id: row for row in worn}
    setting = {ruling.id: findings[ruling.id] for ruling in rulings if ruling.mode is RuleMode.SET}
    decision.off = [
        (row.rule_id, row.tag_id)
        for row in worn
        if row.is_a_rules and row.rule_id and setting.get(row.rule_id) is Finding.AGAINST
    ]
    by_people = {row.single_id for row in worn if not row.is_a_rules} - {None}
    taken: set[UUID] = set()
    for ruling in rulings:
        if findings[ruling.id] is not Finding.FOR or ruling.mode is RuleMode.WITNESS or ruling.slot in taken:
            continue
        row = there.get(ruling.tag_id)
        if row is None and ruling.tag_id in turned_down:
            continue
        taken.add(ruling.slot)
        if row is not None:
            _keep(decision, ruling, row, setting, at)
        elif ruling.mode is RuleMode.SET and ruling.single_id not in by_people:
            decision.put.append(ruling)
        else:
            decision.suggest.append(ruling)
    wanted = {ruling.tag_id for ruling in decision.suggest}
    decision.withdraw = [suggestion_id for tag_id, suggestion_id in offered.items() if tag_id not in wanted]
    decision.suggest = [ruling for ruling in decision.suggest if ruling.tag_id not in offered]
    return decision


def disagrees(ruling: Ruling, finding: Finding, worn: Sequence[Worn]) -> bool:
    """Whether the evidence is against what a person or an import set."""
    by_people = [row for row in worn if not row.is_a_rules]
    if finding is Finding.AGAINST:
        return any(row.tag_id == ruling.tag_id for row in by_people)
    if finding is Finding.FOR and ruling.single_id is not None:
        return any(row.single_id == ruling.single_id and row.tag_id != ruling.tag_id for row in by_people)
    return False


def _keep(decision: Decision, ruling: Ruling, row: Worn, setting: Mapping[UUID, Finding], at: datetime) -> None:
    """A tag that is there: renewed in time, and adopted when the rule that set it bears it no longer."""
    if not row.is_a_rules or row.rule_id is None or ruling.mode is not RuleMode.SET:
        return
    is_borne = setting.get(row.rule_id, Finding.AGAINST) is not Finding.AGAINST
    if is_borne:
        if row.is_to_be_renewed(at):
            decision.put.append(ruling)
        return
    if (row.rule_id, row.tag_id) not in decision.off:
        decision.off.append((row.rule_id, row.tag_id))
    decision.put.append(ruling)
