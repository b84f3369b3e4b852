"""Who earned an order (归属), by which rule, and every decision about it."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from kernel.db import Json, UtcDateTime, enum_of, refers

WHOLE = 10_000
"""Parts are counted in ten-thousandths of an order."""


class CreditReason(StrEnum):
    """By which rule an order counts for an account, or for the store alone.

    `share`: it came through the guide's link; `named`: it names the guide; `holder`: they held the relationship when it
    was paid; `store`: nobody else; `corrected`: a manager said so.
    """

    SHARE = "share"
    NAMED = "named"
    HOLDER = "holder"
    STORE = "store"
    CORRECTED = "corrected"


class Credit(SQLModel, table=True):
    """One part of who earned an order: decided when it was paid, and moved by nothing but a manager's correction.

    The parts of an order have `points` that add up to `WHOLE`, and amounts that add up to the order's. Without an
    account the store itself has the part. `decided_at` is never before the order's `placed_at`, so a search by period
    may start from it. `is_elsewhere`: the guide earned it without holding the relationship, and hears of it by this
    row.
    """

    __tablename__ = "credit"
    __table_args__ = (
        refers("order_id", "mall_order"),
        refers("account_id", "account"),
        refers("store_id", "store"),
        UniqueConstraint("brand_id", "order_id", "part"),
        Index("ix_credit_account", "brand_id", "account_id", "decided_at"),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    order_id: UUID
    part: int = 1
    store_id: UUID
    account_id: UUID | None = None
    reason: CreditReason = Field(sa_type=enum_of(CreditReason))
    points: int = WHOLE
    amount: int = Field(sa_type=BigInteger)
    is_elsewhere: bool = False
    decided_at: datetime = Field(sa_type=UtcDateTime)
    version: int = 1


class CreditSetting(SQLModel, table=True):
    """By which rules a brand gives credit, in their order; without a row, by the usual ones.

    `rules` is a list of plain data, read by `mall.models.credit_rules`.
    """

    __tablename__ = "credit_setting"

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    rules: list[Any] = Field(sa_type=Json)
    edited_at: datetime = Field(sa_type=UtcDateTime)
    version: int = 1

    @property
    def id(self) -> UUID:
        """A brand has one, which goes by its id."""
        return self.brand_id


class CreditDecision(SQLModel, table=True):
    """Why an order's credit is as it is: one row for each time that it was decided, never changed.

    `steps` says of each rule in turn whether it applied, and why not; `parts` what came of it. A correction has its
    author and their words.
    """

    __tablename__ = "credit_decision"
    __table_args__ = (refers("order_id", "mall_order"), refers("staff_id", "staff"))

    brand_id: UUID = Field(primary_key=True)
    order_id: UUID = Field(primary_key=True)
    turn: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    steps: list[Any] = Field(sa_type=Json)
    parts: list[Any] = Field(sa_type=Json)
    staff_id: UUID | None = None
    words: str | None = Field(default=None, max_length=200)
    decided_at: datetime = Field(sa_type=UtcDateTime)
