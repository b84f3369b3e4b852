"""Tables of commission (佣金): plans, the ledger of what was earned, and what was closed."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint, false
from sqlmodel import Field, SQLModel

from kernel.db import Json, UtcDateTime, enum_of, refers
from mall.errors import CommissionPlanIsLive, CommissionPlanNotLive
from mall.models.append_only import keep
from mall.models.commissioning import CommissionRole, Rate
from mall.models.periods import Rhythm


class CommissionPlanState(StrEnum):
    """A draft pays nothing and may be edited; a live plan pays for its days, and is only ever ended."""

    DRAFT = "draft"
    LIVE = "live"


class CommissionReason(StrEnum):
    """Why something was posted: an order was paid, money was given back, or what it goes by was put right."""

    ACCRUAL = "accrual"
    REVERSAL = "reversal"
    CORRECTION = "correction"


class CommissionPlan(SQLModel, table=True):
    """What is paid for orders paid on its days, both ends included, each on its store's calendar.

    `rates` are `{"role", "category", "rate"}`: rate in ten-thousandths, category null for all that have none of
    their own. Live plans don't overlap.
    """

    __tablename__ = "commission_plan"
    __table_args__ = (Index("ix_commission_plan_day", "brand_id", "state", "from_day"),)

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    id: UUID = Field(primary_key=True)
    name: str = Field(max_length=60)
    state: CommissionPlanState = Field(default=CommissionPlanState.DRAFT, sa_type=enum_of(CommissionPlanState))
    from_day: date
    until_day: date | None = None
    rates: list[Any] = Field(sa_type=Json)
    created_at: datetime = Field(sa_type=UtcDateTime)
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version: int = 1

    def require_draft(self) -> None:
        if self.state is not CommissionPlanState.DRAFT:
            raise CommissionPlanIsLive

    def edit(self, name: str, from_day: date, until_day: date | None, rates: list[Any]) -> None:
        """Write a draft anew."""
        self.require_draft()
        self.name, self.from_day, self.until_day, self.rates = name, from_day, until_day, rates
        self.version += 1

    def start(self, at: datetime) -> None:
        """Let it pay from now on."""
        self.require_draft()
        self.state, self.started_at = CommissionPlanState.LIVE, at
        self.version += 1

    def end(self, until_day: date) -> None:
        """Let it pay up to that day."""
        if self.state is not CommissionPlanState.LIVE:
            raise CommissionPlanNotLive
        self.until_day = until_day
        self.version += 1

    def overlaps(self, from_day: date, until_day: date | None) -> bool:
        """Whether it has a day in common with these, both ends included."""
        ends_before = self.until_day is not None and self.until_day < from_day
        begins_after = until_day is not None and self.from_day > until_day
        return not (ends_before or begins_after)


class CommissionSetting(SQLModel, table=True):
    """How a brand's periods lie, and up to which day they are closed; there as soon as a plan has started.

    Whoever posts locks it against whoever closes. `rhythms` are `{"from": day, "rhythm": …}` in the order of days.
    """

    __tablename__ = "commission_setting"

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    rhythms: list[Any] = Field(sa_type=Json)
    closed_until: date | None = None
    version: int = 1

    @property
    def id(self) -> UUID:
        """A brand has one: it goes by the brand's id."""
        return self.brand_id

    @property
    def course(self) -> list[tuple[date, Rhythm]]:
        return course_of(self.rhythms)


def course_of(rhythms: list[Any]) -> list[tuple[date, Rhythm]]:
    """From which day on which rhythm holds, as periods are worked out of it."""
    return [(date.fromisoformat(each["from"]), Rhythm(each["rhythm"])) for each in rhythms]


def rates_of(rates: list[Any]) -> list[Rate]:
    """A plan's rates as commission is worked out of them."""
    return [Rate(CommissionRole(each["role"]), each["category"], each["rate"]) for each in rates]


class CommissionTerms(SQLModel, table=True):
    """What an order's commission was first worked out of, and stays at: the category of each product code then.

    It names its order without referring to it, as the ledger does: an import may say that an order never was.
    """

    __tablename__ = "commission_terms"

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    order_id: UUID = Field(primary_key=True)
    categories: dict[str, Any] = Field(sa_type=Json)


class CommissionEntry(SQLModel, table=True):
    """One posting of the ledger, never changed nor taken away: the database itself refuses that.

    `amount` is what the person earned or lost, `basis` the part of the goods that it was worked out of, both in minor
    units. `day` is the store's calendar day of what it is for; it lies in the period that begins on `period`, or
    before, if that was closed already. `is_borne_by_store`: it is taken back from somebody who had left and been paid
    for the last time, so it is in nobody's statement. `seal` tells whether somebody has been at the row.
    """

    __tablename__ = "commission_entry"
    __table_args__ = (
        refers("store_id", "store"),
        refers("staff_id", "staff"),
        refers("plan_id", "commission_plan"),
        Index("ix_commission_entry_order", "brand_id", "order_id"),
        Index("ix_commission_entry_period", "brand_id", "period", "id"),
        Index("ix_commission_entry_staff", "brand_id", "staff_id", "period", "id"),
        Index("ix_commission_entry_store", "brand_id", "store_id", "period", "id"),
        Index("ix_commission_entry_day", "brand_id", "store_id", "day"),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    order_id: UUID
    source: str = Field(max_length=32)
    number: str = Field(max_length=64)
    refund_id: UUID | None = None
    plan_id: UUID
    store_id: UUID
    staff_id: UUID
    role: CommissionRole = Field(sa_type=enum_of(CommissionRole))
    category: str | None = Field(default=None, max_length=60)
    rate: int
    basis: int = Field(sa_type=BigInteger)
    amount: int = Field(sa_type=BigInteger)
    reason: CommissionReason = Field(sa_type=enum_of(CommissionReason))
    day: date
    period: date
    posted_at: datetime = Field(sa_type=UtcDateTime)
    is_borne_by_store: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    seal: str = Field(max_length=64)


keep(CommissionEntry.__table__)  # type: ignore[attr-defined]  # set by SQLModel


class CommissionPeriod(SQLModel, table=True):
    """A period that is closed. `digest` is a chain over the seals of all its entries, in the order of their ids.

    `sealed_to` is how far the chain has come; `frozen_at` is when it reached the end and the statements were written.
    """

    __tablename__ = "commission_period"
    __table_args__ = (refers("closed_by_id", "staff"), UniqueConstraint("brand_id", "first_day"))

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    id: UUID = Field(primary_key=True)
    first_day: date
    last_day: date
    closed_at: datetime = Field(sa_type=UtcDateTime)
    closed_by_id: UUID | None = None
    entries: int = 0
    amount: int = Field(default=0, sa_type=BigInteger)
    digest: str = Field(max_length=64)
    sealed_to: UUID | None = None
    frozen_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version: int = 1


class CommissionStatement(SQLModel, table=True):
    """What one person earned on the orders of one store in a period that is closed.

    `sums` are `{"role", "category", "basis", "amount", "entries"}`; they add up to `amount`.
    """

    __tablename__ = "commission_statement"
    __table_args__ = (refers("staff_id", "staff"), refers("store_id", "store"))

    brand_id: UUID = Field(primary_key=True)
    period: date = Field(primary_key=True)
    store_id: UUID = Field(primary_key=True)
    staff_id: UUID = Field(primary_key=True)
    basis: int = Field(sa_type=BigInteger)
    amount: int = Field(sa_type=BigInteger)
    entries: int
    sums: list[Any] = Field(sa_type=Json)
