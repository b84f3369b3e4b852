"""What happens in the handover domain."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class PartnerMemberLeft:
    """Somebody isn't a member at the partner any more, whatever is known of them here."""

    staff_id: UUID


@dataclass(frozen=True, slots=True)
class ContactDeleted:
    """An account's owner deleted a contact by their own hand."""

    account_id: UUID
    relationship_id: UUID
