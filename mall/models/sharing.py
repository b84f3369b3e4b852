"""Share links (分享): what a guide sends, and how often it was opened."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from kernel.db import Json, UtcDateTime, enum_of, index_where, refers
from mall.errors import ShareOver


class ShareKind(StrEnum):
    """What a link shows: a product, a page of the mall, or a look of several products."""

    PRODUCT = "product"
    PAGE = "page"
    LOOK = "look"


class ShareKey(StrEnum):
    """By what the figures of links are told apart."""

    GUIDE = "guide"
    PRODUCT = "product"
    STORE = "store"
    SHARE = "share"


class Share(SQLModel, table=True):
    """A guide's link. `code` is unique over all brands: it is all that an address says.

    `account_id` made it and has the credit of what comes through it, until what they held is handed over.
    `look` has the ids of a look's products,
    `page` is a path within the mall.
    """

    __tablename__ = "share"
    __table_args__ = (
        refers("store_id", "store"),
        refers("account_id", "account"),
        refers("product_id", "product"),
        UniqueConstraint("code"),
        Index("ix_share_account", "brand_id", "account_id", "created_at"),
        Index("ix_share_store", "brand_id", "store_id", "created_at"),
        Index("ix_share_product", "brand_id", "product_id", "created_at"),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    code: str = Field(max_length=16)
    store_id: UUID
    account_id: UUID
    kind: ShareKind = Field(sa_type=enum_of(ShareKind))
    title: str = Field(max_length=100)
    product_id: UUID | None = None
    look: list[str] = Field(default_factory=list, sa_type=Json)
    page: str | None = Field(default=None, max_length=500)
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    version: int = 1

    def end(self, at: datetime) -> None:
        """Lead nowhere from now on."""
        if self.expires_at <= at:
            raise ShareOver
        self.expires_at = at
        self.version += 1


class ShareOpen(SQLModel, table=True):
    """Somebody followed a link: when, and nothing of who.

    Once it is old, a row `stands_for` so many opens of a day, of which this was the last; until then for itself.
    """

    __tablename__ = "share_open"
    __table_args__ = (
        refers("share_id", "share"),
        Index("ix_share_open_share", "brand_id", "share_id", "opened_at"),
        index_where("ix_share_open_single", "brand_id", "opened_at", where="stands_for IS NULL"),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    share_id: UUID
    opened_at: datetime = Field(sa_type=UtcDateTime)
    stands_for: int | None = None
