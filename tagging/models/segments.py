"""Segments: groups of customers that an expression describes, and the bitmaps they are counted with."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from kernel.db import Json, UtcDateTime, enum_of, refers, unique_where


class Sharing(StrEnum):
    """Who may use a segment besides whoever made it. Each sees the customers in their own sight only."""

    PRIVATE = "private"
    BRAND = "brand"


class Segment(SQLModel, table=True):
    """A saved expression; `tree` is its parsed form, with ids for names.

    Names are told apart among one person's, and among the brand's: nobody learns what others call theirs.
    """

    __tablename__ = "segment"
    __table_args__ = (
        refers("owner_id", "staff"),
        unique_where("uq_segment_own", "brand_id", "owner_id", "name", where="retired_at IS NULL"),
        unique_where("uq_segment_shared", "brand_id", "name", where="retired_at IS NULL AND sharing = 'brand'"),
    )

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    id: UUID = Field(primary_key=True)
    name: str = Field(max_length=60)
    owner_id: UUID | None = None
    sharing: Sharing = Field(default=Sharing.PRIVATE, sa_type=enum_of(Sharing))
    tree: dict[str, Any] = Field(sa_type=Json)
    created_at: datetime = Field(sa_type=UtcDateTime)
    edited_at: datetime = Field(sa_type=UtcDateTime)
    retired_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version: int = 1


class SegmentUse(SQLModel, table=True):
    """One segment's expression names another."""

    __tablename__ = "segment_use"
    __table_args__ = (
        refers("segment_id", "segment"),
        refers("used_id", "segment"),
        Index("ix_segment_use_used", "brand_id", "used_id", "segment_id"),
    )

    brand_id: UUID = Field(primary_key=True)
    segment_id: UUID = Field(primary_key=True)
    used_id: UUID = Field(primary_key=True)


class SegmentVersion(SQLModel, table=True):
    """What a segment was at one of its versions."""

    __tablename__ = "segment_version"
    __table_args__ = (refers("segment_id", "segment"),)

    brand_id: UUID = Field(primary_key=True)
    segment_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    name: str = Field(max_length=60)
    tree: dict[str, Any] = Field(sa_type=Json)
    by_staff_id: UUID | None = None
    at: datetime = Field(sa_type=UtcDateTime)


class SegmentIndex(SQLModel, table=True):
    """How far a brand's bitmaps are: one row, which whoever folds changes into them holds locked.

    They say nothing before they are built. `stale_since` is when something was last brought in in bulk that left no
    marks: what they say is not exact until all customers have been looked at again.
    """

    __tablename__ = "segment_index"

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    next_number: int = 0
    revision: int = Field(default=0, sa_type=BigInteger)
    built_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    stale_since: datetime | None = Field(default=None, sa_type=UtcDateTime)


class SegmentMember(SQLModel, table=True):
    """A customer's number in the bitmaps, and what they are found by there, as `tagging.models.terms` keeps it."""

    __tablename__ = "segment_member"
    __table_args__ = (refers("customer_id", "customer"), UniqueConstraint("brand_id", "customer_id"))

    brand_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    customer_id: UUID
    terms: list[Any] = Field(sa_type=Json)


class SegmentBits(SQLModel, table=True):
    """Which of 65,536 customers meet a term: a serialised roaring bitmap of their numbers.

    `revision` is that of the index when the bits were last written: whoever has them in memory reads what came
    after. Rows are never deleted: where nobody is left, the bitmap is empty.
    """

    __tablename__ = "segment_bits"
    __table_args__ = (Index("ix_segment_bits_revision", "brand_id", "term", "revision"),)

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    term: str = Field(primary_key=True, max_length=80)
    chunk: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    bits: bytes = Field(sa_type=LargeBinary)
    revision: int = Field(sa_type=BigInteger)


class SegmentNight(SQLModel, table=True):
    """Who was in a segment on a night, by their numbers, and at which version of it: to tell who came and went."""

    __tablename__ = "segment_night"
    __table_args__ = (refers("segment_id", "segment"),)

    brand_id: UUID = Field(primary_key=True)
    segment_id: UUID = Field(primary_key=True)
    day: date = Field(primary_key=True)
    bits: bytes = Field(sa_type=LargeBinary)
    version: int
