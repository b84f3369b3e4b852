"""What happens around handovers."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class AlertRaised:
    """Somebody did more of something than the work asks for."""

    alert_id: UUID
    staff_id: UUID


@dataclass(frozen=True, slots=True)
class AlertLookedInto:
    """A manager has looked into it."""

    alert_id: UUID
    staff_id: UUID


@dataclass(frozen=True, slots=True)
class PartnerMemberLeft:
    """Somebody isn't a member at the partner any more, whatever is known of them here."""

    staff_id: UUID


@dataclass(frozen=True, slots=True)
class ContactDeleted:
    """An account's owner deleted a contact by their own hand."""

    account_id: UUID
    relationship_id: UUID


@dataclass(frozen=True, slots=True)
class ReportExported:
    """Somebody took the report of a handover away as a file."""

    actor_id: UUID


AlertEvent = AlertRaised | AlertLookedInto
