"""Tables of figures, each row worked out from base rows alone, and of what has to be worked out anew.

They name stores and accounts without referring to them: an import may say that a store never was, whose rows go later.
"""

from datetime import date
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from kernel.db import enum_of
from kpi.models.periods import Span


class Grain(StrEnum):
    """Whether a row says what a whole store did, or what one account had a part in.

    An order without anybody's credit is in its store's row only, one that two guides share in a row of each: the rows
    of accounts don't add up to those of stores, and are kept apart.
    """

    STORE = "store"
    ACCOUNT = "account"


class KpiSales(SQLModel, table=True):
    """What was sold and given back in a store on its days from `starts_on` on, by channel and source.

    `account_id` is whoever has the credit, in the row of a store its public account. `channel` is empty for refunds
    that name no order. Amounts are in minor units; `kpi.models.measures` says what each column counts.
    """

    __tablename__ = "kpi_sales"
    __table_args__ = (
        Index("ix_kpi_sales_store", "brand_id", "store_id", "span", "starts_on"),
        Index("ix_kpi_sales_account", "brand_id", "account_id", "span", "grain", "starts_on"),
    )

    brand_id: UUID = Field(primary_key=True)
    span: Span = Field(primary_key=True, sa_type=enum_of(Span))
    grain: Grain = Field(primary_key=True, sa_type=enum_of(Grain))
    starts_on: date = Field(primary_key=True)
    store_id: UUID = Field(primary_key=True)
    account_id: UUID = Field(primary_key=True)
    channel: str = Field(primary_key=True, max_length=32)
    source: str = Field(primary_key=True, max_length=32)
    orders: int = 0
    guest_orders: int = 0
    gross: int = Field(default=0, sa_type=BigInteger)
    units: int = Field(default=0, sa_type=BigInteger)
    refund_count: int = 0
    refunds: int = Field(default=0, sa_type=BigInteger)
    hours_known: int = 0
    off_hours: int = 0
    city_known: int = 0
    cross_city: int = 0


class KpiWork(SQLModel, table=True):
    """What was done in a store on its days from `starts_on` on: links, tasks, customers, answers, commission, checks.

    `account_id` and amounts are as with sales.
    """

    __tablename__ = "kpi_work"
    __table_args__ = (
        Index("ix_kpi_work_store", "brand_id", "store_id", "span", "starts_on"),
        Index("ix_kpi_work_account", "brand_id", "account_id", "span", "grain", "starts_on"),
    )

    brand_id: UUID = Field(primary_key=True)
    span: Span = Field(primary_key=True, sa_type=enum_of(Span))
    grain: Grain = Field(primary_key=True, sa_type=enum_of(Grain))
    starts_on: date = Field(primary_key=True)
    store_id: UUID = Field(primary_key=True)
    account_id: UUID = Field(primary_key=True)
    at_work: int = 0
    sharers: int = 0
    links: int = 0
    link_opens: int = 0
    link_orders: int = 0
    link_gross: int = Field(default=0, sa_type=BigInteger)
    tasks_due: int = 0
    tasks_done: int = 0
    tasks_on_time: int = 0
    contacts_due: int = 0
    contacts_reached: int = 0
    contacts_bought: int = 0
    customers_added: int = 0
    customers_lost: int = 0
    customers_active: int = 0
    answers: int = 0
    answer_seconds: int = Field(default=0, sa_type=BigInteger)
    commission: int = Field(default=0, sa_type=BigInteger)
    tags_checked: int = 0
    tags_right: int = 0


class KpiMark(SQLModel, table=True):
    """Days of a store, both ends included, that have to be counted again: one row for each change, never shared."""

    __tablename__ = "kpi_mark"
    __table_args__ = (Index("ix_kpi_mark_last", "brand_id", "last"),)

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    store_id: UUID
    first: date
    last: date


class KpiTurn(SQLModel, table=True):
    """One row for each brand: whoever counts holds it locked. `revision` grows with each counting."""

    __tablename__ = "kpi_turn"

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    revision: int = Field(default=0, sa_type=BigInteger)


class KpiStore(SQLModel, table=True):
    """Which days of a store have rows, or marks until they have: from the first with anything to count to `last`."""

    __tablename__ = "kpi_store"

    brand_id: UUID = Field(primary_key=True)
    store_id: UUID = Field(primary_key=True)
    first: date
    last: date
