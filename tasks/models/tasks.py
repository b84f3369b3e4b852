"""To-do and revisit tasks: what somebody is to do, for whom, by when, and what came of it."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index
from sqlmodel import Field, SQLModel

from kernel.db import UtcDateTime, enum_of, index_where, refers, unique_where
from tasks.errors import SnoozeInThePast, TaskClosed


class TaskKind(StrEnum):
    """A to-do may be about anything, and so may what a campaign asks for; the others are about a customer."""

    TODO = "todo"
    REVISIT = "revisit"
    RETENTION = "retention"
    WELCOME = "welcome"
    CAMPAIGN = "campaign"
    ORDER_FOLLOW_UP = "order_follow_up"
    CHECK_TAG = "check_tag"


CONTACTS = (TaskKind.REVISIT, TaskKind.RETENTION, TaskKind.WELCOME, TaskKind.CAMPAIGN, TaskKind.ORDER_FOLLOW_UP)
"""What is carried out by turning to the customer, where it is about one."""


class TaskState(StrEnum):
    """A pending task waits, or sleeps until `snoozed_until`; the others are closed for good.

    `done` was carried out, `skipped` was not and says why, `expired` waited until it was of no use any more, and
    `cancelled` was taken back. A task that moves to somebody else stays pending: its history says so.
    """

    PENDING = "pending"
    DONE = "done"
    SKIPPED = "skipped"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class TaskSource(StrEnum):
    """Who or what made a task."""

    PERSON = "person"
    RULE = "rule"
    CAMPAIGN = "campaign"
    IMPORT = "import"


class Outcome(StrEnum):
    """What came of contacting the customer."""

    REACHED = "reached"
    NOT_REACHED = "not_reached"
    APPOINTMENT = "appointment"
    BOUGHT = "bought"
    NOT_INTERESTED = "not_interested"
    WRONG_PERSON = "wrong_person"


class SkipReason(StrEnum):
    """Why a task was not carried out."""

    IN_TOUCH = "in_touch"
    BAD_TIME = "bad_time"
    UNSUITABLE = "unsuitable"
    NO_CONTACT = "no_contact"
    OTHER = "other"


class Task(SQLModel, table=True):
    """Something to do. `account_id` keeps it; `priority` runs from 0 (whenever) to 100 (now).

    `tag_id` is the tag to check, where that is what there is to do. `rule_id` or `campaign_id` is what made it.
    `contact_day` is the store's day for which a machine claimed the customer: one claim a day, by whichever guide.
    `alert_at` is when a phone may make itself heard about it; empty, as soon as it comes. `seen_at` is when whoever
    keeps it first opened it. An open task escalates to the manager at `escalates_at`, and ends by itself at
    `expires_at`. `closed_by_id` is the person who closed it, `closed_by_order_id` the purchase that settled it.
    """

    __tablename__ = "task"
    __table_args__ = (
        refers("store_id", "store"),
        refers("relationship_id", "relationship"),
        refers("customer_id", "customer"),
        refers("tag_id", "tag"),
        refers("rule_id", "revisit_rule"),
        refers("campaign_id", "campaign"),
        refers("closed_by_id", "staff"),
        ForeignKeyConstraint(
            ["brand_id", "closed_by_order_id"],
            ["mall_order.brand_id", "mall_order.id"],
            name="fk_task_closed_by_order",
        ),
        ForeignKeyConstraint(
            ["brand_id", "store_id", "account_id"], ["account.brand_id", "account.store_id", "account.id"]
        ),
        unique_where("uq_task_source_key", "brand_id", "source_key", where="source_key IS NOT NULL"),
        Index("ix_task_account", "brand_id", "account_id", "state", "priority", "due_at"),
        Index("ix_task_store", "brand_id", "store_id", "state", "due_at"),
        Index("ix_task_due", "brand_id", "store_id", "due_at"),
        Index("ix_task_store_closed", "brand_id", "store_id", "closed_at"),
        Index("ix_task_relationship", "brand_id", "relationship_id", "state"),
        Index("ix_task_tag", "brand_id", "tag_id", "state"),
        Index("ix_task_customer", "brand_id", "customer_id", "created_at"),
        unique_where("uq_task_contact_day", "brand_id", "customer_id", "contact_day", where="contact_day IS NOT NULL"),
        index_where("ix_task_contact", "brand_id", "store_id", "contact_day", where="contact_day IS NOT NULL"),
        index_where("ix_task_campaign", "brand_id", "campaign_id", "state", where="campaign_id IS NOT NULL"),
        index_where("ix_task_expires", "brand_id", "expires_at", where="state = 'pending' AND expires_at IS NOT NULL"),
        index_where(
            "ix_task_escalates",
            "brand_id",
            "escalates_at",
            where="state = 'pending' AND escalates_at IS NOT NULL AND escalated_at IS NULL",
        ),
        index_where(
            "ix_task_escalated",
            "brand_id",
            "due_at",
            "id",
            where="state = 'pending' AND escalated_at IS NOT NULL",
        ),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    store_id: UUID
    account_id: UUID
    relationship_id: UUID | None = None
    customer_id: UUID | None = None
    tag_id: UUID | None = None
    rule_id: UUID | None = None
    campaign_id: UUID | None = None
    kind: TaskKind = Field(sa_type=enum_of(TaskKind))
    title: str = Field(max_length=100)
    reason: str | None = Field(default=None, max_length=300)
    suggested_words: str | None = Field(default=None, max_length=500)
    priority: int = 50
    due_at: datetime = Field(sa_type=UtcDateTime)
    state: TaskState = Field(default=TaskState.PENDING, sa_type=enum_of(TaskState))
    snoozed_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    contact_day: date | None = None
    alert_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    seen_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    escalates_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    escalated_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    source: TaskSource = Field(sa_type=enum_of(TaskSource))
    source_key: str | None = Field(default=None, max_length=100)
    created_by_id: UUID | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closed_by_id: UUID | None = None
    closed_by_order_id: UUID | None = None
    skip_reason: SkipReason | None = Field(default=None, sa_type=enum_of(SkipReason))
    outcome: Outcome | None = Field(default=None, sa_type=enum_of(Outcome))
    outcome_remark: str | None = Field(default=None, max_length=500)
    version: int = 1

    def see(self, at: datetime) -> bool:
        """Note that whoever keeps the task has opened it; says whether that is news."""
        if self.seen_at is not None or self.state is not TaskState.PENDING:
            return False
        self.seen_at = at
        self.version += 1
        return True

    def snooze(self, now: datetime, until: datetime, alert_at: datetime) -> None:
        """Put the task out of sight until a later time.

        It is due then, if it was due before; it escalates and expires as much later as it is due.
        """
        self.require_pending()
        if until <= now:
            raise SnoozeInThePast
        later = max(until - self.due_at, timedelta())
        self.snoozed_until = until
        self.alert_at = alert_at
        self.due_at += later
        self.escalates_at = self.escalates_at and self.escalates_at + later
        self.expires_at = self.expires_at and self.expires_at + later
        self.version += 1

    def move(self, to_account_id: UUID, alert_at: datetime) -> None:
        """Let another account of the store keep the task; nobody there has seen it yet."""
        self.require_pending()
        self.account_id = to_account_id
        self.seen_at = None
        self.alert_at = alert_at
        self.version += 1

    def complete(
        self,
        at: datetime,
        outcome: Outcome | None,
        remark: str | None,
        by_id: UUID | None = None,
        order_id: UUID | None = None,
    ) -> None:
        """Close the task as carried out, or as settled by a purchase."""
        self._close(TaskState.DONE, at, by_id)
        self.outcome = outcome
        self.outcome_remark = remark
        self.closed_by_order_id = order_id

    def skip(self, at: datetime, reason: SkipReason, remark: str | None, by_id: UUID | None) -> None:
        """Close the task as not carried out, and say why."""
        self._close(TaskState.SKIPPED, at, by_id)
        self.skip_reason = reason
        self.outcome_remark = remark

    def cancel(self, at: datetime, remark: str | None, by_id: UUID | None = None) -> None:
        """Close the task as taken back."""
        self._close(TaskState.CANCELLED, at, by_id)
        self.outcome_remark = remark

    def _close(self, state: TaskState, at: datetime, by_id: UUID | None) -> None:
        self.require_pending()
        self.state = state
        self.closed_at = at
        self.closed_by_id = by_id
        self.version += 1

    def require_pending(self) -> None:
        """Refuse what is done to a closed task."""
        if self.state is not TaskState.PENDING:
            raise TaskClosed(self.state)


class StepKind(StrEnum):
    """What happened to a task."""

    ADDED = "added"
    SEEN = "seen"
    SNOOZED = "snoozed"
    MOVED = "moved"
    ESCALATED = "escalated"
    DONE = "done"
    SKIPPED = "skipped"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class TaskStep(SQLModel, table=True):
    """A line of a task's history; never changed. `by_staff_id` is empty where a machine did it.

    Tasks of earlier times, and tasks that were loaded, have no lines of what came before.
    """

    __tablename__ = "task_step"
    __table_args__ = (
        refers("task_id", "task"),
        Index("ix_task_step_task", "brand_id", "task_id", "id"),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    task_id: UUID
    kind: StepKind = Field(sa_type=enum_of(StepKind))
    at: datetime = Field(sa_type=UtcDateTime)
    by_staff_id: UUID | None = None
    from_account_id: UUID | None = None
    to_account_id: UUID | None = None
    until: datetime | None = Field(default=None, sa_type=UtcDateTime)
