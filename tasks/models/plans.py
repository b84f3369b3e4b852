"""What a store's planner did on a day, and why."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from kernel.db import Json, UtcDateTime, enum_of, refers


class Verdict(StrEnum):
    """What became of a customer in a day's plan.

    `chosen` has a task. The others have none: no rule matches; asked to be left alone; turned to too lately; something
    is open about them already; another store comes first; nobody holds them who works; somebody else claimed them
    for the day; or others came first.
    """

    CHOSEN = "chosen"
    NO_RULE = "no_rule"
    DO_NOT_CONTACT = "do_not_contact"
    COOLING_DOWN = "cooling_down"
    TASK_OPEN = "task_open"
    NOT_PRIMARY = "not_primary"
    HOLDER_AWAY = "holder_away"
    CLAIMED = "claimed"
    OVER_QUOTA = "over_quota"


class PlanRun(SQLModel, table=True):
    """One store's plan of one of its days: made once. `counts` says how many customers met each verdict."""

    __tablename__ = "plan_run"
    __table_args__ = (refers("store_id", "store"), Index("ix_plan_run_day", "brand_id", "day", "store_id"))

    brand_id: UUID = Field(primary_key=True)
    store_id: UUID = Field(primary_key=True)
    day: date = Field(primary_key=True)
    counts: dict[str, int] = Field(default_factory=dict, sa_type=Json)
    begun_at: datetime = Field(sa_type=UtcDateTime)
    done_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    def finish(self, at: datetime, counts: dict[str, int]) -> None:
        """The plan is made; what is chosen is in it."""
        self.counts = counts
        self.done_at = at


class PlanCandidate(SQLModel, table=True):
    """A customer whom a rule matched on a day: chosen, or one of the next in line. `place` is theirs in the
    holder's list, from 1 on; `worth` is what the rule ranked them by.
    """

    __tablename__ = "plan_candidate"
    __table_args__ = (
        refers("customer_id", "customer"),
        refers("rule_id", "revisit_rule"),
        refers("task_id", "task"),
        Index("ix_plan_candidate_customer", "brand_id", "customer_id", "day"),
        Index("ix_plan_candidate_day", "brand_id", "day"),
    )

    brand_id: UUID = Field(primary_key=True)
    store_id: UUID = Field(primary_key=True)
    day: date = Field(primary_key=True)
    customer_id: UUID = Field(primary_key=True)
    account_id: UUID
    rule_id: UUID
    verdict: Verdict = Field(sa_type=enum_of(Verdict))
    place: int
    worth: int = Field(default=0, sa_type=BigInteger)
    task_id: UUID | None = None
