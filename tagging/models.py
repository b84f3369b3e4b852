"""The tag library, and the tags that customers carry."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from kernel.db import UtcDateTime, enum_of, refers, unique_where
from tagging.errors import TagRetired


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
    """A word for customers: the brand's, in a group, or personal, of one staff member and in none.

    A retired tag stays on its customers unshown, and its name is free again.
    """

    __tablename__ = "tag"
    __table_args__ = (
        refers("group_id", "tag_group"),
        refers("owner_id", "staff"),
        unique_where("uq_tag_brand", "brand_id", "group_id", "name", where="owner_id IS NULL AND retired_at IS NULL"),
        unique_where(
            "uq_tag_personal", "brand_id", "owner_id", "name", where="owner_id IS NOT NULL AND retired_at IS NULL"
        ),
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

    def change(self, *, name: str | None = None, color: str | None = None) -> bool:
        """Call it or paint it differently; says whether that changed anything."""
        self._require_in_use()
        if name in (None, self.name) and color in (None, self.color):
            return False
        self.name = name or self.name
        self.color = color or self.color
        self.version += 1
        return True

    def retire(self, at: datetime) -> None:
        """Use it no more."""
        self._require_in_use()
        self.retired_at = at
        self.version += 1

    def _require_in_use(self) -> None:
        if self.retired_at is not None:
            raise TagRetired


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
