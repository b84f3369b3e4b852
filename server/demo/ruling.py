"""What a demo brand has made of evidence: habits are set, sizes bear witness, one style waits to be tried out."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from kernel import ids
from mall.models import minor_digits
from server.demo.brands import Trade
from server.demo.house import House
from tagging.models import RuleMode, RuleState
from tagging.models.behaviour import BEHAVIOUR
from tagging.models.expressions import checked, parse, to_json

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


def _tree(text: str) -> dict[str, Any]:
    return to_json(checked(parse(text), BEHAVIOUR, minor_digits=_DIGITS))
