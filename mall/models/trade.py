"""Products, orders with their lines, refunds, and who earned an order."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from kernel.db import UtcDateTime, enum_of, index_where, refers
from mall.errors import OrderMovedOn
from mall.events import MINI_MALL


class OrderState(StrEnum):
    """`paid` and `shipped` orders are open: somebody still looks after them."""

    PAID = "paid"
    SHIPPED = "shipped"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


OPEN_STATES = (OrderState.PAID, OrderState.SHIPPED)

_NEXT: dict[OrderState, tuple[OrderState, ...]] = {
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


class CreditReason(StrEnum):
    """Why an order counts for an account, or for the store alone."""

    HOLDER = "holder"
    STORE = "store"


class LineKind(StrEnum):
    """Goods count as merchandise; postage, discounts and fees are services."""

    GOODS = "goods"
    SERVICE = "service"


EXACT_DIGITS = 6
"""Decimals in which sums are kept exact before they are rounded once: millionths of the currency."""

_DIGITS = {"BHD": 3, "CLP": 0, "ISK": 0, "JPY": 0, "JOD": 3, "KRW": 0, "KWD": 3, "OMR": 3, "TND": 3, "VND": 0}


def minor_digits(currency: str) -> int:
    """How many decimals the currency's minor unit has (ISO 4217): 2 for CNY and GBP, 0 for JPY."""
    return _DIGITS.get(currency, 2)


class Product(SQLModel, table=True):
    """Something that is sold. `price` is in the currency's minor unit; `listed_on` is the day it came."""

    __tablename__ = "product"
    __table_args__ = (UniqueConstraint("brand_id", "code"),)

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    id: UUID = Field(primary_key=True)
    code: str = Field(max_length=64)
    name: str = Field(max_length=200)
    category: str | None = Field(default=None, max_length=60)
    price: int = Field(sa_type=BigInteger)
    listed_on: date | None = None
    version: int = 1


class Order(SQLModel, table=True):
    """A purchase. Without a customer it is a guest's: revenue of the store only.

    `day` is the store's calendar day of `placed_at`. `serving_account_id` looks after the order now
    and moves with a handover; the credit never does. `amount` is in the currency's minor unit.
    `news_at` is when the newest news applied was true at its source; empty is as old as the order. `completed_at` is
    when it reached the customer, if it came to them later than it was placed.
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
        UniqueConstraint("brand_id", "source", "number"),
        Index("ix_mall_order_customer", "brand_id", "customer_id", "placed_at"),
        Index("ix_mall_order_relationship", "brand_id", "relationship_id", "placed_at"),
        Index("ix_mall_order_serving", "brand_id", "serving_account_id", "placed_at"),
        Index("ix_mall_order_placed", "brand_id", "placed_at"),
        Index("ix_mall_order_store", "brand_id", "store_id", "placed_at"),
        Index("ix_mall_order_store_day", "brand_id", "store_id", "day"),
        index_where(
            "ix_mall_order_completed", "brand_id", "customer_id", "completed_at", where="completed_at IS NOT NULL"
        ),
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
    amount: int = Field(sa_type=BigInteger)
    currency: str = Field(max_length=3)
    placed_at: datetime = Field(sa_type=UtcDateTime)
    day: date
    news_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    completed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version: int = 1

    @property
    def is_open(self) -> bool:
        """Whether somebody still looks after the order."""
        return self.state in OPEN_STATES

    def knows(self, news_at: datetime) -> bool:
        """Whether news of that time is no newer than what was applied."""
        return news_at <= (self.news_at or self.placed_at)

    def advance(self, state: OrderState, news_at: datetime) -> None:
        """Go to another state: paid → shipped → completed, either open one → cancelled, and never back."""
        if state not in _NEXT[self.state]:
            raise OrderMovedOn
        self.state = state
        self.news_at = max(news_at, self.news_at or self.placed_at)
        if state is OrderState.COMPLETED:
            self.completed_at = news_at
        self.version += 1

    def hear(self, state: OrderState, amount: int, news_at: datetime) -> None:
        """Take newer news: it may correct the amount, and move the order on."""
        if state is self.state:
            self.news_at = news_at
            self.version += 1
        else:
            self.advance(state, news_at)
        self.amount = amount


class OrderLine(SQLModel, table=True):
    """One line of an order. `product_code` and `name` are as sold, whatever the catalogue says later; so is
    `variant`, the size and colour in the source's words.

    `residue` is what rounding left over: the exact amount less `amount`, in millionths of the currency;
    null when nothing is left. Sums that have to be right to the last cent take it in.
    """

    __tablename__ = "order_line"
    __table_args__ = (
        refers("order_id", "mall_order"),
        refers("product_id", "product"),
        index_where("ix_order_line_residue", "brand_id", "order_id", where="residue IS NOT NULL"),
    )

    brand_id: UUID = Field(primary_key=True)
    order_id: UUID = Field(primary_key=True)
    line: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    product_id: UUID | None = None
    product_code: str = Field(max_length=64)
    name: str = Field(max_length=200)
    variant: str | None = Field(default=None, max_length=100)
    kind: LineKind = Field(sa_type=enum_of(LineKind))
    quantity: int
    amount: int = Field(sa_type=BigInteger)
    residue: int | None = None


class Refund(SQLModel, table=True):
    """Money given back. It may name no order. Dated by itself; it is never a visit.

    `charged_account_id` bears it, decided once: the guide who has the credit of the order, or who held the
    relationship when money was given back without one. Empty: the store bears it.
    """

    __tablename__ = "refund"
    __table_args__ = (
        refers("store_id", "store"),
        refers("customer_id", "customer"),
        refers("relationship_id", "relationship"),
        refers("order_id", "mall_order"),
        ForeignKeyConstraint(
            ["brand_id", "charged_account_id"],
            ["account.brand_id", "account.id"],
            name="fk_refund_charged_account",
        ),
        UniqueConstraint("brand_id", "source", "number"),
        Index("ix_refund_charged", "brand_id", "charged_account_id", "day"),
        Index("ix_refund_customer", "brand_id", "customer_id", "placed_at"),
        Index("ix_refund_order", "brand_id", "order_id"),
        Index("ix_refund_store_day", "brand_id", "store_id", "day"),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    source: str = Field(max_length=32)
    number: str = Field(max_length=64)
    store_id: UUID
    customer_id: UUID | None = None
    relationship_id: UUID | None = None
    order_id: UUID | None = None
    charged_account_id: UUID | None = None
    amount: int = Field(sa_type=BigInteger)
    currency: str = Field(max_length=3)
    placed_at: datetime = Field(sa_type=UtcDateTime)
    day: date
    version: int = 1


class RefundLine(SQLModel, table=True):
    """One line of a refund; `quantity` and `amount` are positive, as given back. `residue` is as with an order."""

    __tablename__ = "refund_line"
    __table_args__ = (
        refers("refund_id", "refund"),
        index_where("ix_refund_line_residue", "brand_id", "refund_id", where="residue IS NOT NULL"),
    )

    brand_id: UUID = Field(primary_key=True)
    refund_id: UUID = Field(primary_key=True)
    line: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    product_code: str = Field(max_length=64)
    name: str = Field(max_length=200)
    kind: LineKind = Field(sa_type=enum_of(LineKind))
    quantity: int
    amount: int = Field(sa_type=BigInteger)
    residue: int | None = None


class Credit(SQLModel, table=True):
    """Who earned an order: decided once, when it was paid, and never moved.

    `decided_at` is never before the order's `placed_at`, so a search by period may start from it.
    """

    __tablename__ = "credit"
    __table_args__ = (
        refers("order_id", "mall_order"),
        refers("account_id", "account"),
        refers("store_id", "store"),
        Index("ix_credit_account", "brand_id", "account_id", "decided_at"),
    )

    brand_id: UUID = Field(primary_key=True)
    order_id: UUID = Field(primary_key=True)
    store_id: UUID
    account_id: UUID | None = None
    reason: CreditReason = Field(sa_type=enum_of(CreditReason))
    decided_at: datetime = Field(sa_type=UtcDateTime)
