"""Audits (抽查): a random sample of tags, compared with evidence or with a second person's blind opinion."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from kernel.db import Json, UtcDateTime, enum_of, index_where, refers
from tagging.errors import AuditClosed
from tagging.models.carried import SetBy

OPEN_FOR = timedelta(days=14)


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


@dataclass(frozen=True, slots=True)
class AuditScope:
    """Which tags are audited: all that is given must hold; an empty `set_by` is whoever or whatever set them."""

    store_id: UUID | None = None
    region_id: UUID | None = None
    setter_id: UUID | None = None
    group_id: UUID | None = None
    tag_id: UUID | None = None
    set_by: tuple[SetBy, ...] = ()

    def to_json(self) -> dict[str, Any]:
        ids = {name: getattr(self, name) for name in ("store_id", "region_id", "setter_id", "group_id", "tag_id")}
        return {name: str(value) for name, value in ids.items() if value} | {"set_by": [str(by) for by in self.set_by]}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "AuditScope":
        ids = {name: UUID(value) for name, value in kept.items() if name != "set_by"}
        return cls(**ids, set_by=tuple(SetBy(by) for by in kept["set_by"]))


class TagAudit(SQLModel, table=True):
    """One drawing. The same `seed` over the same population draws the same sample.

    It is about one store, one region with all below it, or the whole brand; `scope` says that and what else it was
    narrowed down to. `size` is how many were wanted; `strata` say how large each stratum is and how many were drawn.
    """

    __tablename__ = "tag_audit"
    __table_args__ = (
        refers("store_id", "store"),
        refers("region_id", "region"),
        refers("by_staff_id", "staff"),
        Index("ix_tag_audit_drawn", "brand_id", "drawn_at", "id"),
    )

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    id: UUID = Field(primary_key=True)
    name: str = Field(max_length=60)
    method: AuditMethod = Field(sa_type=enum_of(AuditMethod))
    state: AuditState = Field(default=AuditState.OPEN, sa_type=enum_of(AuditState))
    store_id: UUID | None = None
    region_id: UUID | None = None
    scope: dict[str, Any] = Field(sa_type=Json)
    size: int
    seed: int = Field(sa_type=BigInteger)
    strata: list[dict[str, Any]] = Field(sa_type=Json)
    by_staff_id: UUID | None = None
    drawn_at: datetime = Field(sa_type=UtcDateTime)
    closes_at: datetime = Field(sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version: int = 1

    def close(self, at: datetime) -> None:
        """Wait for no more answers."""
        if self.state is AuditState.CLOSED:
            raise AuditClosed
        self.state = AuditState.CLOSED
        self.closed_at = at
        self.version += 1


class AuditItem(SQLModel, table=True):
    """One tag on one customer that was drawn, and what came of the comparison; it is open while it has no verdict.

    `stratum` is the place of its stratum in the audit's list. `is_inherited` says that the customer came to another
    holder after the tag was set or last confirmed. A blind question is for `asked_id`, and waits while that is
    empty: `carried_ids` are the tags of the group that the customer carried, `answer_ids` those that the other would
    have set; none for who couldn't say.
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
        Index(
            "ix_audit_item_open",
            "brand_id",
            "store_id",
            "id",
            sqlite_where=text("verdict IS NULL"),
            postgresql_where=text("verdict IS NULL"),
        ),
        index_where("ix_audit_item_judged", "brand_id", "store_id", where="verdict IS NOT NULL"),
        index_where("ix_audit_item_relationship", "brand_id", "relationship_id", where="verdict IS NULL"),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    audit_id: UUID
    stratum: int
    store_id: UUID
    customer_id: UUID
    relationship_id: UUID
    tag_id: UUID
    setter_id: UUID | None = None
    is_inherited: bool = False
    carried_ids: list[str] = Field(default_factory=list, sa_type=Json)
    asked_id: UUID | None = None
    asked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    answer_ids: list[str] | None = Field(default=None, sa_type=Json)
    answered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    verdict: Verdict | None = Field(default=None, sa_type=enum_of(Verdict))
    because: str | None = Field(default=None, max_length=200)
    version: int = 1

    def answer(self, at: datetime, tag_ids: Sequence[UUID] | None, right: Collection[UUID]) -> None:
        """Take the other's answer; none is "I can't say".

        `right` are the drawn tag and what it was merged into; none of them when it is out of use, which no answer
        can name any more.
        """
        self.answer_ids = None if tag_ids is None else [str(tag_id) for tag_id in tag_ids]
        self.answered_at = at
        if tag_ids is None or not right:
            self.verdict = Verdict.UNKNOWN
        else:
            self.verdict = Verdict.WRONG if set(right).isdisjoint(tag_ids) else Verdict.RIGHT
        self.version += 1
