"""Group chats of customers (客户群): who owns each, and how far a handover has come with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from handover.models.settlement import MOST_TRIES, UNSURE_FOR, pause
from handover.partner import MOST_AT_ONCE, Answer, Course, Told
from kernel.db import UtcDateTime, enum_of, index_where, refers

MOST_A_DAY = 300
"""Chats that the partner lets one person hand over in a day; its days are those of Shanghai."""

PARTNER_ZONE = "Asia/Shanghai"


class GroupChat(SQLModel, table=True):
    """A chat as the partner last told of it. `owner_user_id` is its owner there, `account_id` the account here."""

    __tablename__ = "group_chat"
    __table_args__ = (
        refers("account_id", "account"),
        UniqueConstraint("brand_id", "chat_id"),
        Index("ix_group_chat_account", "brand_id", "account_id"),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    account_id: UUID
    owner_user_id: str = Field(max_length=64)
    chat_id: str = Field(max_length=64)
    name: str | None = Field(default=None, max_length=100)
    gone_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    told_at: datetime = Field(sa_type=UtcDateTime)


class ChatState(StrEnum):
    """`asking`: whether the partner was told is not known until its list says whose chat it is."""

    PENDING = "pending"
    ASKING = "asking"
    MOVED = "moved"
    REFUSED = "refused"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class ChatStep:
    """How it stands with a chat, and when it goes on; `None` once it is settled."""

    state: ChatState
    at: datetime | None = None


def chat_told(answer: Answer, tries: int, now: datetime) -> ChatStep:
    """What follows from the partner's word for this one chat."""
    match answer.told:
        case Told.STARTED | Told.SAME_PERSON:
            return ChatStep(ChatState.MOVED)
        case Told.UNDER_WAY | Told.OTHER if tries < MOST_TRIES:
            # Moved already, or by another request: the list of chats says whose it is.
            return ChatStep(ChatState.ASKING, now + pause(tries))
        case Told.NOT_DEPARTED | Told.TRY_LATER if tries < MOST_TRIES:
            return ChatStep(ChatState.PENDING, now + pause(tries))
        case Told.TOO_OFTEN if tries < MOST_TRIES:
            return ChatStep(ChatState.PENDING, next_partner_day(now))
        case _:
            return ChatStep(ChatState.REFUSED)


def partner_day(now: datetime) -> datetime:
    """When the partner's present day began."""
    zone = ZoneInfo(PARTNER_ZONE)
    return datetime.combine(now.astimezone(zone).date(), time.min, zone)


def next_partner_day(now: datetime) -> datetime:
    return partner_day(now) + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ListPlace:
    """How far the list of a leaver's chats was read: all of the members up to `after`, of the next ones to the cursor.

    `pages` were read so far.
    """

    after: str = ""
    cursor: str | None = None
    pages: int = 0

    def owners(self, user_ids: Sequence[str]) -> list[str]:
        """Whose chats are asked for here; nobody's at the end."""
        return sorted(each for each in user_ids if each > self.after)[:MOST_AT_ONCE]

    def further(self, owners: Sequence[str], next_cursor: str | None) -> "ListPlace":
        """The place behind a page of these owners' chats."""
        after = self.after if next_cursor is not None else owners[-1]
        return ListPlace(after, next_cursor, self.pages + 1)


class GroupChatMove(SQLModel, table=True):
    """What a handover does with one chat; `next_at` is when it goes on. `code` is the partner's last number, or 0."""

    __tablename__ = "group_chat_move"
    __table_args__ = (
        refers("handover_id", "handover"),
        refers("group_chat_id", "group_chat"),
        refers("to_account_id", "account"),
        index_where("ix_group_chat_move_due", "brand_id", "next_at", where="next_at IS NOT NULL"),
        Index("ix_group_chat_move_asked", "brand_id", "from_user_id", "asked_at"),
    )

    brand_id: UUID = Field(primary_key=True)
    handover_id: UUID = Field(primary_key=True)
    group_chat_id: UUID = Field(primary_key=True)
    course: Course = Field(sa_type=enum_of(Course))
    to_account_id: UUID
    from_user_id: str = Field(max_length=64)
    to_user_id: str = Field(max_length=64)
    state: ChatState = Field(default=ChatState.PENDING, sa_type=enum_of(ChatState))
    code: int = 0
    tries: int = 0
    next_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    asked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    settled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    def begin_asking(self, at: datetime) -> None:
        """Take it before the partner is asked, as an attempt is."""
        self.state = ChatState.ASKING
        self.asked_at = at
        self.tries += 1
        self.next_at = at + UNSURE_FOR

    def take(self, step: ChatStep, now: datetime) -> None:
        """Go where the rules say."""
        self.state = step.state
        self.next_at = step.at
        self.settled_at = now if step.at is None else None
