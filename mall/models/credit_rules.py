"""By which rules a brand gives credit: their shape, what they may be, and how they are kept. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from mall.errors import CreditRulesWrong
from mall.models.credit import WHOLE, CreditReason

MOST_RULES = 8
MOST_DAYS = 90

RULES = (CreditReason.SHARE, CreditReason.NAMED, CreditReason.HOLDER, CreditReason.STORE)


class Party(StrEnum):
    """Who may have a part of an order.

    `sharer` made the link that it came through, `named` is named by it, `holder` held the relationship when it was
    paid; `store` is always there.
    """

    SHARER = "sharer"
    NAMED = "named"
    HOLDER = "holder"
    STORE = "store"


OWN = {
    CreditReason.SHARE: Party.SHARER,
    CreditReason.NAMED: Party.NAMED,
    CreditReason.HOLDER: Party.HOLDER,
    CreditReason.STORE: Party.STORE,
}
"""For whom each kind of rule speaks."""


@dataclass(frozen=True, slots=True)
class Share:
    """How many ten-thousandths of an order a party has."""

    party: Party
    points: int


@dataclass(frozen=True, slots=True)
class Rule:
    """When it applies, and who then has which part; the first of `shares` is its own party.

    `days` is of `share` only: how old the link, or its last opening, may be.
    """

    kind: CreditReason
    days: int | None
    shares: tuple[Share, ...]


def rule(kind: CreditReason, days: int | None = None) -> Rule:
    """The rule that gives the whole to its own party."""
    return Rule(kind, days, (Share(OWN[kind], WHOLE),))


USUAL = (rule(CreditReason.SHARE, 7), *(rule(kind) for kind in RULES[1:]))
"""The rules of a brand that has said nothing."""


def checked(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """The rules, if they can be kept; a rule without shares gives the whole to its own party.

    Raises `CREDIT_RULES_WRONG`, which names the place.
    """
    if not 1 <= len(rules) <= MOST_RULES:
        raise CreditRulesWrong(
            place="rules", reason=f"1 to {MOST_RULES} rules.", reason_zh=f"应有 1 到 {MOST_RULES} 条规则。"
        )
    tidy = tuple(_checked(place, each) for place, each in enumerate(rules))
    for place, each in enumerate(tidy):
        if (each.kind is CreditReason.STORE) != (place == len(tidy) - 1):
            last = "the last rule, and no other, is the store's."
            raise _wrong(place, "kind", last, "最后一条规则必须是门店规则，且只能是最后一条。")
        _require_reached(place, tidy)
    return tidy


def _require_reached(place: int, rules: Sequence[Rule]) -> None:
    """Refuse a rule that an earlier one always comes before."""
    each = rules[place]
    earlier = [other.days or 0 for other in rules[:place] if other.kind is each.kind]
    if earlier and (each.days or 0) <= max(earlier):
        raise _wrong(
            place, "kind", "an earlier rule always applies before.", "前面的规则已包含这一条，它永远不会生效。"
        )


def _checked(place: int, given: Rule) -> Rule:
    if given.kind not in RULES:
        raise _wrong(place, "kind", "no rule is of this kind.", "没有这种规则。")
    if given.kind is CreditReason.SHARE and not 1 <= (given.days or 0) <= MOST_DAYS:
        raise _wrong(place, "days", f"from 1 to {MOST_DAYS}.", f"请填 1 到 {MOST_DAYS} 天。")
    if given.kind is not CreditReason.SHARE and given.days is not None:
        raise _wrong(place, "days", "only of a share rule.", "只有分享规则才有天数。")
    if not given.shares:
        return replace(given, shares=rule(given.kind).shares)
    _require_shares(place, given)
    return given


def _require_shares(place: int, given: Rule) -> None:
    parties = [share.party for share in given.shares]
    if parties[0] is not OWN[given.kind]:
        raise _wrong(place, "shares[0].party", "a rule's own party comes first.", "第一份必须归该规则自己的一方。")
    for at, share in enumerate(given.shares):
        if share.party in parties[:at]:
            raise _wrong(place, f"shares[{at}].party", "named twice.", "重复。")
        if not 1 <= share.points <= WHOLE:
            raise _wrong(place, f"shares[{at}].points", f"from 1 to {WHOLE}.", f"请填 1 到 {WHOLE}。")
    total = sum(share.points for share in given.shares)
    if total != WHOLE:
        raise _wrong(
            place, "shares", f"add up to {total} instead of {WHOLE}.", f"合计为 {total}，应为 {WHOLE}（万分比）。"
        )


def _wrong(place: int, field: str, en: str, zh: str) -> CreditRulesWrong:
    refusal = CreditRulesWrong(place=f"rules[{place}].{field}", reason=en, reason_zh=zh)
    refusal.index = place
    return refusal


def written(rules: Sequence[Rule]) -> list[dict[str, Any]]:
    """The rules as plain data."""
    return [
        {
            "kind": each.kind.value,
            "days": each.days,
            "shares": [{"party": share.party.value, "points": share.points} for share in each.shares],
        }
        for each in rules
    ]


def read(data: Sequence[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """The rules that were written so."""
    return tuple(
        Rule(
            CreditReason(each["kind"]),
            each["days"],
            tuple(Share(Party(share["party"]), share["points"]) for share in each["shares"]),
        )
        for each in data
    )
