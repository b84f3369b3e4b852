"""The tag library: groups, and the words in them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from kernel.db import Json, UtcDateTime, enum_of, refers, unique_where
from tagging.errors import TagRetired, TooManySynonyms

MOST_SYNONYMS = 10
MOST_AFTER_MERGES = 50


class Choice(StrEnum):
    """Whether a customer may carry one tag of a group, or several."""

    SINGLE = "single"
    MULTI = "multi"


class TagGroup(SQLModel, table=True):
    """A question that tags answer: style, size, family.

    `shelf_life_days` is how long an answer is believed; none is for ever. `roles` and `store_ids` say who may
    put its tags on customers; an empty list is everybody.
    """

    __tablename__ = "tag_group"
    __table_args__ = (unique_where("uq_tag_group_name", "brand_id", "name", where="retired_at IS NULL"),)

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    id: UUID = Field(primary_key=True)
    name: str = Field(max_length=30)
    choice: Choice = Field(default=Choice.MULTI, sa_type=enum_of(Choice))
    color: str = Field(default="#8c8c8c", max_length=7)
    position: int = 0
    shelf_life_days: int | None = None
    roles: list[str] = Field(default_factory=list, sa_type=Json)
    store_ids: list[str] = Field(default_factory=list, sa_type=Json)
    retired_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version: int = 1

    def change(self, changes: Mapping[str, Any]) -> bool:
        """Give it these values; says whether that changed anything."""
        self.require_in_use()
        return _changed(self, changes)

    def retire(self, at: datetime) -> None:
        """Ask this question no more."""
        self.require_in_use()
        self.retired_at = at
        self.version += 1

    def require_in_use(self) -> None:
        if self.retired_at is not None:
            raise TagRetired


class Tag(SQLModel, table=True):
    """A word for customers: the brand's, in a group, or personal, of one staff member and in none.

    A retired tag stays on its customers unshown, and its name is free again. One that was merged into another
    is retired, too, and says into which, and that one is in no other; until its customers carry the other one,
    it counts as that. `synonyms` are other words for it, to find it by; its own name may be among them and isn't
    shown, so that renaming and merging can come in either order.
    """

    __tablename__ = "tag"
    __table_args__ = (
        refers("group_id", "tag_group"),
        refers("owner_id", "staff"),
        unique_where("uq_tag_brand", "brand_id", "group_id", "name", where="owner_id IS NULL AND retired_at IS NULL"),
        unique_where(
            "uq_tag_personal", "brand_id", "owner_id", "name", where="owner_id IS NOT NULL AND retired_at IS NULL"
        ),
        Index("ix_tag_merged", "brand_id", "merged_into_id"),
    )

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    id: UUID = Field(primary_key=True)
    group_id: UUID | None = None
    owner_id: UUID | None = None
    name: str = Field(max_length=30)
    color: str = Field(default="#8c8c8c", max_length=7)
    position: int = 0
    synonyms: list[str] = Field(default_factory=list, sa_type=Json)
    merged_into_id: UUID | None = None
    merged_by_id: UUID | None = None
    retired_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version: int = 1

    def change(self, changes: Mapping[str, Any]) -> bool:
        """Give it these values; says whether that changed anything."""
        self.require_in_use()
        return _changed(self, changes)

    def retire(self, at: datetime) -> None:
        """Use it no more."""
        self.require_in_use()
        self.retired_at = at
        self.version += 1

    def merge_into(self, other: "Tag", at: datetime, by_staff_id: UUID | None) -> None:
        """Let the other one stand for this one, and be found by its words."""
        other.require_in_use()
        self.retire(at)
        self.merged_into_id, self.merged_by_id = other.id, by_staff_id
        words = dict.fromkeys([*other.synonyms, self.name, *self.synonyms])
        if len(words) > MOST_AFTER_MERGES:
            raise TooManySynonyms(most=MOST_AFTER_MERGES)
        other.change({"synonyms": list(words)})

    def follow(self, other: "Tag") -> None:
        """It was merged into a tag that is now merged into the other."""
        self.merged_into_id = other.id
        self.version += 1

    def require_in_use(self) -> None:
        if self.retired_at is not None:
            raise TagRetired


def other_words(name: str, synonyms: Sequence[str]) -> list[str]:
    """A tag's synonyms as they are shown: without its own name."""
    return [word for word in synonyms if word != name]


def _changed(row: TagGroup | Tag, changes: Mapping[str, Any]) -> bool:
    news = {name: value for name, value in changes.items() if getattr(row, name) != value}
    for name, value in news.items():
        setattr(row, name, value)
    row.version += bool(news)
    return bool(news)
