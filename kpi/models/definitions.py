"""What each figure means: one definition, which the schema, the docs and the headers of files are made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from kpi.models.measures import DISTINCT, SALES

SMALL_SAMPLE = 30
"""A share, or an average, of fewer than so many says little: it is marked, and still shown."""

Sums = Mapping[str, int]
"""What the columns of the rows add up to."""


class Unit(StrEnum):
    """What a figure counts in: things, the currency's minor unit, a share from 0 to 1, or seconds."""

    COUNT = "count"
    MONEY = "money"
    SHARE = "share"
    SECONDS = "seconds"


class Figure(StrEnum):
    """The figures there are for days of stores and guides."""

    ORDERS = "orders"
    GROSS = "gross"
    REFUNDS = "refunds"
    NET = "net"
    UNITS = "units"
    AVERAGE_BASKET = "average_basket"
    GUEST_SHARE = "guest_share"
    OFF_HOURS_SHARE = "off_hours_share"
    CROSS_CITY_SHARE = "cross_city_share"
    LINKS = "links"
    LINK_OPENS = "link_opens"
    LINK_ORDERS = "link_orders"
    LINK_GROSS = "link_gross"
    SHARE_RATE = "share_rate"
    OPENS_PER_LINK = "opens_per_link"
    TASKS_DUE = "tasks_due"
    TASKS_DONE = "tasks_done"
    TASK_COMPLETION = "task_completion"
    TASKS_ON_TIME = "tasks_on_time"
    REACHED_SHARE = "reached_share"
    BOUGHT_SHARE = "bought_share"
    CUSTOMERS_ADDED = "customers_added"
    CUSTOMERS_LOST = "customers_lost"
    CUSTOMERS_ACTIVE = "customers_active"
    FIRST_RESPONSE = "first_response"
    COMMISSION = "commission"
    TAG_ACCURACY = "tag_accuracy"


@dataclass(frozen=True, slots=True)
class Definition:
    """A figure: what is added up, less what is taken off, over what it is a part of.

    `plus`, `minus` and `over` are columns of the rows of days. `tables` are those that the columns are counted from.
    """

    figure: Figure
    name: str
    name_zh: str
    unit: Unit
    means: str
    plus: str
    tables: tuple[str, ...]
    minus: str | None = None
    over: str | None = None
    caveat: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """What has to be read for it."""
        return tuple(name for name in (self.plus, self.minus, self.over) if name is not None)

    @property
    def is_sales(self) -> bool:
        """Whether it is told apart by channel and source."""
        return all(name in SALES for name in self.columns)

    @property
    def is_distinct(self) -> bool:
        """Whether it counts people once, so that its days don't add up."""
        return self.plus in DISTINCT

    @property
    def bounds(self) -> tuple[int | None, int | None]:
        """Between what its values lie; none on a side where there is no end."""
        if self.unit is Unit.SHARE:
            return 0, 1
        # More may be given back than was sold, and more commission taken back than earned.
        return (None, None) if self.minus or self.figure is Figure.COMMISSION else (0, None)

    @property
    def formula(self) -> str:
        """In the names of the columns."""
        top = self.plus if self.minus is None else f"{self.plus} - {self.minus}"
        return top if self.over is None else f"{top} / {self.over}"

    def parts(self, sums: Sums) -> tuple[int, int]:
        """What is divided, and by what: by nothing where it would be a part of nothing."""
        top = sums.get(self.plus, 0) - (sums.get(self.minus, 0) if self.minus else 0)
        return (top, 1) if self.over is None else (top, sums.get(self.over, 0))

    def of(self, sums: Sums) -> Fraction | None:
        """The figure, exact; none where it would be a part of nothing."""
        top, under = self.parts(sums)
        return Fraction(top, under) if under else None

    def sample(self, sums: Sums) -> int | None:
        """Of how many it is a share or an average; none for what is a sum."""
        return None if self.over is None else sums.get(self.over, 0)

    def is_small(self, sums: Sums) -> bool:
        """Whether it is worked out of too few to say much."""
        sample = self.sample(sums)
        return sample is not None and sample < SMALL_SAMPLE


_ORDERS = ("mall_order", "credit")
_REFUNDS = ("refund", "refund_charge")
_BY_CREDIT = "A guide's row has the parts credited to them, so two guides of one order both count it."
_AT_WORK = "At work is who belongs to the store and isn't on leave all day; what others make is among the links only."
_GUIDE_DAYS = "Over several days, days of guides: who shares on one day of two counts half."
_DUE = "By the day on which tasks are due; one that is snoozed moves with it, one that is taken back was never due."

DEFINITIONS: Mapping[Figure, Definition] = {
    each.figure: each
    for each in (
        Definition(
            Figure.ORDERS, "Orders", "订单数", Unit.COUNT,
            "Orders that are paid for and not taken back, by the store's day of their payment.",
            "orders", _ORDERS, caveat=_BY_CREDIT,
        ),
        Definition(
            Figure.GROSS, "Gross", "销售额", Unit.MONEY,
            "What these orders come to.",
            "gross", _ORDERS,
        ),
        Definition(
            Figure.REFUNDS, "Refunds", "退款额", Unit.MONEY,
            "What was given back, by the store's day of the refund and not of its order; of a guide, what they bear.",
            "refunds", _REFUNDS, caveat="A refund of an order that was taken back as a whole doesn't count.",
        ),
        Definition(
            Figure.NET, "Net", "净销售额", Unit.MONEY,
            "Gross less refunds; below zero where more was given back than sold.",
            "gross", (*_ORDERS, *_REFUNDS), minus="refunds",
        ),
        Definition(
            Figure.UNITS, "Units", "件数", Unit.COUNT,
            "Pieces of goods sold, without services such as postage; refunds don't take them off.",
            "units", ("mall_order", "order_line"),
            caveat="A guide's row has all pieces of the orders that they have a part in.",
        ),
        Definition(
            Figure.AVERAGE_BASKET, "Average basket", "客单价", Unit.MONEY,
            "Gross per order, rounded half up.",
            "gross", _ORDERS, over="orders",
        ),
        Definition(
            Figure.GUEST_SHARE, "Share of guests", "散客订单占比", Unit.SHARE,
            "Orders of nobody known, of all orders.",
            "guest_orders", ("mall_order",), over="orders",
        ),
        Definition(
            Figure.OFF_HOURS_SHARE, "Off-hours share", "闭店时段订单占比", Unit.SHARE,
            "Orders placed while the store was shut by its own clock, of those of stores whose hours are known.",
            "off_hours", ("mall_order", "store"), over="hours_known",
            caveat="By the hours that the store has now.",
        ),
        Definition(
            Figure.CROSS_CITY_SHARE, "Cross-city share", "跨城订单占比", Unit.SHARE,
            "Orders that go to another city than the store's, of those of which both cities are known.",
            "cross_city", ("mall_order", "store"), over="city_known",
        ),
        Definition(
            Figure.LINKS, "Links made", "分享数", Unit.COUNT,
            "Share links made on the day.",
            "links", ("share",),
        ),
        Definition(
            Figure.LINK_OPENS, "Link opens", "分享打开数", Unit.COUNT,
            "How often links were followed on the day, whenever they were made.",
            "link_opens", ("share_open",),
            caveat="One visitor within half an hour counts once; crawlers and the guide's own taps don't.",
        ),
        Definition(
            Figure.LINK_ORDERS, "Orders through links", "分享成交订单数", Unit.COUNT,
            "Orders that came through a link, of whoever made it, in the store where they were made.",
            "link_orders", ("mall_order", "share"),
        ),
        Definition(
            Figure.LINK_GROSS, "Gross through links", "分享成交额", Unit.MONEY,
            "What orders that came through a link come to.",
            "link_gross", ("mall_order", "share"),
        ),
        Definition(
            Figure.SHARE_RATE, "Share rate", "分享率", Unit.SHARE,
            "Of the guides at work, those who made a link in the store.",
            "sharers", ("share", "assignment", "cover"), over="at_work",
            caveat=f"{_AT_WORK} {_GUIDE_DAYS}",
        ),
        Definition(
            Figure.OPENS_PER_LINK, "Opens per link", "单次分享打开数", Unit.COUNT,
            "Opens of the period for each link made in it.",
            "link_opens", ("share", "share_open"), over="links",
        ),
        Definition(
            Figure.TASKS_DUE, "Tasks due", "到期任务数", Unit.COUNT,
            "Tasks that were due.",
            "tasks_due", ("task",), caveat=_DUE,
        ),
        Definition(
            Figure.TASKS_DONE, "Tasks done", "完成任务数", Unit.COUNT,
            "Of the tasks due, those that were carried out, whenever that was.",
            "tasks_done", ("task",), caveat=_DUE,
        ),
        Definition(
            Figure.TASK_COMPLETION, "Task completion", "任务完成率", Unit.SHARE,
            "Tasks carried out, of the tasks due.",
            "tasks_done", ("task",), over="tasks_due", caveat=_DUE,
        ),
        Definition(
            Figure.TASKS_ON_TIME, "Tasks on time", "任务按时完成率", Unit.SHARE,
            "Tasks carried out by the time they were due, of the tasks due.",
            "tasks_on_time", ("task",), over="tasks_due", caveat=_DUE,
        ),
        Definition(
            Figure.REACHED_SHARE, "Reached", "触达率", Unit.SHARE,
            "Tasks of turning to a customer in which they were reached, of those due.",
            "contacts_reached", ("task",), over="contacts_due", caveat=_DUE,
        ),
        Definition(
            Figure.BOUGHT_SHARE, "Bought", "回访成交率", Unit.SHARE,
            "Tasks of turning to a customer after which they bought, of those in which they were reached.",
            "contacts_bought", ("task",), over="contacts_reached", caveat=_DUE,
        ),
        Definition(
            Figure.CUSTOMERS_ADDED, "Customers added", "新增顾客数", Unit.COUNT,
            "Relationships that began in the store, by who held them first.",
            "customers_added", ("relationship", "holding"),
            caveat="What goes on from a store that closed began there.",
        ),
        Definition(
            Figure.CUSTOMERS_LOST, "Customers lost", "流失好友数", Unit.COUNT,
            "Contacts that customers ended at the partner, and have not begun again.",
            "customers_lost", ("contact_link",),
        ),
        Definition(
            Figure.CUSTOMERS_ACTIVE, "Active customers", "活跃顾客数", Unit.COUNT,
            "Customers with an order in the period, each once in each store.",
            "customers_active", _ORDERS,
            caveat="Days don't add up: who buys on two of them is one customer. Of a guide, those of whose orders they "
            "have the credit.",
        ),
        Definition(
            Figure.FIRST_RESPONSE, "First response", "首次响应时长", Unit.SECONDS,
            "From payment until somebody of the store turned to the order, on average over those that were turned to.",
            "answer_seconds", ("mall_order",), over="answers",
        ),
        Definition(
            Figure.COMMISSION, "Commission", "佣金", Unit.MONEY,
            "What the ledger says was earned or taken back, by the day that it is posted for.",
            "commission", ("commission_entry",), caveat="A store's row has what the store bears itself as well.",
        ),
        Definition(
            Figure.TAG_ACCURACY, "Tag accuracy", "标签准确率", Unit.SHARE,
            "Tags that audits found right, of those that they found right or wrong, by who had set them.",
            "tags_right", ("audit_item", "tag_audit"), over="tags_checked",
            caveat="Of what was drawn; `tagAudit` estimates the whole, with an interval.",
        ),
    )
}  # fmt: skip
