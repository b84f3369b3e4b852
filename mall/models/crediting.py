"""Who earned an order: what a brand's rules come to. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from mall.models.credit import CreditReason
from mall.models.credit_rules import Party, Rule
from mall.models.orders import NamedBy
from mall.models.parts import shared_out

CLOCKS_DIFFER_BY = timedelta(hours=1)
"""How much later than the order its link may seem to be made."""


class Why(StrEnum):
    """Why a rule applied, or didn't."""

    APPLIED = "applied"
    TAKEN_OVER = "taken_over"
    NOT_ASKED = "not_asked"
    NO_LINK = "no_link"
    LINK_OLD = "link_old"
    LINK_LATER = "link_later"
    NOT_NAMED = "not_named"
    NAME_UNCLEAR = "name_unclear"
    CODE_UNKNOWN = "code_unknown"
    NOT_AT_WORK = "not_at_work"
    GUEST = "guest"
    NOBODY_HELD = "nobody_held"


DECIDING = (Why.APPLIED, Why.TAKEN_OVER)
"""A rule of which this is said decides."""


@dataclass(frozen=True, slots=True)
class Link:
    """The link that an order came through. `fresh_at` is when it was made, or last opened before the order.

    `account_id` is empty where whoever made it wasn't at work any more when the order was paid, or had handed over
    what they held since they made it; `taker_id` is who took over then.
    """

    id: UUID
    account_id: UUID | None
    fresh_at: datetime
    taker_id: UUID | None = None

    @property
    def earner_id(self) -> UUID | None:
        """Who earns what comes through it."""
        return self.account_id or self.taker_id


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at."""

    placed_at: datetime
    link: Link | None = None
    named_id: UUID | None = None
    named_by: NamedBy | None = None
    is_named_at_work: bool = True
    holder_id: UUID | None = None
    is_guest: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What came of one rule. `age_days` is how many whole days the link was old."""

    kind: CreditReason
    why: Why
    days: int | None = None
    age_days: int | None = None
    account_id: UUID | None = None
    share_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One part of who earned an order; without an account, the store's."""

    account_id: UUID | None
    points: int
    amount: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """By which rule the order is credited, to whom, and what came of each rule."""

    reason: CreditReason
    parts: tuple[Part, ...]
    steps: tuple[Step, ...]


def judged(rules: Sequence[Rule], facts: Facts, amount: int) -> Verdict:
    """What the first rule that applies comes to; the last, `store`, always does."""
    steps: list[Step] = []
    applied: Rule | None = None
    for each in rules:
        step = Step(each.kind, Why.NOT_ASKED, each.days) if applied else _looked_at(each, facts)
        applied = each if step.why in DECIDING else applied
        steps.append(step)
    if applied is None:
        raise ValueError("rules that don't end with the store's")
    return Verdict(applied.kind, split(amount, _shared(applied, facts)), tuple(steps))


def split(amount: int, shares: Sequence[tuple[UUID | None, int]]) -> tuple[Part, ...]:
    """Parts of an amount that add up to it, in these proportions; whoever is there twice has one part."""
    points: dict[UUID | None, int] = {}
    for account_id, some in shares:
        points[account_id] = points.get(account_id, 0) + some
    amounts = shared_out(amount, list(points.values()))
    return tuple(Part(who, some, part) for (who, some), part in zip(points.items(), amounts, strict=True))


def _shared(applied: Rule, facts: Facts) -> list[tuple[UUID | None, int]]:
    """Who has how much; what a party that isn't there would have, goes to the rule's first."""
    there: dict[Party, UUID | None] = {Party.STORE: None}
    if facts.link is not None and facts.link.earner_id is not None:
        there[Party.SHARER] = facts.link.earner_id
    if facts.named_id is not None and facts.is_named_at_work:
        there[Party.NAMED] = facts.named_id
    if facts.holder_id is not None:
        there[Party.HOLDER] = facts.holder_id
    first = applied.shares[0].party
    return [(there[share.party if share.party in there else first], share.points) for share in applied.shares]


def _looked_at(rule: Rule, facts: Facts) -> Step:
    if rule.kind is CreditReason.SHARE:
        return _by_link(rule, facts)
    if rule.kind is CreditReason.NAMED:
        return Step(rule.kind, _by_name(facts), account_id=facts.named_id)
    if rule.kind is CreditReason.HOLDER:
        why = Why.APPLIED if facts.holder_id else Why.GUEST if facts.is_guest else Why.NOBODY_HELD
        return Step(rule.kind, why, account_id=facts.holder_id)
    return Step(rule.kind, Why.APPLIED)


def _by_link(rule: Rule, facts: Facts) -> Step:
    link, most = facts.link, timedelta(days=rule.days or 0)
    if link is None:
        return Step(rule.kind, Why.NO_LINK, rule.days)
    age = facts.placed_at - link.fresh_at
    why = Why.APPLIED
    if age < -CLOCKS_DIFFER_BY:
        why = Why.LINK_LATER
    elif age > most:
        why = Why.LINK_OLD
    elif link.account_id is None:
        why = Why.TAKEN_OVER if link.taker_id else Why.NOT_AT_WORK
    return Step(rule.kind, why, rule.days, max(age.days, 0), link.earner_id, link.id)


def _by_name(facts: Facts) -> Why:
    if facts.named_id is not None:
        return Why.APPLIED if facts.is_named_at_work else Why.NOT_AT_WORK
    if facts.named_by is NamedBy.NOTE:
        return Why.NAME_UNCLEAR
    return Why.CODE_UNKNOWN if facts.named_by is NamedBy.CODE else Why.NOT_NAMED


def steps_written(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """What came of each rule, as plain data: codes and ids."""
    return [
        {
            "rule": step.kind.value,
            "why": step.why.value,
            "days": step.days,
            "age_days": step.age_days,
            "account_id": str(step.account_id) if step.account_id else None,
            "share_id": str(step.share_id) if step.share_id else None,
        }
        for step in steps
    ]


def parts_written(reason: CreditReason, parts: Sequence[Part]) -> list[dict[str, Any]]:
    """What came of it, as plain data."""
    return [
        {
            "account_id": str(part.account_id) if part.account_id else None,
            "reason": reason.value,
            "points": part.points,
            "amount": part.amount,
        }
        for part in parts
    ]
