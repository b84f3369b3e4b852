"""What happens around figures."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class NoticeSent:
    """Somebody was told of figures."""

    notice_id: UUID
    staff_id: UUID


@dataclass(frozen=True, slots=True)
class NoticesSeen:
    """Somebody has looked at what they were told."""

    staff_id: UUID


NoticeEvent = NoticeSent | NoticesSeen
