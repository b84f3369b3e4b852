"""Campaigns: headquarters or a manager sends work to a selection of guides, and sees what comes of it."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from kernel.db import Json, UtcDateTime, enum_of, refers, unique_where
from tasks.errors import CampaignMovedOn


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


_UNSENT = (CampaignState.DRAFT, CampaignState.SCHEDULED)
_OVER = (CampaignState.RECALLED, CampaignState.ENDED)


class Campaign(SQLModel, table=True):
    """Work that is sent to a selection: stores, by id and by region, all in the author's sight where none are named;
    of those the customers of a segment (`segment_id`), all of them without one, or guides (`guide_ids` are staff).

    `created_by_id` answers for it: it reaches what is in their sight when it is sent. `segment_tree` is what the
    segment said then. `control_percent` of the customers (0 to 50) are drawn by `seed` and left alone, so that the
    effect can be told. `refused` is the code with which sending by itself, at its time, was refused.
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
    segment_tree: dict[str, Any] | None = Field(default=None, sa_type=Json)
    store_ids: list[str] = Field(default_factory=list, sa_type=Json)
    region_ids: list[str] = Field(default_factory=list, sa_type=Json)
    guide_ids: list[str] = Field(default_factory=list, sa_type=Json)
    control_percent: int = 0
    seed: int = Field(sa_type=BigInteger)
    most_per_guide: int = 20
    send_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    due_at: datetime = Field(sa_type=UtcDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    refused: str | None = Field(default=None, max_length=40)
    created_by_id: UUID | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)
    version: int = 1

    @property
    def is_sent(self) -> bool:
        """Whether it was ever begun: then stores were chosen for good."""
        return self.sent_at is not None

    def rewrite(self) -> None:
        """What is written anew is a draft, which somebody has to send."""
        self._go(CampaignState.DRAFT, *_UNSENT)
        self.refused = None

    def schedule(self) -> None:
        """Wait for `send_at`."""
        self._go(CampaignState.SCHEDULED, CampaignState.DRAFT)
        self.refused = None

    def start(self, at: datetime) -> None:
        """Begin to hand out tasks."""
        self._go(CampaignState.SENDING, *_UNSENT)
        self.sent_at = at
        self.refused = None

    def fall_back(self, code: str) -> None:
        """Be a draft again, because what was to be sent by itself could not be."""
        self._go(CampaignState.DRAFT, CampaignState.SCHEDULED)
        self.refused = code

    def pause(self) -> None:
        """Hand out no more for now; what is handed out stays. There has to be something left to hand out."""
        self._go(CampaignState.PAUSED, CampaignState.SCHEDULED, CampaignState.SENDING)

    def resume(self) -> None:
        """Go on as before the pause."""
        self._go(CampaignState.SENDING if self.is_sent else CampaignState.SCHEDULED, CampaignState.PAUSED)

    def hand_out_all(self) -> None:
        """Every store is done."""
        self._go(CampaignState.RUNNING, CampaignState.SENDING)

    def pass_on(self, to_staff_id: UUID, *, store_id: UUID | None, region_id: UUID | None) -> None:
        """Let somebody else answer for it. What was for all in the former one's sight stays for that place."""
        if not self.store_ids and not self.region_ids:
            self.store_ids = [str(store_id)] if store_id else []
            self.region_ids = [str(region_id)] if region_id else []
        self.created_by_id = to_staff_id
        self.version += 1

    def recall(self, at: datetime) -> None:
        """Take back what is open, or never send it."""
        self._go(CampaignState.RECALLED, *(state for state in CampaignState if state not in _OVER))
        self.closed_at = at

    def end(self, at: datetime) -> None:
        """Nothing is open any more."""
        self._go(CampaignState.ENDED, CampaignState.RUNNING, CampaignState.PAUSED)
        self.closed_at = at

    def _go(self, state: CampaignState, *from_states: CampaignState) -> None:
        if self.state not in from_states:
            raise CampaignMovedOn(state=self.state)
        self.state = state
        self.version += 1


class CampaignStore(SQLModel, table=True):
    """A store that a campaign was sent to; once it is done, how many customers were left out, by verdict."""

    __tablename__ = "campaign_store"
    __table_args__ = (
        refers("campaign_id", "campaign"),
        refers("store_id", "store"),
        Index("ix_campaign_store_store", "brand_id", "store_id", "campaign_id"),
    )

    brand_id: UUID = Field(primary_key=True)
    campaign_id: UUID = Field(primary_key=True)
    store_id: UUID = Field(primary_key=True)
    do_not_contact: int = 0
    task_open: int = 0
    claimed: int = 0
    cooling_down: int = 0
    holder_away: int = 0
    over_quota: int = 0
    done_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    def close(self, at: datetime, left_out: Mapping[str, int]) -> None:
        """All of the store's are chosen; `left_out` counts the others by verdict."""
        for verdict, count in left_out.items():
            setattr(self, verdict, count)
        self.done_at = at


class CampaignRecipient(SQLModel, table=True):
    """Whom a campaign chose: a customer with whoever held them then, or a guide's account.

    Without a task it is one of the control group (`is_control`), or a customer whom somebody else claimed for that
    day first. All who were chosen count when the effect is told, whatever became of them.
    """

    __tablename__ = "campaign_recipient"
    __table_args__ = (
        refers("campaign_id", "campaign"),
        refers("customer_id", "customer"),
        refers("task_id", "task"),
        ForeignKeyConstraint(
            ["brand_id", "store_id", "account_id"], ["account.brand_id", "account.store_id", "account.id"]
        ),
        UniqueConstraint("brand_id", "campaign_id", "customer_id"),
        unique_where(
            "uq_campaign_recipient_guide", "brand_id", "campaign_id", "account_id", where="customer_id IS NULL"
        ),
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
