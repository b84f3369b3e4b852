"""Cover for leave: who sees and serves what somebody holds who is away, from when to when."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index
from sqlmodel import Field, SQLModel

from directory.errors import CoverDates, CoverOver, CoverUnderWay
from kernel.db import UtcDateTime, enum_of, refers

LONGEST = timedelta(days=90)
FURTHEST_AHEAD = timedelta(days=365)


class CoverState(StrEnum):
    """What has been said of a cover so far. Whether it is in force its dates alone decide, to the instant."""

    PLANNED = "planned"
    ACTIVE = "active"
    ENDED = "ended"
    CANCELLED = "cancelled"


class Cover(SQLModel, table=True):
    """Somebody's leave, and the delegate who sees and serves what their account holds meanwhile.

    It is in force from `starts_at` until before `ends_at`, unless it was cancelled before it began. One that is ended
    early ends at that instant. Nothing moves: the holder stays, and with them credit and commission.
    """

    __tablename__ = "cover"
    __table_args__ = (
        refers("staff_id", "staff"),
        refers("delegate_id", "staff"),
        refers("arranged_by_id", "staff"),
        refers("ended_by_id", "staff"),
        ForeignKeyConstraint(
            ["brand_id", "store_id", "account_id"], ["account.brand_id", "account.store_id", "account.id"]
        ),
        Index("ix_cover_delegate", "brand_id", "delegate_id", "ends_at"),
        Index("ix_cover_staff", "brand_id", "staff_id", "ends_at"),
        Index("ix_cover_store", "brand_id", "store_id", "starts_at"),
        Index("ix_cover_state", "brand_id", "state", "starts_at"),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    store_id: UUID
    account_id: UUID
    staff_id: UUID
    delegate_id: UUID
    starts_at: datetime = Field(sa_type=UtcDateTime)
    ends_at: datetime = Field(sa_type=UtcDateTime)
    state: CoverState = Field(default=CoverState.PLANNED, sa_type=enum_of(CoverState))
    arranged_by_id: UUID | None = None
    arranged_at: datetime = Field(sa_type=UtcDateTime)
    ended_by_id: UUID | None = None
    version: int = 1

    def has_begun(self, at: datetime) -> bool:
        return self.starts_at <= at

    def require_open(self, at: datetime) -> None:
        """What is over stays as it was. A worker whose clock is fast may have said so too early: the dates decide."""
        if self.state is CoverState.CANCELLED or self.ends_at <= at:
            raise CoverOver

    def date(self, starts_at: datetime | None, ends_at: datetime | None, at: datetime) -> None:
        """Give it other dates; of one that has begun only the end can be another. None leaves a date as it is."""
        self.require_open(at)
        if starts_at is not None and self.has_begun(at):
            raise CoverUnderWay
        begins = self.starts_at if starts_at is None else max(starts_at, at)
        ends = self.ends_at if ends_at is None else ends_at
        require_dates(begins, ends, at)
        self.starts_at, self.ends_at = begins, ends
        self.state = CoverState.ACTIVE if self.has_begun(at) else CoverState.PLANNED
        self.version += 1

    def note(self, at: datetime) -> bool:
        """Say that it has begun, or is over; false if there is nothing new to say.

        One that nobody noted before it was over has been in force all the same.
        """
        if self.state in (CoverState.PLANNED, CoverState.ACTIVE) and self.ends_at <= at:
            self.state = CoverState.ENDED
        elif self.state is CoverState.PLANNED and self.has_begun(at):
            self.state = CoverState.ACTIVE
        else:
            return False
        self.version += 1
        return True

    def end(self, at: datetime, by_id: UUID | None) -> None:
        """Be over now; cancelled, if it has not begun."""
        self.require_open(at)
        if self.has_begun(at):
            self.ends_at = at
            self.state = CoverState.ENDED
        else:
            self.state = CoverState.CANCELLED
        self.ended_by_id = by_id
        self.version += 1


def require_dates(starts_at: datetime, ends_at: datetime, at: datetime) -> None:
    """A cover ends after it begins and after now, lasts at most 90 days, and begins within a year: `COVER_DATES`."""
    if not (max(starts_at, at) < ends_at <= starts_at + LONGEST and starts_at <= at + FURTHEST_AHEAD):
        raise CoverDates
