"""What a handover asks of the partner (WeCom, 企业微信), in our words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

Thing = TypeVar("Thing")

MOST_AT_ONCE = 100
"""Customers in one request, and group chats."""


class Course(StrEnum):
    """Two ways that the partner keeps apart: of somebody who has left there, and of somebody who still works there."""

    RESIGNED = "resigned"
    ON_JOB = "on_job"


class Told(StrEnum):
    """What the partner says of one customer or chat of a request. Only this counts, never that the request went well.

    `started` is not the end: the customer has 24 hours to decline. `try_later` is a limit of the partner's that passes.
    """

    STARTED = "started"
    TAKEOVER_FULL = "takeover_full"
    TAKEOVER_UNFIT = "takeover_unfit"
    UNDER_WAY = "under_way"
    TOO_OFTEN = "too_often"
    NO_LINK = "no_link"
    SAME_PERSON = "same_person"
    UNKNOWN_CUSTOMER = "unknown_customer"
    NOT_DEPARTED = "not_departed"
    TRY_LATER = "try_later"
    OTHER = "other"


class Found(StrEnum):
    """How a transfer stands at the partner."""

    ACCEPTED = "accepted"
    WAITING = "waiting"
    REFUSED = "refused"
    TAKEOVER_FULL = "takeover_full"
    NO_RECORD = "no_record"


@dataclass(frozen=True, slots=True)
class Answer:
    """`code` is the partner's own number, 0 for none."""

    told: Told
    code: int = 0


@dataclass(frozen=True, slots=True)
class Unassigned:
    """A link of somebody who has left at the partner, which nobody took over yet."""

    handover_user_id: str
    external_user_id: str
    left_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """`takes_over_at` is when a waiting transfer will go through by itself."""

    external_user_id: str
    found: Found
    takes_over_at: datetime | None


@dataclass(frozen=True, slots=True)
class Chat:
    """A group chat and, if the partner says so, how far its own transfer has come."""

    chat_id: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Part(Generic[Thing]):
    """One page, and where the next begins; `None` is the end."""

    things: Sequence[Thing]
    next_cursor: str | None


class PartnerAway(Exception):
    """The partner can't be asked now: unreachable, busy, over a rate limit. Nothing is known of what was asked.

    `retry_after` in seconds, if the partner's rules say so.
    """

    def __init__(self, what: str, retry_after: float | None = None) -> None:
        self.what = what
        self.retry_after = retry_after
        super().__init__(what)


class PartnerRefused(Exception):
    """The partner answers for the whole request: no permission, a bad secret. `code` is its number."""

    def __init__(self, code: int, what: str) -> None:
        self.code = code
        self.what = what
        super().__init__(f"{code}: {what}")


class Partner(Protocol):
    """Each call has a time-out of its own; raises `PartnerAway` and `PartnerRefused`, nothing else."""

    async def unassigned(self, cursor: str | None) -> Part[Unassigned]: ...

    async def transfer(
        self, course: Course, from_user_id: str, to_user_id: str, external_user_ids: Sequence[str], words: str | None
    ) -> Mapping[str, Answer]:
        """At most `MOST_AT_ONCE`. `words` (at most 200 characters) are shown to customers, on the job only."""
        ...

    async def standings(
        self, course: Course, from_user_id: str, to_user_id: str, cursor: str | None
    ) -> Part[Standing]: ...

    async def linked(self, user_id: str) -> Sequence[str]:
        """The external user ids of everybody whom a member has as a contact."""
        ...

    async def chats(self, owner_user_ids: Sequence[str], cursor: str | None) -> Part[tuple[str, Chat]]:
        """The group chats of at most 100 owners, each with its owner's user id."""
        ...

    async def transfer_chats(
        self, course: Course, chat_ids: Sequence[str], to_user_id: str
    ) -> Mapping[str, Answer]: ...
