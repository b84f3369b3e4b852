"""Say in words why a rule speaks for a tag, as in “近 365 天“女装”占 62%”."""

import re
from decimal import Decimal

from tagging.models.behaviour import BEHAVIOUR, OF_THE_LINE
from tagging.models.expressions import All, Compare, Kind, Node, Some
from tagging.models.judging import Judge
from tagging.models.measuring import Tallies

LONGEST_REASON = 200
_MOST_SAID = 3
_PLAIN_WORDS = re.compile(r"[\w \-/|]+")
_SAYS = {
    "share": "占消费额 {}",
    "line_share": "占商品行 {}",
    "order_share": "占订单 {}",
    "spend": "消费 {}",
    "quantity": "购买 {} 件",
    "orders": "下单 {} 次",
    "purchase_days": "有 {} 天购买",
    "average_order": "平均每单 {}",
    "days_since_purchase": "距上次购买 {} 天",
    "visits": "到店或回访 {} 次",
    "days_since_visit": "距上次到店或回访 {} 天",
    "refunds": "退款 {} 次",
    "refunded": "退款 {}",
}


def because(name: str, judge: Judge, tallies: Tallies, *, minor_digits: int) -> str:
    """The first comparisons of the condition with what was measured, after the rule's name; ≤ 200 characters."""
    said = [text for compare in _plain(judge.rule.condition) if (text := _said(compare, judge, tallies, minor_digits))]
    text = f"{name}：{'；'.join(said[:_MOST_SAID])}" if said else name
    return text if len(text) <= LONGEST_REASON else text[: LONGEST_REASON - 1] + "…"


def _plain(node: Node) -> list[Compare]:
    """What is said outright, not what is denied."""
    match node:
        case Compare():
            return [node]
        case All(parts) | Some(parts):
            return [compare for part in parts for compare in _plain(part)]
    return []


def _said(compare: Compare, judge: Judge, tallies: Tallies, minor_digits: int) -> str | None:
    found = judge.measure(compare, tallies)
    if found is None:
        return None
    value = Decimal(found[0]) / found[1]
    match BEHAVIOUR[compare.word].kind:
        case Kind.SHARE:
            shown = f"{value / 100:.0f}%"
        case Kind.MONEY:
            shown = f"{value.scaleb(-minor_digits):.{minor_digits}f}"
        case _:
            shown = f"{value:.0f}"
    days = "" if compare.word.startswith("days_since") else f"近 {compare.argument('days')} 天"
    return days + _meant(compare) + _SAYS[compare.word].format(shown)


def _meant(compare: Compare) -> str:
    """What the measure is narrowed down to, where that can be read as words: no regular expressions."""
    given = [
        value.replace("|", "、")
        for name, value in compare.arguments
        if name in OF_THE_LINE and isinstance(value, str) and _PLAIN_WORDS.fullmatch(value)
    ]
    return f"“{'、'.join(given):.60}”" if given else ""
