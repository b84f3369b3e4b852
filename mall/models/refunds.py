"""Money given back, and who bears it."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from kernel.db import UtcDateTime, enum_of, index_where, refers
from mall.models.orders import LineKind


class Refund(SQLModel, table=True):
    """Money given back. It may name no order. Dated by itself; it is never a visit.

    Who bears it is in `RefundCharge`. It is void as long as its order is cancelled, or pending again: of what counts
    nothing, nothing is given back.
    """

    __tablename__ = "refund"
    __table_args__ = (
        refers("store_id", "store"),
        refers("customer_id", "customer"),
        refers("relationship_id", "relationship"),
        refers("order_id", "mall_order"),
        UniqueConstraint("brand_id", "source", "number"),
        Index("ix_refund_customer", "brand_id", "customer_id", "placed_at"),
        Index("ix_refund_order", "brand_id", "order_id"),
        Index("ix_refund_store_day", "brand_id", "store_id", "day"),
        Index("ix_refund_relationship", "brand_id", "relationship_id"),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    source: str = Field(max_length=32)
    number: str = Field(max_length=64)
    store_id: UUID
    customer_id: UUID | None = None
    relationship_id: UUID | None = None
    order_id: UUID | None = None
    amount: int = Field(sa_type=BigInteger)
    currency: str = Field(max_length=3)
    placed_at: datetime = Field(sa_type=UtcDateTime)
    day: date
    is_void: bool = False
    version: int = 1


class RefundCharge(SQLModel, table=True):
    """Who bears how much of a refund: whoever has the credit of its order, in the same parts; they add up to it.

    Without an order, the guide who held the relationship when money was given back. No account: the store bears it,
    also for whoever has left and been paid for the last time when it is heard of.
    """

    __tablename__ = "refund_charge"
    __table_args__ = (
        refers("refund_id", "refund"),
        refers("account_id", "account"),
        Index("ix_refund_charge_account", "brand_id", "account_id", "placed_at"),
    )

    brand_id: UUID = Field(primary_key=True)
    refund_id: UUID = Field(primary_key=True)
    part: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    account_id: UUID | None = None
    amount: int = Field(sa_type=BigInteger)
    placed_at: datetime = Field(sa_type=UtcDateTime)


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
