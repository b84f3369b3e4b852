"""One handover: whose accounts are handed over, by which plan, and how far it has come."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from handover.errors import HandoverMovedOn, UndoWindowOver
from kernel.db import Json, UtcDateTime, enum_of, index_where, refers, unique_where


class HandoverKind(StrEnum):
    """Why: somebody leaves (离职继承), works elsewhere from now on (在职继承), or a store closes (闭店)."""

    RESIGNATION = "resignation"
    TRANSFER = "transfer"
    CLOSING = "closing"


class HandoverState(StrEnum):
    """draft → approved → moving ⇄ paused → settling → done; or cancelled before it moves; or undone afterwards.

    Nothing moves before it is approved. While it is settling all has moved here, and the partner's side hasn't yet.
    """

    DRAFT = "draft"
    APPROVED = "approved"
    MOVING = "moving"
    PAUSED = "paused"
    SETTLING = "settling"
    DONE = "done"
    CANCELLED = "cancelled"
    UNDONE = "undone"


IN_FLIGHT = (HandoverState.DRAFT, HandoverState.APPROVED, HandoverState.MOVING, HandoverState.PAUSED)
"""A relationship is in at most one of these at a time."""

UNSETTLED = (*IN_FLIGHT, HandoverState.SETTLING)
"""Something may still have to be asked of the partner."""

UNDOABLE = (HandoverState.MOVING, HandoverState.PAUSED, HandoverState.SETTLING, HandoverState.DONE)


class Strategy(StrEnum):
    """How takeover guides are chosen; `docs/handover-plan.md` says by what rules."""

    BY_HAND = "by_hand"
    BALANCED = "balanced"
    AFFINITY = "affinity"
    TO_ONE = "to_one"
    TO_STORE = "to_store"


LEASE = timedelta(seconds=15)
"""How long whoever moves a handover may be silent before another takes its place."""


class Handover(SQLModel, table=True):
    """`staff_id` is the leaver, none where a store closes; `store_id` is where they work, or the store that closes.

    `options` is what the plan was asked for (as the planning commands read it), `planned_at` when it was last made:
    empty while it is being made. `plan` is what the plan says of itself in total. `undoes_id` is the handover that this
    one gives back. Whoever moves it holds the lease; `lease_token` fences off those who held it before. `warned_at` is
    when managers were warned that the partner's time is running out, as long as their to-do about it stands.
    `chats_place` is how far the partner's list of group chats was read, until `chats_listed_at`.
    """

    __tablename__ = "handover"
    __table_args__ = (
        refers("staff_id", "staff"),
        refers("store_id", "store"),
        refers("started_by_id", "staff"),
        refers("approved_by_id", "staff"),
        refers("undoes_id", "handover"),
        unique_where(
            "uq_handover_in_flight_staff",
            "brand_id",
            "staff_id",
            where="staff_id IS NOT NULL AND state IN ('draft', 'approved', 'moving', 'paused')",
        ),
        unique_where(
            "uq_handover_in_flight_store",
            "brand_id",
            "store_id",
            where="kind = 'closing' AND state IN ('draft', 'approved', 'moving', 'paused')",
        ),
        unique_where("uq_handover_undoes", "brand_id", "undoes_id", where="undoes_id IS NOT NULL"),
        index_where("ix_handover_warned", "brand_id", "id", where="warned_at IS NOT NULL"),
        Index("ix_handover_state", "brand_id", "state", "started_at"),
        Index("ix_handover_staff", "brand_id", "staff_id", "started_at"),
    )

    brand_id: UUID = Field(primary_key=True, foreign_key="brand.id")
    id: UUID = Field(primary_key=True)
    kind: HandoverKind = Field(sa_type=enum_of(HandoverKind))
    state: HandoverState = Field(default=HandoverState.DRAFT, sa_type=enum_of(HandoverState))
    staff_id: UUID | None = None
    store_id: UUID | None = None
    strategy: Strategy = Field(sa_type=enum_of(Strategy))
    options: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    plan: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    planned_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    undoes_id: UUID | None = None
    started_by_id: UUID | None = None
    started_at: datetime = Field(sa_type=UtcDateTime)
    approved_by_id: UUID | None = None
    approved_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    moved_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    undo_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    chats_listed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    chats_place: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    warned_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    lease_token: UUID | None = None
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version: int = 1

    def require(self, *states: HandoverState) -> None:
        """Refuse what can't be done in the present state: `HANDOVER_MOVED_ON`."""
        if self.state not in states:
            raise HandoverMovedOn(state=self.state.value)

    def approve(self, by_staff_id: UUID | None, at: datetime, undo_window: timedelta) -> None:
        """Let it move: the window in which it can be undone begins."""
        self.require(HandoverState.DRAFT)
        self.state = HandoverState.APPROVED
        self.approved_by_id = by_staff_id
        self.approved_at = at
        self.undo_until = at + undo_window
        self.version += 1

    def cancel(self, at: datetime) -> None:
        """Give it up before anything has moved; what gives back goes on, for nothing else would."""
        self.require(*(() if self.undoes_id else (HandoverState.DRAFT, HandoverState.APPROVED)))
        self.state = HandoverState.CANCELLED
        self.ended_at = at
        self.version += 1

    def pause(self) -> None:
        """Move nothing more until it is resumed; what has moved stays moved."""
        self.require(HandoverState.APPROVED, HandoverState.MOVING)
        self.state = HandoverState.PAUSED
        self.version += 1

    def resume(self) -> None:
        self.require(HandoverState.PAUSED)
        self.state = HandoverState.MOVING
        self.version += 1

    def is_leased(self, at: datetime) -> bool:
        """Whether somebody is at it. A lease that runs too long was written by a clock that is wrong."""
        return self.lease_until is not None and at < self.lease_until <= at + 2 * LEASE

    def lease(self, token: UUID, at: datetime) -> None:
        """Let nobody but whoever has this token move it for a while."""
        self.lease_token, self.lease_until = token, at + LEASE

    def release(self) -> None:
        """Let anybody move it on."""
        self.lease_token = self.lease_until = None

    def begin_moving(self) -> None:
        """The first chunk goes."""
        if self.state is HandoverState.MOVING:
            return
        self.require(HandoverState.APPROVED)
        self.state = HandoverState.MOVING
        self.version += 1

    def have_moved(self, at: datetime, *, is_settled: bool) -> None:
        """The last chunk has gone; without anything to settle with the partner it is done."""
        self.require(HandoverState.APPROVED, HandoverState.MOVING)
        self.state = HandoverState.DONE if is_settled else HandoverState.SETTLING
        self.moved_at = at
        self.ended_at = at if is_settled else None
        self.version += 1

    def settle(self, at: datetime) -> None:
        """The partner has answered for everything."""
        self.require(HandoverState.SETTLING)
        self.state = HandoverState.DONE
        self.ended_at = at
        self.version += 1

    def undo(self, at: datetime) -> None:
        """Be given back by another handover. Refused before it moves; once the window is over: `UNDO_WINDOW_OVER`.

        One that is paused can be given back as long as it is: it has no other end, and nobody was asked at the partner.
        """
        self.require(*UNDOABLE)
        is_over = self.undo_until is not None and at > self.undo_until and self.state is not HandoverState.PAUSED
        if self.undo_until is None or is_over:
            raise UndoWindowOver
        self.state = HandoverState.UNDONE
        self.ended_at = at
        self.version += 1


class HandoverAccount(SQLModel, table=True):
    """An account whose relationships a handover moves, and its store: whoever sees one of them sees the handover."""

    __tablename__ = "handover_account"
    __table_args__ = (
        refers("handover_id", "handover"),
        refers("account_id", "account"),
        refers("store_id", "store"),
        Index("ix_handover_account_store", "brand_id", "store_id"),
        Index("ix_handover_account_account", "brand_id", "account_id"),
    )

    brand_id: UUID = Field(primary_key=True)
    handover_id: UUID = Field(primary_key=True)
    account_id: UUID = Field(primary_key=True)
    store_id: UUID
