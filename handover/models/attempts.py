"""Attempts to hand a contact over at the partner: each has an id of its own, which the partner never hears of."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from handover.models.items import LinkedThere
from handover.models.settlement import MOST_TRIES, Point, Step, Todo
from handover.partner import Course, Told
from kernel.db import UtcDateTime, enum_of, index_where, refers, unique_where


class HandoverAttempt(SQLModel, table=True):
    """One request about one customer, from one member of the partner's to another.

    `todo` is what is to be done from `next_at` on; nothing once it is settled. Whoever asks takes it first by writing
    `asked_at`: if nobody ever writes down what came of it, the partner's records are looked at, and nothing is asked
    twice. `code` is the partner's last number, 0 for none. It names its relationship without referring to it.
    """

    __tablename__ = "handover_attempt"
    __table_args__ = (
        refers("handover_id", "handover"),
        refers("from_account_id", "account"),
        refers("to_account_id", "account"),
        # There is one contact to be had: two at a time would be answered for each other.
        unique_where(
            "uq_handover_attempt_open", "brand_id", "from_user_id", "external_user_id", where="todo IN ('ask', 'look')"
        ),
        index_where("ix_handover_attempt_due", "brand_id", "todo", "next_at", where="todo IS NOT NULL"),
        Index("ix_handover_attempt_item", "brand_id", "handover_id", "relationship_id", "id"),
        Index("ix_handover_attempt_three", "brand_id", "external_user_id", "to_user_id"),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    handover_id: UUID
    relationship_id: UUID
    course: Course = Field(sa_type=enum_of(Course))
    from_account_id: UUID
    to_account_id: UUID
    from_user_id: str = Field(max_length=64)
    to_user_id: str = Field(max_length=64)
    external_user_id: str = Field(max_length=64)
    there: LinkedThere = Field(default=LinkedThere.REQUESTED, sa_type=enum_of(LinkedThere))
    todo: Todo | None = Field(default=Todo.ASK, sa_type=enum_of(Todo))
    next_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    told: Told | None = Field(default=None, sa_type=enum_of(Told))
    code: int = 0
    tries: int = 0
    is_again: bool = False
    was_started: bool = False
    by_staff_id: UUID | None = None
    made_at: datetime = Field(sa_type=UtcDateTime)
    asked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    deadline: datetime = Field(sa_type=UtcDateTime)
    settled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    @property
    def point(self) -> Point:
        """Where it stands, as the rules look at it."""
        return Point(
            there=self.there,
            todo=self.todo,
            course=self.course,
            deadline=self.deadline,
            asked_at=self.asked_at,
            was_started=self.was_started,
            is_again=self.is_again,
            tries=self.tries,
        )

    def begin_asking(self, at: datetime, unsure_until: datetime) -> None:
        """Take it before the partner is asked: from now on nobody knows whether it was, until that is written down."""
        self.asked_at = at
        self.tries += 1
        self.todo = Todo.LOOK
        self.next_at = unsure_until

    def take(self, step: Step, at: datetime) -> None:
        """Go where the rules say."""
        self.there = step.there
        self.todo = step.todo
        self.next_at = step.at
        if step.is_unasked:
            self.asked_at = None
            self.was_started = False
        if step.is_early:
            # Days of waiting for the partner leave a try and another one for when it can be done.
            self.tries = min(self.tries, MOST_TRIES - 2)
        if step.there is LinkedThere.WAITING:
            self.was_started = True
        is_open = step.todo in (Todo.ASK, Todo.LOOK)
        self.settled_at = None if is_open else self.settled_at or at
