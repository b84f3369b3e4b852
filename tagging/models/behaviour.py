"""The words of evidence rules: what a customer has done, within a window of days.

Orders that were cancelled don't count. A refund takes nothing back: what somebody chose says something about
their taste even when it didn't fit; there are words for refunds of their own. Services, such as postage and
discounts, are no merchandise and count in no share and no spend.
"""

from collections.abc import Mapping

from mall.models import Channel
from tagging.models.expressions import ORDER, Argument, Kind, Node, Vocabulary, Word, comparisons, vocabulary

LONGEST_WINDOW = 3_650

_DAYS = Argument(
    Kind.DAYS,
    "how many days back; the day itself is the first",
    "往回数多少天，当天算第一天",
    default=365,
    lowest=1,
    highest=LONGEST_WINDOW,
)
_EVER = Argument(Kind.DAYS, _DAYS.en, _DAYS.zh, default=LONGEST_WINDOW, lowest=1, highest=LONGEST_WINDOW)
_STORE = Argument(Kind.STORE, "in the store of this code", "在该编码的门店")
OF_THE_ORDER: dict[str, Argument] = {
    "channel": Argument(
        Kind.CHOICE, "where the order was made", "下单渠道", choices=tuple(channel.value for channel in Channel)
    ),
    "off_hours": Argument(
        Kind.BOOL, "true: placed while the store was shut, by its own clock", "true：按门店当地时间在非营业时间下单"
    ),
    "store": _STORE,
}
OF_THE_LINE: dict[str, Argument] = {
    "category": Argument(Kind.TEXT, "the product's category in the catalogue", "商品目录中的类目"),
    "name": Argument(
        Kind.PATTERN, "a regular expression found in the name as sold", "在成交商品名称中查找的正则表达式"
    ),
    "code": Argument(Kind.PATTERN, "a regular expression found in the product code", "在商品编码中查找的正则表达式"),
    "variant": Argument(Kind.PATTERN, "a regular expression found in size and colour", "在尺码颜色中查找的正则表达式"),
    "price_from": Argument(Kind.MONEY, "what one piece cost, at least", "单价不低于"),
    "price_to": Argument(Kind.MONEY, "what one piece cost, at most", "单价不高于"),
}
_FILTERS = OF_THE_LINE | OF_THE_ORDER


def _word(name: str, kind: Kind, en: str, zh: str, arguments: Mapping[str, Argument]) -> Word:
    return Word(name, kind, en, zh, ORDER, arguments)


_WINDOW = {"days": _DAYS}
_IN_STORE = {"store": _STORE}
BEHAVIOUR: Vocabulary = vocabulary(
    _word(
        "share",
        Kind.SHARE,
        "the share of the money spent on goods that went into such goods",
        "此类商品金额占商品总金额的比例",
        _WINDOW | _FILTERS,
    ),
    _word(
        "line_share",
        Kind.SHARE,
        "the share of the lines of goods that are such goods",
        "此类商品行数占商品总行数的比例",
        _WINDOW | _FILTERS,
    ),
    _word("order_share", Kind.SHARE, "the share of such orders", "此类订单占订单总数的比例", _WINDOW | _FILTERS),
    _word(
        "spend",
        Kind.MONEY,
        "spent on such goods; order discounts, postage and refunds left out of account",
        "购买此类商品的金额，不计整单优惠、运费与退款",
        _WINDOW | _FILTERS,
    ),
    _word("quantity", Kind.COUNT, "how many pieces of such goods", "购买此类商品的件数", _WINDOW | _FILTERS),
    _word("orders", Kind.COUNT, "how many such orders", "此类订单数", _WINDOW | _FILTERS),
    _word("purchase_days", Kind.COUNT, "on how many days such goods were bought", "购买天数", _WINDOW | _FILTERS),
    _word("average_order", Kind.MONEY, "the mean amount of an order", "平均订单金额", _WINDOW | OF_THE_ORDER),
    _word(
        "days_since_purchase",
        Kind.DAYS,
        "days since such goods were last bought, 0 is today; unknown if they never were",
        "距最近一次购买的天数，0 为当天；从未购买则不可知",
        {"days": _EVER} | _FILTERS,
    ),
    _word("visits", Kind.COUNT, "how many visits and calls were noted", "到店与回访次数", _WINDOW | _IN_STORE),
    _word(
        "days_since_visit",
        Kind.DAYS,
        "days since the last visit or call, 0 is today; unknown if there was none",
        "距最近一次到店或回访的天数，0 为当天；从未有过则不可知",
        {"days": _EVER} | _IN_STORE,
    ),
    _word("refunds", Kind.COUNT, "how many refunds", "退款次数", _WINDOW | _IN_STORE),
    _word("refunded", Kind.MONEY, "how much was given back", "退款金额", _WINDOW | _IN_STORE),
)


def window(*trees: Node | None) -> int:
    """How many days back the trees look at most."""
    return max(int(compare.argument("days") or 0) for tree in trees if tree for compare in comparisons(tree))
