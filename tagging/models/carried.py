"""The tags that customers carry, what became of each, and what the machine thinks should be."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from kernel.db import UtcDateTime, enum_of, index_where, refers, unique_where
from tagging.errors import SuggestionDecided

CERTAIN = 100


class SetBy(StrEnum):
    """What put a tag on a customer."""

    GUIDE = "guide"
    RULE = "rule"
    IMPORT = "import"
    TAKEOVER = "takeover"

    @property
    def is_person(self) -> bool:
        """Whether somebody said so, and not a machine."""
        return self in (SetBy.GUIDE, SetBy.TAKEOVER)


class TagChangeKind(StrEnum):
    """What happened to a tag on a customer. `replaced` is by another tag of its single-choice group."""

    SET = "set"
    CONFIRMED = "confirmed"
    REMOVED = "removed"
    REPLACED = "replaced"
    MERGED = "merged"


class SuggestionState(StrEnum):
    """Whether somebody has looked at a suggestion. One that the evidence no longer bears is withdrawn."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class CustomerTag(SQLModel, table=True):
    """A tag on a customer: who or what set it, when and why, and until when it is believed.

    `confidence` runs from 1 to 100: 100 is what a person says. `checked_at` is when it was set or last
    confirmed. Past `valid_until` it is stale; none is never. `asked_at` is when the holder was asked to check it,
    and none once they have.
    """

    __tablename__ = "customer_tag"
    __table_args__ = (
        refers("customer_id", "customer"),
        refers("tag_id", "tag"),
        Index("ix_customer_tag_tag", "brand_id", "tag_id", "customer_id"),
        Index("ix_customer_tag_valid_until", "brand_id", "valid_until"),
    )

    brand_id: UUID = Field(primary_key=True)
    customer_id: UUID = Field(primary_key=True)
    tag_id: UUID = Field(primary_key=True)
    set_by: SetBy = Field(sa_type=enum_of(SetBy))
    by_staff_id: UUID | None = None
    rule_id: UUID | None = None
    reason: str | None = Field(default=None, max_length=200)
    confidence: int = CERTAIN
    set_at: datetime = Field(sa_type=UtcDateTime)
    checked_at: datetime = Field(sa_type=UtcDateTime)
    valid_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    asked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    def is_stale(self, at: datetime) -> bool:
        """Whether it is past its shelf life."""
        return self.valid_until is not None and self.valid_until <= at


class TagChange(SQLModel, table=True):
    """A line of the history of a customer's tags; it is never changed.

    `other_tag_id` is the tag that took its place, where one did.
    """

    __tablename__ = "tag_change"
    __table_args__ = (
        refers("customer_id", "customer"),
        refers("tag_id", "tag"),
        Index("ix_tag_change_customer", "brand_id", "customer_id", "at", "id"),
        Index("ix_tag_change_tag", "brand_id", "tag_id", "at"),
        index_where(
            "ix_tag_change_removed",
            "brand_id",
            "by_staff_id",
            "at",
            where="kind = 'removed' AND by_staff_id IS NOT NULL",
        ),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    customer_id: UUID
    tag_id: UUID
    other_tag_id: UUID | None = None
    kind: TagChangeKind = Field(sa_type=enum_of(TagChangeKind))
    set_by: SetBy = Field(sa_type=enum_of(SetBy))
    by_staff_id: UUID | None = None
    rule_id: UUID | None = None
    reason: str | None = Field(default=None, max_length=200)
    confidence: int = CERTAIN
    at: datetime = Field(sa_type=UtcDateTime)


class TagSuggestion(SQLModel, table=True):
    """A tag that a rule would put on a customer, for whoever holds them to decide."""

    __tablename__ = "tag_suggestion"
    __table_args__ = (
        refers("customer_id", "customer"),
        refers("tag_id", "tag"),
        refers("rule_id", "tag_rule"),
        unique_where("uq_tag_suggestion_open", "brand_id", "customer_id", "tag_id", where="state = 'open'"),
        Index("ix_tag_suggestion_customer", "brand_id", "customer_id", "tag_id", "at"),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    customer_id: UUID
    tag_id: UUID
    rule_id: UUID
    reason: str = Field(max_length=200)
    state: SuggestionState = Field(default=SuggestionState.OPEN, sa_type=enum_of(SuggestionState))
    at: datetime = Field(sa_type=UtcDateTime)
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    decided_by_id: UUID | None = None
    version: int = 1

    def decide(self, state: SuggestionState, at: datetime, by_staff_id: UUID | None) -> None:
        """Accept or decline it, once."""
        if self.state is not SuggestionState.OPEN:
            raise SuggestionDecided
        self.state, self.decided_at, self.decided_by_id = state, at, by_staff_id
        self.version += 1
