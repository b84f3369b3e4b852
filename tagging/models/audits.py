"""Audits (抽查): a random sample of tags, compared with evidence or with a second person's blind opinion."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from kernel.db import Json, UtcDateTime, enum_of, refers


class AuditMethod(StrEnum):
    """What tags are compared with: the evidence of live rules, or another guide who isn't shown the tag."""

    EVIDENCE = "evidence"
    BLIND = "blind"


class AuditState(StrEnum):
    """An audit is open while answers are awaited."""

    OPEN = "open"
    CLOSED = "closed"


class Verdict(StrEnum):
    """What the comparison says of a tag. `unknown` is too little behaviour, or somebody who couldn't say."""

    RIGHT = "right"
    WRONG = "wrong"
    UNKNOWN = "unknown"


class TagAudit(SQLModel, table=True):
    """One drawing. The same `seed` over the same `population` draws the same sample.

    `scope` says which stores, guides, groups and tags; `strata` how large each stratum is and how many were drawn.
    """

    __tablename__ = "tag_audit"
    __table_args__ = (
        refers("store_id", "store"),
        refers("by_staff_id", "staff"),
        Index("ix_tag_audit_drawn", "brand_id", "drawn_at", "id"),
    )

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    id: UUID = Field(primary_key=True)
    name: str = Field(max_length=60)
    method: AuditMethod = Field(sa_type=enum_of(AuditMethod))
    state: AuditState = Field(default=AuditState.OPEN, sa_type=enum_of(AuditState))
    store_id: UUID | None = None
    scope: dict[str, Any] = Field(sa_type=Json)
    seed: int = Field(sa_type=BigInteger)
    strata: list[dict[str, Any]] = Field(sa_type=Json)
    by_staff_id: UUID | None = None
    drawn_at: datetime = Field(sa_type=UtcDateTime)
    closes_at: datetime = Field(sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version: int = 1


class AuditItem(SQLModel, table=True):
    """One tag on one customer that was drawn, and what came of the comparison.

    The stratum is (`store_id`, `setter_id`, `tag_id`). `is_inherited` says that the customer has another holder
    than when the tag was set. A blind question is for `asked_id`: `answer_ids` are the tags of the group that
    they would have set.
    """

    __tablename__ = "audit_item"
    __table_args__ = (
        refers("audit_id", "tag_audit"),
        refers("customer_id", "customer"),
        refers("tag_id", "tag"),
        refers("store_id", "store"),
        refers("asked_id", "staff"),
        Index("ix_audit_item_audit", "brand_id", "audit_id", "id"),
        Index("ix_audit_item_asked", "brand_id", "asked_id", "answered_at"),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    audit_id: UUID
    store_id: UUID
    customer_id: UUID
    relationship_id: UUID
    tag_id: UUID
    setter_id: UUID | None = None
    is_inherited: bool = False
    asked_id: UUID | None = None
    asked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    answer_ids: list[str] | None = Field(default=None, sa_type=Json)
    answered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    verdict: Verdict | None = Field(default=None, sa_type=enum_of(Verdict))
    because: str | None = Field(default=None, max_length=200)
    version: int = 1
