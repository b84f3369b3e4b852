"""What happens to customers and relationships."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class CustomerChanged:
    customer_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class RelationshipAdded:
    relationship_id: UUID
    account_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class RelationshipsLoaded:
    """Relationships were loaded, or put right, without a word for each.

    `moments` are stores with the instants at which relationships began there, as it was said before and is since.
    """

    moments: frozenset[tuple[UUID, datetime]]


@dataclass(frozen=True, slots=True)
class ContactsLost:
    """Customers ended contacts, or begin them again after all; accounts with the instants at which they were lost."""

    moments: frozenset[tuple[UUID, datetime]]


@dataclass(frozen=True, slots=True)
class RelationshipReassigned:
    """Two guides' phones learn of it: one forgets the customer, the other has never heard of them."""

    relationship_id: UUID
    customer_id: UUID
    from_account_id: UUID
    to_account_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class RelationshipSucceeded:
    """It ended, and goes on as `successor_id` in another store: to those who see that one all of it is new."""

    relationship_id: UUID
    customer_id: UUID
    customer_version: int
    from_account_id: UUID
    version: int
    successor_id: UUID
    to_account_id: UUID
    successor_version: int


@dataclass(frozen=True, slots=True)
class ThingsLeft:
    """What hung on a relationship that the account holds doesn't any more: each thing's kind, id and version."""

    account_id: UUID
    things: tuple[tuple[str, UUID, int], ...]


@dataclass(frozen=True, slots=True)
class RemarkChanged:
    relationship_id: UUID
    account_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class PrimaryChanged:
    relationship_id: UUID
    account_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class NoteAdded:
    note_id: UUID
    account_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class NoteEdited:
    note_id: UUID
    account_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class VisitNoted:
    visit_id: UUID
    visit_version: int
    relationship_id: UUID
    account_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class PhoneRevealed:
    """Somebody looked at a customer's phone in full; it was written down."""

    actor_id: UUID


@dataclass(frozen=True, slots=True)
class ReachLost:
    """Somebody changed a customer's phone, or noted that they want to be left alone."""

    actor_id: UUID


@dataclass(frozen=True, slots=True)
class DepartureReported:
    """The staff file or the partner says that somebody is leaving, or has left; `version` is the staff member's."""

    staff_id: UUID
    version: int


RelationshipEvent = RelationshipAdded | RemarkChanged | PrimaryChanged
RecordEvent = NoteAdded | NoteEdited | VisitNoted
