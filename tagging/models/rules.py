"""Evidence rules: what behaviour says about a tag, written as data."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from kernel.db import Json, UtcDateTime, enum_of, refers, unique_where
from tagging.errors import RuleIsLive, RuleRetired


class RuleMode(StrEnum):
    """What a rule may do: set its tag, suggest it to whoever holds the customer, or only bear witness in audits."""

    SET = "set"
    SUGGEST = "suggest"
    WITNESS = "witness"


class RuleState(StrEnum):
    """A draft is tried out only; a live rule acts; a retired one is kept for what it once set."""

    DRAFT = "draft"
    LIVE = "live"
    RETIRED = "retired"


class MarkPurpose(StrEnum):
    """Who is to look at a customer again."""

    RULES = "rules"
    SEGMENTS = "segments"


class TagRule(SQLModel, table=True):
    """When behaviour speaks for a tag.

    `condition` is the tree of an expression over behaviour. `enough` is the tree that says when there is enough
    behaviour to speak at all: without it a customer is neither for nor against. Tags that were set by the rule
    carry `confidence`.
    """

    __tablename__ = "tag_rule"
    __table_args__ = (
        refers("tag_id", "tag"),
        unique_where("uq_tag_rule_name", "brand_id", "name", where="state <> 'retired'"),
        Index("ix_tag_rule_tag", "brand_id", "tag_id", "state"),
    )

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    id: UUID = Field(primary_key=True)
    name: str = Field(max_length=60)
    tag_id: UUID
    mode: RuleMode = Field(sa_type=enum_of(RuleMode))
    state: RuleState = Field(default=RuleState.DRAFT, sa_type=enum_of(RuleState))
    condition: dict[str, Any] = Field(sa_type=Json)
    enough: dict[str, Any] | None = Field(default=None, sa_type=Json)
    confidence: int = 80
    by_staff_id: UUID | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)
    live_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    retired_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version: int = 1

    def edit(
        self,
        *,
        name: str,
        tag_id: UUID,
        mode: RuleMode,
        condition: dict[str, Any],
        enough: dict[str, Any] | None,
        confidence: int,
    ) -> None:
        """Say it differently. It is a draft again: what nobody has tried out doesn't act."""
        self._require_in_use()
        self.name, self.tag_id, self.mode = name, tag_id, mode
        self.condition, self.enough, self.confidence = condition, enough, confidence
        self.state, self.live_at = RuleState.DRAFT, None
        self.version += 1

    def go_live(self, at: datetime) -> None:
        """Act from now on."""
        self._require_in_use()
        if self.state is RuleState.LIVE:
            raise RuleIsLive
        self.state, self.live_at = RuleState.LIVE, at
        self.version += 1

    def retire(self, at: datetime) -> None:
        """Act no more. The tags that it set stay until somebody takes them off, or they are stale."""
        self._require_in_use()
        self.state, self.retired_at = RuleState.RETIRED, at
        self.version += 1

    def _require_in_use(self) -> None:
        if self.state is RuleState.RETIRED:
            raise RuleRetired


class Night(SQLModel, table=True):
    """What is done for a brand once a night, chunk by chunk: `step` is under way, and done up to `after_id`."""

    __tablename__ = "tagging_night"

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    day: date = Field(primary_key=True)
    step: str = Field(max_length=32)
    after_id: UUID | None = None
    counts: dict[str, int] = Field(default_factory=dict, sa_type=Json)
    begun_at: datetime = Field(sa_type=UtcDateTime)
    done_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    def count(self, **more: int) -> None:
        """Add to what was counted so far."""
        self.counts = self.counts | {key: self.counts.get(key, 0) + value for key, value in more.items()}


class CustomerMark(SQLModel, table=True):
    """Something about a customer changed, in the same commit as this row: look at them again, and take it away.

    Never updated and never shared by two changes: whoever takes marks away takes those they have read, and a
    change that commits later has left its own.
    """

    __tablename__ = "customer_mark"
    __table_args__ = (
        Index("ix_customer_mark_purpose", "brand_id", "purpose", "id"),
        Index("ix_customer_mark_customer", "brand_id", "customer_id"),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    purpose: MarkPurpose = Field(sa_type=enum_of(MarkPurpose))
    customer_id: UUID
