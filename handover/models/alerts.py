"""What a manager is warned of: somebody looks at, takes away or deletes more than the work asks for."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from handover.errors import AlertSettled
from kernel.actor import Role
from kernel.db import UtcDateTime, enum_of, refers


class AlertKind(StrEnum):
    """Phones looked at in full, lists of customers taken away as files, and what was known of customers deleted."""

    REVEALS = "reveals"
    EXPORTS = "exports"
    DELETIONS = "deletions"


WINDOWS: Mapping[AlertKind, timedelta] = {
    AlertKind.REVEALS: timedelta(hours=1),
    AlertKind.EXPORTS: timedelta(days=1),
    AlertKind.DELETIONS: timedelta(hours=1),
}
"""How far back is counted. Within as long after an alert there is no other one of its kind about the same person."""


def line_of(usual: int, *, is_leaving: bool) -> int:
    """How often is too often: half as often, rounded up, for somebody of whom it is known that they are leaving."""
    return -(-usual // 2) if is_leaving else usual


class Alert(SQLModel, table=True):
    """`count` is how often somebody had done it from `since` on when it was raised, `line` how often was too often.

    `store_id` is where they worked then, as what `role`; empty for those above stores. It is settled once a manager
    has looked into it, and says in `words` what came of it.
    """

    __tablename__ = "alert"
    __table_args__ = (
        refers("staff_id", "staff"),
        refers("store_id", "store"),
        refers("settled_by_id", "staff"),
        Index("ix_alert_staff", "brand_id", "staff_id", "kind", "raised_at"),
        Index("ix_alert_raised", "brand_id", "raised_at", "id"),
    )

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    id: UUID = Field(primary_key=True)
    kind: AlertKind = Field(sa_type=enum_of(AlertKind))
    staff_id: UUID
    role: Role = Field(sa_type=enum_of(Role))
    store_id: UUID | None = None
    count: int
    line: int
    since: datetime = Field(sa_type=UtcDateTime)
    raised_at: datetime = Field(sa_type=UtcDateTime)
    settled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    settled_by_id: UUID | None = None
    words: str | None = Field(default=None, max_length=500)
    version: int = 1

    def settle(self, by_staff_id: UUID | None, words: str, at: datetime) -> None:
        """Somebody has looked into it."""
        if self.settled_at is not None:
            raise AlertSettled
        self.settled_at = at
        self.settled_by_id = by_staff_id
        self.words = words
        self.version += 1
