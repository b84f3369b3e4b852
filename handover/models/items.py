"""What a handover does with each relationship: here, at once; and there, at the partner, in time."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from kernel.db import Json, UtcDateTime, enum_of, refers


class ItemReason(StrEnum):
    """Why a relationship goes where it goes.

    `overflow`: nobody who could take it had room. `edited`: a person said so in the plan. `fallback`: the guide of the
    plan couldn't take it any more when its turn came, or was full at the partner. `given_back`: a handover is undone.
    """

    BY_HAND = "by_hand"
    BALANCED = "balanced"
    AFFINITY = "affinity"
    TO_ONE = "to_one"
    TO_STORE = "to_store"
    OVERFLOW = "overflow"
    EDITED = "edited"
    FALLBACK = "fallback"
    GIVEN_BACK = "given_back"


class HeldHere(StrEnum):
    """Ours, immediate. `elsewhere`: it was not the leaver's any more when its turn came.

    `kept`: it was to be given back, and the customer or a guide has acted since; `undone`: it was given back.
    """

    PENDING = "pending"
    MOVED = "moved"
    ELSEWHERE = "elsewhere"
    KEPT = "kept"
    UNDONE = "undone"


HAS_GONE = (HeldHere.MOVED, HeldHere.UNDONE)
"""What has gone to somebody else, or back: of these the partner's side is to follow."""


class LinkedThere(StrEnum):
    """The partner's, eventual. `ineligible` has no link there that could move; `lost` had one that broke on the way."""

    NOT_LINKED = "not_linked"
    ALREADY_LINKED = "already_linked"
    REQUESTED = "requested"
    WAITING = "waiting"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    SUCCESSOR_FULL = "successor_full"
    INELIGIBLE = "ineligible"
    LOST = "lost"


class HandoverItem(SQLModel, table=True):
    """One relationship of a handover. `to_account_id` is empty until a plan is made.

    `because` is what spoke for the takeover account, as the plan explains itself, `score` how much, in thousandths.
    `version_after` is the relationship's version once it had moved: another one since says that somebody acted.
    `why` is a code that says why it is elsewhere or was kept. Where a store closes, `successor_id` is the relationship
    that it goes on in; `is_merged` if that was there before. Relationships are named without being referred to: a row
    that is gone is found missing. `attempt_id` is the last attempt at the partner.
    """

    __tablename__ = "handover_item"
    __table_args__ = (
        refers("handover_id", "handover"),
        refers("from_account_id", "account"),
        refers("to_account_id", "account"),
        Index("ix_handover_item_here", "brand_id", "handover_id", "here", "relationship_id"),
        Index("ix_handover_item_there", "brand_id", "handover_id", "there", "relationship_id"),
        Index("ix_handover_item_to", "brand_id", "handover_id", "to_account_id", "relationship_id"),
        Index("ix_handover_item_relationship", "brand_id", "relationship_id", "handover_id"),
    )

    brand_id: UUID = Field(primary_key=True)
    handover_id: UUID = Field(primary_key=True)
    relationship_id: UUID = Field(primary_key=True)
    from_account_id: UUID
    to_account_id: UUID | None = None
    reason: ItemReason | None = Field(default=None, sa_type=enum_of(ItemReason))
    because: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    score: int = 0
    here: HeldHere = Field(default=HeldHere.PENDING, sa_type=enum_of(HeldHere))
    there: LinkedThere = Field(default=LinkedThere.NOT_LINKED, sa_type=enum_of(LinkedThere))
    attempt_id: UUID | None = None
    moved_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version_after: int | None = None
    why: str | None = Field(default=None, max_length=40)
    successor_id: UUID | None = None
    is_merged: bool = False
