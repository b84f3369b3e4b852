"""The tag library, and the tags that customers carry."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from kernel.db import UtcDateTime, enum_of, refers, unique_where


class Choice(StrEnum):
    """Whether a customer may carry one tag of a group, or several."""

    SINGLE = "single"
    MULTI = "multi"


class SetBy(StrEnum):
    """What put a tag on a customer."""

    GUIDE = "guide"
    RULE = "rule"
    IMPORT = "import"


class TagGroup(SQLModel, table=True):
    """A question that tags answer: style, size, family."""

    __tablename__ = "tag_group"
    __table_args__ = (UniqueConstraint("brand_id", "name"),)

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    id: UUID = Field(primary_key=True)
    name: str = Field(max_length=30)
    choice: Choice = Field(default=Choice.MULTI, sa_type=enum_of(Choice))
    position: int = 0
    version: int = 1


class Tag(SQLModel, table=True):
    """A word for customers: the brand's, in a group, or personal, of one staff member and in none."""

    __tablename__ = "tag"
    __table_args__ = (
        refers("group_id", "tag_group"),
        refers("owner_id", "staff"),
        unique_where("uq_tag_brand", "brand_id", "group_id", "name", where="owner_id IS NULL"),
        unique_where("uq_tag_personal", "brand_id", "owner_id", "name", where="owner_id IS NOT NULL"),
    )

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    id: UUID = Field(primary_key=True)
    group_id: UUID | None = None
    owner_id: UUID | None = None
    name: str = Field(max_length=30)
    color: str = Field(default="#8c8c8c", max_length=7)
    position: int = 0
    retired_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version: int = 1


class CustomerTag(SQLModel, table=True):
    """A tag on a customer: who or what set it, and when."""

    __tablename__ = "customer_tag"
    __table_args__ = (
        refers("customer_id", "customer"),
        refers("tag_id", "tag"),
        Index("ix_customer_tag_tag", "brand_id", "tag_id", "customer_id"),
    )

    brand_id: UUID = Field(primary_key=True)
    customer_id: UUID = Field(primary_key=True)
    tag_id: UUID = Field(primary_key=True)
    set_by: SetBy = Field(sa_type=enum_of(SetBy))
    by_staff_id: UUID | None = None
    set_at: datetime = Field(sa_type=UtcDateTime)
