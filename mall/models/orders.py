"""Orders with their lines: what state they are in, and what newer news makes of them."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from kernel.db import UtcDateTime, enum_of, index_where, refers
from mall.errors import OrderMovedOn
from mall.events import MINI_MALL


class OrderState(StrEnum):
    """`pending` waits for its payment. `paid` and `shipped` orders are open: somebody still looks after them."""

    PENDING = "pending"
    PAID = "paid"
    SHIPPED = "shipped"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


OPEN_STATES = (OrderState.PAID, OrderState.SHIPPED)

COUNTED_STATES = (OrderState.PAID, OrderState.SHIPPED, OrderState.COMPLETED)
"""Orders that are revenue: paid for, and not taken back."""

_FURTHER = {state: place for place, state in enumerate(OrderState)}

_NEXT: dict[OrderState, tuple[OrderState, ...]] = {
    OrderState.PENDING: (OrderState.PAID, OrderState.CANCELLED),
    OrderState.PAID: (OrderState.SHIPPED, OrderState.COMPLETED, OrderState.CANCELLED),
    OrderState.SHIPPED: (OrderState.COMPLETED, OrderState.CANCELLED),
    OrderState.COMPLETED: (),
    OrderState.CANCELLED: (),
}


class Channel(StrEnum):
    """Where an order was made."""

    MINI_MALL = MINI_MALL
    POS = "pos"
    FILE = "file"


class LineKind(StrEnum):
    """Goods count as merchandise; postage, discounts and fees are services."""

    GOODS = "goods"
    SERVICE = "service"


EXACT_DIGITS = 6
"""Decimals in which sums are kept exact before they are rounded once: millionths of the currency."""

_WHOLE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"
_DIGITS = {**dict.fromkeys(_WHOLE.split(), 0), **dict.fromkeys(_THOUSANDTHS.split(), 3), "CLF": 4, "UYW": 4}


def minor_digits(currency: str) -> int:
    """How many decimals the currency's minor unit has (ISO 4217): 2 for CNY and GBP, 0 for JPY."""
    return _DIGITS.get(currency, 2)


class NamedBy(StrEnum):
    """How an order itself named a guide: by a staff number, or by a name in the buyer's note."""

    CODE = "code"
    NOTE = "note"


class Order(SQLModel, table=True):
    """A purchase. Without a customer it is a guest's: revenue of the store only.

    `day` is the store's calendar day of `paid_at`, and of `placed_at` as long as nothing was paid. `serving_account_id`
    looks after the order now and moves with a handover; the credit never does. `amount` is in minor units.
    `news_at` is when the newest news applied was true at its source; empty is as old as the order. `completed_at` is
    when it reached the customer, if it came to them later than it was placed. `share_id` is the link that it came
    through, `named_account_id` the guide whom the order itself names. `answered_at` is when somebody of the store
    turned to it first, `city` where it goes.
    """

    __tablename__ = "mall_order"
    __table_args__ = (
        refers("store_id", "store"),
        refers("customer_id", "customer"),
        refers("relationship_id", "relationship"),
        ForeignKeyConstraint(
            ["brand_id", "serving_account_id"],
            ["account.brand_id", "account.id"],
            name="fk_mall_order_serving_account",
        ),
        ForeignKeyConstraint(
            ["brand_id", "named_account_id"],
            ["account.brand_id", "account.id"],
            name="fk_mall_order_named_account",
        ),
        refers("share_id", "share"),
        refers("answered_by_id", "staff"),
        UniqueConstraint("brand_id", "source", "number"),
        Index("ix_mall_order_customer", "brand_id", "customer_id", "placed_at"),
        Index("ix_mall_order_relationship", "brand_id", "relationship_id", "placed_at"),
        Index("ix_mall_order_serving", "brand_id", "serving_account_id", "placed_at"),
        Index("ix_mall_order_placed", "brand_id", "placed_at"),
        Index("ix_mall_order_store", "brand_id", "store_id", "placed_at"),
        Index("ix_mall_order_store_day", "brand_id", "store_id", "day"),
        # By how it begins, whatever the database's language.
        Index("ix_mall_order_number", "brand_id", "number", postgresql_ops={"number": "text_pattern_ops"}),
        index_where(
            "ix_mall_order_completed", "brand_id", "customer_id", "completed_at", where="completed_at IS NOT NULL"
        ),
        index_where("ix_mall_order_share", "brand_id", "share_id", where="share_id IS NOT NULL"),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    source: str = Field(max_length=32)
    number: str = Field(max_length=64)
    store_id: UUID
    customer_id: UUID | None = None
    relationship_id: UUID | None = None
    serving_account_id: UUID | None = None
    state: OrderState = Field(sa_type=enum_of(OrderState))
    channel: Channel = Field(sa_type=enum_of(Channel))
    country: str | None = Field(default=None, max_length=60)
    city: str | None = Field(default=None, max_length=60)
    amount: int = Field(sa_type=BigInteger)
    currency: str = Field(max_length=3)
    placed_at: datetime = Field(sa_type=UtcDateTime)
    day: date
    paid_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    news_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    completed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    share_id: UUID | None = None
    named_account_id: UUID | None = None
    named_by: NamedBy | None = Field(default=None, sa_type=enum_of(NamedBy))
    answered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    answered_by_id: UUID | None = None
    version: int = 1

    @property
    def is_open(self) -> bool:
        """Whether somebody still looks after the order."""
        return self.state in OPEN_STATES

    def knows(self, news_at: datetime, state: OrderState) -> bool:
        """Whether news of that time is older than what was applied.

        Sources count in seconds: of two that are of the same time, the one whose state is further on is newer.
        """
        return (news_at, _FURTHER[state]) < (self.news_at or self.placed_at, _FURTHER[self.state])

    def ties_with(self, news_at: datetime, state: OrderState) -> bool:
        """Whether neither time nor state tells which is newer: the news, or what was applied."""
        return (news_at, state) == (self.news_at or self.placed_at, self.state)

    def advance(self, state: OrderState, news_at: datetime) -> None:
        """Go to another state: paid → shipped → completed, either open one → cancelled, and never back."""
        if state not in _NEXT[self.state]:
            raise OrderMovedOn
        self.state = state
        self.news_at = max(news_at, self.news_at or self.placed_at)
        if state is OrderState.COMPLETED:
            self.completed_at = news_at
        self.version += 1

    def answer(self, at: datetime, staff_id: UUID) -> bool:
        """Note who turned to the order first; says whether that is news."""
        if self.answered_at is not None:
            return False
        self.answered_at = at
        self.answered_by_id = staff_id
        self.version += 1
        return True

    def hear(
        self,
        state: OrderState,
        amount: int,
        news_at: datetime,
        paid_at: datetime | None,
        completed_at: datetime | None = None,
    ) -> None:
        """Take newer news, which is right whatever was known: a source may take a payment or a parcel back."""
        if completed_at is not None:
            self.completed_at = completed_at
        elif state is not self.state:
            self.completed_at = news_at if state is OrderState.COMPLETED else None
        self.state = state
        self.amount = amount
        self.paid_at = paid_at
        self.news_at = news_at
        self.version += 1


class OrderLine(SQLModel, table=True):
    """One line of an order. `product_code` and `name` are as sold, whatever the catalogue says later; so is
    `variant`, the size and colour in the source's words, and `sku_code`.

    `residue` is what rounding left over: the exact amount less `amount`, in millionths of the currency;
    null when nothing is left. Sums that have to be right to the last cent take it in.
    """

    __tablename__ = "order_line"
    __table_args__ = (
        refers("order_id", "mall_order"),
        refers("product_id", "product"),
        refers("sku_id", "sku"),
        index_where("ix_order_line_residue", "brand_id", "order_id", where="residue IS NOT NULL"),
    )

    brand_id: UUID = Field(primary_key=True)
    order_id: UUID = Field(primary_key=True)
    line: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    product_id: UUID | None = None
    sku_id: UUID | None = None
    product_code: str = Field(max_length=64)
    sku_code: str | None = Field(default=None, max_length=64)
    name: str = Field(max_length=200)
    variant: str | None = Field(default=None, max_length=100)
    kind: LineKind = Field(sa_type=enum_of(LineKind))
    quantity: int
    amount: int = Field(sa_type=BigInteger)
    residue: int | None = None


class OrderStepKind(StrEnum):
    """What happened to an order, one at a time."""

    PLACED = "placed"
    PAID = "paid"
    UNPAID = "unpaid"
    SHIPPED = "shipped"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    REOPENED = "reopened"
    AMENDED = "amended"
    REFUNDED = "refunded"
    CREDITED = "credited"
    ANSWERED = "answered"
    SERVED = "served"


class OrderStep(SQLModel, table=True):
    """One line of an order's timeline, never changed. `at` is when it was true, `noted_at` when we heard of it.

    `amount` is what was refunded, or what the order comes to since it was amended. `staff_id` is who did it here.
    """

    __tablename__ = "order_step"
    __table_args__ = (
        refers("order_id", "mall_order"),
        refers("staff_id", "staff"),
        Index("ix_order_step_order", "brand_id", "order_id", "noted_at"),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    order_id: UUID
    kind: OrderStepKind = Field(sa_type=enum_of(OrderStepKind))
    at: datetime = Field(sa_type=UtcDateTime)
    noted_at: datetime = Field(sa_type=UtcDateTime)
    amount: int | None = Field(default=None, sa_type=BigInteger)
    staff_id: UUID | None = None
