"""What the partner tells by itself, in our words."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class NewsKind(StrEnum):
    """`linked`: a customer and a member are contacts now; `half_linked`: the customer still has to agree.

    `transfer_failed` names the takeover member and the customer, and neither whose contact it was nor which attempt.
    `member_left`: somebody isn't a member there any more.
    """

    LINKED = "linked"
    HALF_LINKED = "half_linked"
    UNLINKED_BY_STAFF = "unlinked_by_staff"
    UNLINKED_BY_CUSTOMER = "unlinked_by_customer"
    TRANSFER_FAILED = "transfer_failed"
    CHAT_CHANGED = "chat_changed"
    MEMBER_LEFT = "member_left"


class NewsReason(StrEnum):
    """Why a transfer failed: the customer said no, or the takeover member has no room; or what a chat went through."""

    REFUSED = "refused"
    TAKEOVER_FULL = "takeover_full"
    DISMISSED = "dismissed"
    OWNER_CHANGED = "owner_changed"


@dataclass(frozen=True, slots=True)
class News:
    """`at` is when it happened by the partner's clock, to the second; `key` is the same for each telling of it.

    `is_transfer` says of `unlinked_by_staff` that the contact went to another member, and nobody deleted anything.
    """

    kind: NewsKind
    at: datetime
    key: str
    user_id: str | None = None
    external_user_id: str | None = None
    chat_id: str | None = None
    reason: NewsReason | None = None
    is_transfer: bool = False
