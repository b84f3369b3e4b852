"""Segments: groups of customers that an expression describes, and the bitmaps they are counted with."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from kernel.db import Json, UtcDateTime, enum_of, refers, unique_where


class Sharing(StrEnum):
    """Who may use a segment besides whoever made it. Each sees the customers in their own sight only."""

    PRIVATE = "private"
    BRAND = "brand"


class Segment(SQLModel, table=True):
    """A saved expression; `tree` is its parsed form, with ids for names."""

    __tablename__ = "segment"
    __table_args__ = (
        refers("owner_id", "staff"),
        unique_where("uq_segment_name", "brand_id", "name", where="retired_at IS NULL"),
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
    """How far a brand's bitmaps are: one row, which whoever folds changes into them holds locked."""

    __tablename__ = "segment_index"

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    next_number: int = 0
    revision: int = Field(default=0, sa_type=BigInteger)
    built_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class SegmentMember(SQLModel, table=True):
    """A customer's number in the bitmaps, and the terms under which they are found there."""

    __tablename__ = "segment_member"
    __table_args__ = (refers("customer_id", "customer"), UniqueConstraint("brand_id", "customer_id"))

    brand_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    customer_id: UUID
    terms: list[str] = Field(sa_type=Json)


class SegmentBits(SQLModel, table=True):
    """Which of 65,536 customers meet a term: a serialised roaring bitmap of the lower halves of their numbers.

    `revision` is that of the index when the bits were last written: whoever has them in memory reads no more.
    """

    __tablename__ = "segment_bits"

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    term: str = Field(primary_key=True, max_length=80)
    chunk: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    bits: bytes = Field(sa_type=LargeBinary)
    revision: int = Field(sa_type=BigInteger)


class SegmentNight(SQLModel, table=True):
    """Who was in a segment when a night began, to tell who has entered and left since."""

    __tablename__ = "segment_night"
    __table_args__ = (refers("segment_id", "segment"),)

    brand_id: UUID = Field(primary_key=True)
    segment_id: UUID = Field(primary_key=True)
    day: date = Field(primary_key=True)
    chunk: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    bits: bytes = Field(sa_type=LargeBinary)
    version: int
