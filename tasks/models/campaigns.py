"""Campaigns: headquarters or a manager sends work to a selection of guides, and sees what comes of it."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from kernel.db import Json, UtcDateTime, enum_of, refers


class CampaignAim(StrEnum):
    """Whether there is one task for each customer, kept by whoever holds them, or one for each guide."""

    CUSTOMERS = "customers"
    GUIDES = "guides"


class CampaignState(StrEnum):
    """A draft waits for somebody, a scheduled one for its time. `sending` hands tasks out, store by store; `running`
    has handed out all; a paused one hands out no more for now; a recalled one took back what was open; an ended one
    is over.
    """

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    RUNNING = "running"
    PAUSED = "paused"
    RECALLED = "recalled"
    ENDED = "ended"


class Campaign(SQLModel, table=True):
    """Work that is sent to a selection: stores (`store_ids`, all in the author's sight where there is none), and
    customers (`segment_id`).

    `control_percent` of the customers (0 to 50) are drawn by `seed` and left alone, so that the effect can be told.
    `region_id` and `author_store_id` bound what the author could see when it was made.
    """

    __tablename__ = "campaign"
    __table_args__ = (
        refers("segment_id", "segment"),
        refers("created_by_id", "staff"),
        Index("ix_campaign_created", "brand_id", "created_at", "id"),
        Index("ix_campaign_send", "brand_id", "state", "send_at"),
    )

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    id: UUID = Field(primary_key=True)
    name: str = Field(max_length=60)
    aim: CampaignAim = Field(sa_type=enum_of(CampaignAim))
    state: CampaignState = Field(default=CampaignState.DRAFT, sa_type=enum_of(CampaignState))
    title: str = Field(max_length=100)
    reason: str | None = Field(default=None, max_length=300)
    suggested_words: str | None = Field(default=None, max_length=500)
    priority: int = 60
    segment_id: UUID | None = None
    store_ids: list[str] = Field(default_factory=list, sa_type=Json)
    control_percent: int = 0
    seed: int = Field(sa_type=BigInteger)
    most_per_guide: int = 20
    send_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    due_at: datetime = Field(sa_type=UtcDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    counts: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    created_by_id: UUID | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)
    version: int = 1


class CampaignRecipient(SQLModel, table=True):
    """Whom a campaign reached, or left alone: a customer with whoever held them then, or a guide's account."""

    __tablename__ = "campaign_recipient"
    __table_args__ = (
        refers("campaign_id", "campaign"),
        refers("customer_id", "customer"),
        refers("task_id", "task"),
        ForeignKeyConstraint(
            ["brand_id", "store_id", "account_id"], ["account.brand_id", "account.store_id", "account.id"]
        ),
        UniqueConstraint("brand_id", "campaign_id", "customer_id"),
        Index("ix_campaign_recipient_store", "brand_id", "campaign_id", "store_id"),
        Index("ix_campaign_recipient_customer", "brand_id", "customer_id"),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    campaign_id: UUID
    store_id: UUID
    account_id: UUID
    customer_id: UUID | None = None
    is_control: bool = False
    task_id: UUID | None = None
    at: datetime = Field(sa_type=UtcDateTime)
