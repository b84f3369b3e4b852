"""What the partner has told us: kept before it is answered, applied after."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from handover.models.news import News, NewsKind, NewsReason
from kernel.db import UtcDateTime, enum_of, index_where


class PartnerNews(SQLModel, table=True):
    """One event, however often it is told: the key is a digest of all that it says."""

    __tablename__ = "partner_news"
    __table_args__ = (index_where("ix_partner_news_applied", "brand_id", "applied_at", where="applied_at IS NOT NULL"),)

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    key: str = Field(primary_key=True, max_length=64)
    kind: NewsKind = Field(sa_type=enum_of(NewsKind))
    user_id: str | None = Field(default=None, max_length=64)
    external_user_id: str | None = Field(default=None, max_length=64)
    chat_id: str | None = Field(default=None, max_length=64)
    reason: NewsReason | None = Field(default=None, sa_type=enum_of(NewsReason))
    is_transfer: bool = False
    at: datetime = Field(sa_type=UtcDateTime)
    heard_at: datetime = Field(sa_type=UtcDateTime)
    applied_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    @property
    def news(self) -> News:
        return News(
            kind=self.kind,
            at=self.at,
            key=self.key,
            user_id=self.user_id,
            external_user_id=self.external_user_id,
            chat_id=self.chat_id,
            reason=self.reason,
            is_transfer=self.is_transfer,
        )
