"""Who wants to be told of which figures (订阅), what they were told, and where a brand's notices are sent besides."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from kernel.db import Json, UtcDateTime, enum_of, refers
from kpi.models.definitions import DEFINITIONS, Figure, Unit

MILLION = 1_000_000


class WatchKind(StrEnum):
    """Digests of a day, a week or a month that is over; and what is told only if there is something to tell."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    THRESHOLD = "threshold"
    UNUSUAL = "unusual"
    DELETIONS = "deletions"


DIGESTS = (WatchKind.DAILY, WatchKind.WEEKLY, WatchKind.MONTHLY)


class Side(StrEnum):
    """On which side of its line a figure is told of."""

    ABOVE = "above"
    BELOW = "below"


class PausedBecause(StrEnum):
    """Why the product itself paused a subscription: what it is about isn't in the subscriber's sight any more."""

    OUT_OF_SIGHT = "out_of_sight"


class KpiWatch(SQLModel, table=True):
    """Somebody wants to be told of figures: of a region, a store or a person, or of all that they see.

    `line` is in the figure's unit: minor units, things, seconds; shares, and counts for each of something, in
    millionths. `sent_for` is the last day that was decided on, told of or not. `looked_at` is when that was last tried;
    of deletions, up to when they are known.
    """

    __tablename__ = "kpi_watch"
    __table_args__ = (
        refers("staff_id", "staff"),
        refers("region_id", "region"),
        refers("store_id", "store"),
        refers("of_staff_id", "staff"),
        Index("ix_kpi_watch_staff", "brand_id", "staff_id", "kind"),
    )

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    id: UUID = Field(primary_key=True)
    staff_id: UUID
    kind: WatchKind = Field(sa_type=enum_of(WatchKind))
    figures: list[str] = Field(sa_type=Json)
    region_id: UUID | None = None
    store_id: UUID | None = None
    of_staff_id: UUID | None = None
    side: Side | None = Field(default=None, sa_type=enum_of(Side))
    line: int | None = Field(default=None, sa_type=BigInteger)
    is_paused: bool = False
    paused_because: PausedBecause | None = Field(default=None, sa_type=enum_of(PausedBecause))
    sent_for: date
    looked_at: datetime = Field(sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
    version: int = 1

    @property
    def named(self) -> list[Figure]:
        """Its figures, in their order."""
        return [Figure(each) for each in self.figures]

    @property
    def is_live(self) -> bool:
        """Whether the day under way is looked at as well: what only grows is above its line for good."""
        if self.kind is not WatchKind.THRESHOLD or self.side is not Side.ABOVE:
            return False
        return all(DEFINITIONS[each].over is None and DEFINITIONS[each].minus is None for each in self.named)

    def say(self, changes: dict[str, Any]) -> None:
        """Watch something else, or otherwise."""
        for name, value in changes.items():
            setattr(self, name, value)
        self.paused_because = None
        self.version += 1

    def lose_sight(self) -> None:
        """Pause it, because what it is about isn't the subscriber's to see any more."""
        self.is_paused = True
        self.paused_because = PausedBecause.OUT_OF_SIGHT
        self.version += 1


class KpiNotice(SQLModel, table=True):
    """What somebody was told: at most one of a kind on each day of theirs, however much they watch.

    `content` has the brand's currency and a line for each subscription that had something to tell.
    """

    __tablename__ = "kpi_notice"
    __table_args__ = (
        refers("staff_id", "staff"),
        UniqueConstraint("brand_id", "staff_id", "kind", "day", name="uq_kpi_notice_day"),
        Index("ix_kpi_notice_staff", "brand_id", "staff_id", "sent_at", "id"),
    )

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    id: UUID = Field(primary_key=True)
    staff_id: UUID
    kind: WatchKind = Field(sa_type=enum_of(WatchKind))
    day: date
    content: dict[str, Any] = Field(sa_type=Json)
    sent_at: datetime = Field(sa_type=UtcDateTime)
    seen_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version: int = 1


class KpiHook(SQLModel, table=True):
    """Where a brand's notices are posted to as well. The secret that they are signed with is sealed."""

    __tablename__ = "kpi_hook"

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    url: str = Field(max_length=500)
    sealed: bytes = Field(sa_type=LargeBinary)
    is_paused: bool = False
    version: int = 1

    @property
    def id(self) -> UUID:
        """There is one for each brand."""
        return self.brand_id


def scale_of(figures: Sequence[Figure]) -> int:
    """Into how many parts the line of a figure is cut: shares and counts for each of something aren't whole."""
    definition = DEFINITIONS[figures[0]]
    is_whole = definition.unit in (Unit.MONEY, Unit.SECONDS) or definition.over is None
    return 1 if is_whole else MILLION
