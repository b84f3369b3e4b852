"""How a brand hands over: limits, windows, and whether a leaver is told."""

from enum import StrEnum
from uuid import UUID

from sqlmodel import Field, SQLModel

from kernel.db import enum_of, refers


class Telling(StrEnum):
    """Whether a leaver's own phone says that they are leaving, as long as their access is open."""

    GENTLY = "gently"
    NOT_AT_ALL = "not_at_all"


class HandoverSetting(SQLModel, table=True):
    """A brand's; without a row these defaults hold.

    `capacity` is how many relationships a guide takes on at most, together with what they hold; `undo_hours` how long
    after the approval a handover can be undone; `welcomes_a_day` how many welcome tasks a takeover guide gets for one
    day. The others are how often in an hour, or in a day, one person may do something before the manager hears of it.
    """

    __tablename__ = "handover_setting"

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    capacity: int = 2_000
    undo_hours: int = 72
    telling: Telling = Field(default=Telling.NOT_AT_ALL, sa_type=enum_of(Telling))
    welcomes_a_day: int = 20
    reveals_an_hour: int = 20
    exports_a_day: int = 3
    deletions_an_hour: int = 20
    version: int = 1

    @property
    def id(self) -> UUID:
        """A brand has one: it goes by the brand's id."""
        return self.brand_id


class TakeoverCapacity(SQLModel, table=True):
    """How many relationships one guide takes on at most, where it isn't as many as everybody."""

    __tablename__ = "takeover_capacity"
    __table_args__ = (refers("staff_id", "staff"),)

    brand_id: UUID = Field(primary_key=True)
    staff_id: UUID = Field(primary_key=True)
    capacity: int
    version: int = 1

    @property
    def id(self) -> UUID:
        """A guide has one: it goes by the guide's id."""
        return self.staff_id
