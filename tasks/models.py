"""To-do and revisit tasks: what somebody is to do, for whom, by when, and what came of it."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index
from sqlmodel import Field, SQLModel

from kernel.db import UtcDateTime, enum_of, refers, unique_where
from tasks.errors import SnoozeInThePast, TaskClosed


class TaskKind(StrEnum):
    """A to-do may be about anything; the others are about a customer."""

    TODO = "todo"
    REVISIT = "revisit"
    ORDER_FOLLOW_UP = "order_follow_up"
    CHECK_TAG = "check_tag"


class TaskState(StrEnum):
    """A pending task waits, or sleeps until `snoozed_until`; the others are closed for good."""

    PENDING = "pending"
    DONE = "done"
    CANCELLED = "cancelled"


class TaskSource(StrEnum):
    """Who or what made a task."""

    PERSON = "person"
    RULE = "rule"
    IMPORT = "import"


class Outcome(StrEnum):
    """What came of contacting the customer."""

    REACHED = "reached"
    NOT_REACHED = "not_reached"
    APPOINTMENT = "appointment"
    BOUGHT = "bought"
    NOT_INTERESTED = "not_interested"
    WRONG_PERSON = "wrong_person"


class Task(SQLModel, table=True):
    """Something to do. `account_id` keeps it; `priority` runs from 0 (whenever) to 100 (now).

    `tag_id` is the tag to check, where that is what there is to do.
    """

    __tablename__ = "task"
    __table_args__ = (
        refers("store_id", "store"),
        refers("relationship_id", "relationship"),
        refers("customer_id", "customer"),
        refers("tag_id", "tag"),
        ForeignKeyConstraint(
            ["brand_id", "store_id", "account_id"], ["account.brand_id", "account.store_id", "account.id"]
        ),
        unique_where("uq_task_source_key", "brand_id", "source_key", where="source_key IS NOT NULL"),
        Index("ix_task_account", "brand_id", "account_id", "state", "priority", "due_at"),
        Index("ix_task_store", "brand_id", "store_id", "state", "due_at"),
        Index("ix_task_store_closed", "brand_id", "store_id", "closed_at"),
        Index("ix_task_relationship", "brand_id", "relationship_id", "state"),
        Index("ix_task_tag", "brand_id", "tag_id", "state"),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    store_id: UUID
    account_id: UUID
    relationship_id: UUID | None = None
    customer_id: UUID | None = None
    tag_id: UUID | None = None
    kind: TaskKind = Field(sa_type=enum_of(TaskKind))
    title: str = Field(max_length=100)
    reason: str | None = Field(default=None, max_length=300)
    suggested_words: str | None = Field(default=None, max_length=500)
    priority: int = 50
    due_at: datetime = Field(sa_type=UtcDateTime)
    state: TaskState = Field(default=TaskState.PENDING, sa_type=enum_of(TaskState))
    snoozed_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    source: TaskSource = Field(sa_type=enum_of(TaskSource))
    source_key: str | None = Field(default=None, max_length=100)
    created_by_id: UUID | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    outcome: Outcome | None = Field(default=None, sa_type=enum_of(Outcome))
    outcome_remark: str | None = Field(default=None, max_length=500)
    version: int = 1

    def complete(self, at: datetime, outcome: Outcome | None, remark: str | None) -> None:
        """Close the task as carried out."""
        self._require_pending()
        self.state = TaskState.DONE
        self.closed_at = at
        self.outcome = outcome
        self.outcome_remark = remark
        self.version += 1

    def snooze(self, now: datetime, until: datetime) -> None:
        """Put the task out of sight until a later time; it is due then, if it was due before."""
        self._require_pending()
        if until <= now:
            raise SnoozeInThePast
        self.snoozed_until = until
        self.due_at = max(self.due_at, until)
        self.version += 1

    def cancel(self, at: datetime, remark: str | None) -> None:
        """Close the task as not to be carried out any more."""
        self._require_pending()
        self.state = TaskState.CANCELLED
        self.closed_at = at
        self.outcome_remark = remark
        self.version += 1

    def _require_pending(self) -> None:
        if self.state is not TaskState.PENDING:
            raise TaskClosed
