"""Why an order's credit is as it is, in words in both languages. No I/O."""

from collections.abc import Mapping
from typing import Any

from mall.models.credit import CreditReason
from mall.models.crediting import Why

_APPLIED: Mapping[CreditReason, tuple[str, str]] = {
    CreditReason.SHARE: (
        "It came through a guide's link that was made or opened {age} days before (within {days}).",
        "通过导购的分享链接下单（链接在下单前 {age} 天内创建或打开过，规则为 {days} 天内）。",
    ),
    CreditReason.NAMED: ("The order itself names the guide.", "订单本身写明了导购。"),
    CreditReason.HOLDER: ("The guide held the customer when it was paid.", "付款时顾客由这位导购维护。"),
    CreditReason.STORE: ("It counts for the store.", "计入门店。"),
}
_SAID: Mapping[Why, tuple[str, str]] = {
    Why.TAKEN_OVER: (
        "It came through the link of a guide who has left, and counts for whoever took over.",
        "通过已离职导购的分享链接下单，归接手导购。",
    ),
    Why.NOT_ASKED: ("Not asked: an earlier rule had decided.", "前面的规则已确定归属，未再判断。"),
    Why.NO_LINK: ("It came through no link.", "没有通过分享链接下单。"),
    Why.LINK_OLD: (
        "Its link was made or last opened {age} days before; the rule takes {days}.",
        "分享链接在下单前 {age} 天创建或最后打开，超过规则的 {days} 天。",
    ),
    Why.LINK_LATER: ("Its link was made after the order.", "分享链接在下单之后才创建。"),
    Why.NOT_NAMED: ("It names no guide.", "订单没有写明导购。"),
    Why.NAME_UNCLEAR: (
        "The note could mean several people, so it counts for none of them.",
        "备注里的名字无法确定是哪一位，未采用。",
    ),
    Why.CODE_UNKNOWN: (
        "Its guide code is of nobody who was at work then.",
        "订单上的导购编号不属于当时在职的导购。",
    ),
    Why.NOT_AT_WORK: ("The guide had left when it was paid.", "付款时这位导购已不在岗。"),
    Why.GUEST: ("Nobody knows who bought it.", "顾客身份未知（散客）。"),
    Why.NOBODY_HELD: ("No guide held the customer when it was paid.", "付款时没有导购维护这位顾客。"),
}


def said(step: Mapping[str, Any], language: str) -> str:
    """What came of a rule, as a sentence in the reader's language, `zh` or `en`."""
    why = Why(step["why"])
    en, zh = _APPLIED[CreditReason(step["rule"])] if why is Why.APPLIED else _SAID[why]
    return (zh if language == "zh" else en).format(age=step.get("age_days"), days=step.get("days"))
