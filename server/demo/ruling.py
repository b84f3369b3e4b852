"""What a demo brand has made of evidence: habits are set, sizes bear witness, one style waits to be tried out.

And the groups of customers that headquarters has saved for everybody.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from kernel import ids
from kernel.actor import Role
from mall.models import minor_digits
from server.demo.brands import Trade
from server.demo.house import House
from tagging.models import RuleMode, RuleState, Sharing
from tagging.models.behaviour import BEHAVIOUR
from tagging.models.expressions import Kind, checked, parse, resolved, to_json
from tagging.models.facts import FACTS
from tasks.models import RevisitRuleState, Trigger
from tasks.models.starters import starters

CONFIDENCE = 80
_DIGITS = minor_digits("CNY")
_ASKED = 730  # days


def rule_id_of(tag_id: UUID) -> UUID:
    """The rule that is for this tag."""
    return ids.derived(tag_id, "rule")


def add_rules(house: House) -> None:
    """A rule for each habit and each size, live since long ago, and the draft of one for a style."""
    for word, mode, state, condition, enough in _rules(house.trade):
        is_live = state is RuleState.LIVE
        made_at = house.today.at(200, 10 * 3600)
        house.add(
            "tag_rules",
            {
                "id": rule_id_of(house.tags[word]),
                "name": f"{_MODES[mode]}：{word}",
                "tag_id": house.tags[word],
                "mode": mode,
                "state": state,
                "condition": _tree(condition),
                "enough": _tree(enough) if enough else None,
                "confidence": CONFIDENCE,
                "created_at": made_at,
                "live_at": made_at if is_live else None,
                "version": 2 if is_live else 1,
            },
        )


_MODES = {RuleMode.SET: "常买", RuleMode.SUGGEST: "建议", RuleMode.WITNESS: "佐证"}


def _rules(trade: Trade) -> Iterator[tuple[str, RuleMode, RuleState, str, str | None]]:
    for category in trade.taste.tags:
        habit = f'orders(category: "{category}", days: {_ASKED}) >= 3'
        yield category, RuleMode.SET, RuleState.LIVE, habit, None
    # A size stands at the end of what a line says of size and colour.
    sized = f'quantity(variant: " ({"|".join(trade.fit.tags)})$", days: {_ASKED}) >= 3'
    for size in trade.fit.tags:
        mostly = f'quantity(variant: " {size}$", days: {_ASKED}) >= 2'
        yield size, RuleMode.WITNESS, RuleState.LIVE, mostly, sized
    style, category = trade.style.tags[0], trade.taste.tags[0]
    yield style, RuleMode.SUGGEST, RuleState.DRAFT, f'share(category: "{category}") >= 40%', "orders >= 2"


def add_revisit_rules(house: House) -> None:
    """The rules that a brand begins with; new arrivals are for those who often buy of the first category."""
    category = house.trade.taste.tags[0]
    suited = {"category": category, "tag_ids": [str(house.tags[category])]}
    begun_at = house.today.at(200, 10 * 3600)
    for rule in starters(house.brand_id, begun_at, lambda name: ids.derived(house.brand_id, name)):
        if rule["trigger"] is Trigger.NEW_ARRIVALS:
            rule |= suited | {"state": RevisitRuleState.LIVE, "live_at": begun_at}
        house.add("revisit_rules", rule)


def add_segments(house: House) -> None:
    """Saved groups, shared with the brand by its first person at headquarters."""
    owner = next(person["id"] for person in house.rows["staff"] if person["role"] is Role.HQ)
    named = {(Kind.TAG, word): tag_id for word, tag_id in house.tags.items()}
    for name, text in _segments(house.trade):
        made_at = house.today.at(60, 10 * 3600)
        tree = resolved(checked(parse(text), FACTS, minor_digits=_DIGITS), FACTS, named)
        house.add(
            "segments",
            {
                "id": ids.derived(house.brand_id, name),
                "name": name,
                "owner_id": owner,
                "sharing": Sharing.BRAND,
                "tree": to_json(tree),
                "created_at": made_at,
                "edited_at": made_at,
                "version": 1,
            },
        )


def _segments(trade: Trade) -> Iterator[tuple[str, str]]:
    yield "熟客该唤回了", "churn_band = at_risk and purchase_days >= 3 and do_not_contact = false"
    yield "本月生日的贵宾", 'birthday_this_month = true and tier in ("金卡", "钻石")'
    yield "高价值又活跃", "monetary_score >= 4 and recency_score >= 4"
    category = trade.taste.tags[0]
    yield f"常买{category}、两个月没来", f'tag = "{category}" and days_since_purchase > 60'


def _tree(text: str) -> dict[str, Any]:
    return to_json(checked(parse(text), BEHAVIOUR, minor_digits=_DIGITS))
