"""Malls that call us, the secrets that they sign with, and what they have sent."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from intake.errors import HookMessageBusy, HookMessageSettled, HookSecretEnded
from kernel.db import Json, UtcDateTime, enum_of, index_where, refers

MOST_SECRETS = 2  # live ones of a source


class HookMessageState(StrEnum):
    """`received` waits to be applied; `parked` waits for a person; `given_up` failed again and again."""

    RECEIVED = "received"
    APPLIED = "applied"
    IGNORED = "ignored"
    PARKED = "parked"
    GIVEN_UP = "given_up"
    DROPPED = "dropped"


WAITING_FOR_SOMEBODY = (HookMessageState.PARKED, HookMessageState.GIVEN_UP)


class HookSource(SQLModel, table=True):
    """A mall that reports its orders at `/hooks/mall/{slug}`.

    `slug` is the brand's code, a dot and the source's own code, which no two of a brand share. `mapping` names the
    mapping that reads its messages. A message that names no store is one of `store_code`. What comes while
    `is_paused` is kept, and applied once it goes on.
    """

    __tablename__ = "hook_source"
    __table_args__ = (UniqueConstraint("brand_id", "slug"), UniqueConstraint("brand_id", "title"))

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    id: UUID = Field(primary_key=True)
    slug: str = Field(max_length=65)
    title: str = Field(max_length=60)
    mapping: str = Field(max_length=64)
    store_code: str | None = Field(default=None, max_length=32)
    is_paused: bool = False
    created_at: datetime = Field(sa_type=UtcDateTime)
    version: int = 1

    @property
    def code(self) -> str:
        """Its own code: what orders carry as their source."""
        return self.slug.partition(".")[2]

    def edit(self, title: str, mapping: str, store_code: str | None) -> None:
        """Say it differently; the address stays."""
        self.title, self.mapping, self.store_code = title, mapping, store_code
        self.version += 1

    def pause(self) -> None:
        """Apply nothing for now."""
        self.is_paused = True
        self.version += 1

    def go_on(self) -> None:
        """Apply what comes, and what has come meanwhile."""
        self.is_paused = False
        self.version += 1


class HookSecret(SQLModel, table=True):
    """What a source signs with, sealed. It counts until `ends_at`; without one, for good."""

    __tablename__ = "hook_secret"
    __table_args__ = (refers("source_id", "hook_source"), Index("ix_hook_secret_source", "brand_id", "source_id"))

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    source_id: UUID
    sealed: bytes
    made_at: datetime = Field(sa_type=UtcDateTime)
    ends_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version: int = 1

    def is_live(self, at: datetime) -> bool:
        """Whether a signature with it counts."""
        return self.ends_at is None or self.ends_at > at

    def end(self, at: datetime, later: timedelta) -> None:
        """Let it count so much longer."""
        if not self.is_live(at):
            raise HookSecretEnded
        self.ends_at = at + later
        self.version += 1


class HookMessage(SQLModel, table=True):
    """One message of a source, taken in once. The body is sealed: it holds a buyer's name and address.

    `code` and `facts` say why it is parked. `attempts` counts how often it was looked at. `state_at` is when it came
    into its state.
    """

    __tablename__ = "hook_message"
    __table_args__ = (
        refers("source_id", "hook_source"),
        UniqueConstraint("brand_id", "source_id", "message_id"),
        Index("ix_hook_message_state", "brand_id", "state", "id"),
        Index("ix_hook_message_source", "brand_id", "source_id", "state", "state_at"),
        Index("ix_hook_message_number", "brand_id", "source_id", "order_number"),
        index_where("ix_hook_message_body", "brand_id", "state", "state_at", where="body IS NOT NULL"),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    source_id: UUID
    message_id: str = Field(max_length=128)
    digest: str = Field(max_length=64)
    body: bytes | None = None
    state: HookMessageState = Field(default=HookMessageState.RECEIVED, sa_type=enum_of(HookMessageState))
    state_at: datetime = Field(sa_type=UtcDateTime)
    received_at: datetime = Field(sa_type=UtcDateTime)
    order_number: str | None = Field(default=None, max_length=64)
    order_id: UUID | None = None
    code: str | None = Field(default=None, max_length=64)
    facts: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    reason: str | None = Field(default=None, max_length=200)
    attempts: int = 0
    applied_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version: int = 1

    def apply(self, at: datetime, order_id: UUID | None) -> None:
        """It has had its effect."""
        self._come_to(HookMessageState.APPLIED, at)
        self.order_id, self.applied_at = order_id, at

    def ignore(self, at: datetime) -> None:
        """It is none of our business."""
        self._come_to(HookMessageState.IGNORED, at)

    def park(
        self, at: datetime, code: str, facts: dict[str, Any], state: HookMessageState = HookMessageState.PARKED
    ) -> None:
        """Somebody has to put something right first; `state` is `given_up` if that is us."""
        self._come_to(state, at)
        self.code, self.facts = code, facts

    def ask_again(self, at: datetime) -> None:
        """Have it looked at once more."""
        self._require_waiting_for_somebody()
        self._come_to(HookMessageState.RECEIVED, at)

    def drop(self, at: datetime, reason: str) -> None:
        """Leave it at that."""
        self._require_waiting_for_somebody()
        self._come_to(HookMessageState.DROPPED, at)
        self.reason = reason

    def _come_to(self, state: HookMessageState, at: datetime) -> None:
        self.state, self.state_at = state, at
        self.code, self.facts = None, {}
        self.version += 1

    def _require_waiting_for_somebody(self) -> None:
        if self.state is HookMessageState.RECEIVED:
            raise HookMessageBusy
        if self.state not in WAITING_FOR_SOMEBODY or self.body is None:
            raise HookMessageSettled


class HookRefusal(SQLModel, table=True):
    """That something was refused which came in a source's name, and why; nothing of what it said."""

    __tablename__ = "hook_refusal"
    __table_args__ = (
        refers("source_id", "hook_source"),
        Index("ix_hook_refusal_source", "brand_id", "source_id", "id"),
        Index("ix_hook_refusal_at", "brand_id", "at"),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    source_id: UUID
    at: datetime = Field(sa_type=UtcDateTime)
    status: int
    code: str = Field(max_length=64)
    place: str | None = Field(default=None, max_length=200)
    is_signed: bool
