"""What segments can speak of: the words for facts about customers, and one customer's facts.

A comparison of a fact that a customer hasn't got (no birthday, never bought) doesn't hold, whatever it is
compared with; `not` before it then does. Of facts that are sets (tags, stores) nobody has none: `tag != "…"` is
everybody without the tag.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from kernel import clock
from tagging.models.expressions import EQUALITY, ORDER, Kind, Op, Word, vocabulary

RISKS = ("low", "medium", "high")
BANDS = ("new", "active", "at_risk", "lapsed", "none")
MOST_ORDERS = 1_000_000
MOST_SPENT = 10**12


class Shape(StrEnum):
    """How a fact is found: as one of a customer's several, as their only one, or as a quantity."""

    SET = "set"
    LABEL = "label"
    NUMBER = "number"
    DAY = "day"
    FLAG = "flag"
    BAND = "band"
    SEGMENT = "segment"


def _days(name: str, en: str, zh: str) -> Word:
    return Word(name, Kind.DAYS, f"Whole days since {en}; nobody without one.", zh, ORDER)


def _score(name: str, en: str, zh: str) -> Word:
    return Word(name, Kind.SCORE, f"{en}, 1 to 5 (best) within the brand, as of last night.", zh, ORDER)


_SHAPES: Mapping[Shape, tuple[Word, ...]] = {
    Shape.SET: (
        Word("tag", Kind.TAG, "A tag that the customer carries.", "顾客带有的标签", EQUALITY),
        Word("stale_tag", Kind.TAG, "A tag past its shelf life since before today.", "已过保鲜期的标签", EQUALITY),
        Word(
            "store",
            Kind.STORE,
            "A store that the customer has a relationship with, by code.",
            "有客户关系的门店（编码）",
            EQUALITY,
        ),
        Word("region", Kind.REGION, "A region with all below it, by code.", "区域（编码，含下级）", EQUALITY),
    ),
    Shape.LABEL: (
        Word("tier", Kind.TEXT, "The membership tier.", "会员等级", EQUALITY),
        Word("city", Kind.TEXT, "The city where the customer lives.", "所在城市", EQUALITY),
        Word("birthday_month", Kind.MONTH, "The month of the birthday, 1 to 12.", "生日月份（1–12）", EQUALITY),
        _score("recency_score", "How lately the customer bought", "最近购买得分（1–5）"),
        _score("frequency_score", "How often the customer buys", "购买频次得分（1–5）"),
        _score("monetary_score", "How much the customer spends", "消费金额得分（1–5）"),
        Word(
            "value_at_risk_score",
            Kind.SCORE,
            "How much of the last 12 months' spend is about to be lost, 1 to 5 (most) within the brand, as of last "
            "night.",
            "可能流失的消费额得分（1–5，5 为最多，截至昨夜）",
            ORDER,
        ),
        Word(
            "churn_risk",
            Kind.CHOICE,
            "How likely the customer is to buy nothing within 91 days, as of last night; nobody who never bought.",
            "91 天内不再购买的可能性（低、中、高，截至昨夜）",
            EQUALITY,
            choices=RISKS,
        ),
    ),
    Shape.NUMBER: (
        Word(
            "orders",
            Kind.COUNT,
            "How many orders, without cancelled ones.",
            "订单数（不含取消）",
            ORDER,
            highest=MOST_ORDERS,
        ),
        Word(
            "purchase_days", Kind.COUNT, "On how many days the customer bought.", "购买天数", ORDER, highest=MOST_ORDERS
        ),
        Word(
            "spend",
            Kind.MONEY,
            "What was spent in all, less refunds.",
            "累计消费（扣除退款）",
            ORDER,
            highest=MOST_SPENT,
        ),
        Word(
            "spend_12_months",
            Kind.MONEY,
            "What was spent in the last 12 months, less refunds, as of last night.",
            "近 12 个月消费（扣除退款）",
            ORDER,
            highest=MOST_SPENT,
        ),
    ),
    Shape.DAY: (
        _days("days_since_purchase", "the last purchase", "距最近一次购买的天数"),
        _days("days_since_first_purchase", "the first purchase", "距首次购买的天数"),
        _days("days_since_joined", "joining", "入会天数"),
        _days("days_since_contact", "the last contact, whoever made it", "距最近一次联系的天数"),
    ),
    Shape.FLAG: (
        Word(
            "do_not_contact", Kind.BOOL, "Whether the customer wants to be left alone.", "是否勿扰", (Op.IS, Op.IS_NOT)
        ),
        Word(
            "birthday_this_month", Kind.BOOL, "Whether the birthday is in this month.", "本月生日", (Op.IS, Op.IS_NOT)
        ),
    ),
    Shape.BAND: (
        Word(
            "churn_band",
            Kind.CHOICE,
            "How the silence compares with the customer's own rhythm; `none` never bought.",
            "流失阶段（none 为从未购买）",
            EQUALITY,
            choices=BANDS,
        ),
    ),
    Shape.SEGMENT: (Word("segment", Kind.SEGMENT, "Who is in another saved segment.", "属于另一个分组", EQUALITY),),
}

FACTS = vocabulary(*(word for words in _SHAPES.values() for word in words))
AREA = "area"  # what `region` becomes: the regions of the subtree, each without those below it
SHAPE_OF: Mapping[str, Shape] = {word.name: shape for shape, words in _SHAPES.items() for word in words} | {
    AREA: Shape.SET
}


@dataclass(frozen=True, slots=True)
class Today:
    """The brand's day, where most of its stores are: what "days since" counts from."""

    day: date
    zone: str

    def begins(self, day: date) -> datetime:
        """The instant at which that day begins."""
        return clock.day_bounds(day, self.zone)[0]

    def of(self, instant: datetime | None) -> date | None:
        """The day on which that instant falls."""
        return None if instant is None else clock.store_day(instant, self.zone)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a customer. `tags` say until which day each is believed; none is for ever.

    `areas` are the regions that the stores lie in, without those above. Amounts are in the currency's minor unit.
    """

    tier: str | None = None
    city: str | None = None
    birthday_month: int | None = None
    do_not_contact: bool = False
    joined: date | None = None
    contact: date | None = None
    stores: frozenset[UUID] = frozenset()
    areas: frozenset[UUID] = frozenset()
    tags: Mapping[UUID, date | None] = field(default_factory=dict)
    orders: int = 0
    purchase_days: int = 0
    spend: int = 0
    spend_12_months: int = 0
    first_purchase: date | None = None
    last_purchase: date | None = None
    at_risk_from: date | None = None
    lapsed_from: date | None = None
    recency_score: int | None = None
    frequency_score: int | None = None
    monetary_score: int | None = None
    value_at_risk_score: int | None = None
    churn_risk: str | None = None
