"""What happens to the tag library, and to the tags of customers."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class CustomerTagsChanged:
    """`version` is the customer's."""

    customer_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class TagsTakenOff:
    """Somebody took tags off customers by hand."""

    actor_id: UUID


@dataclass(frozen=True, slots=True)
class MembersExported:
    """Somebody took the members of a segment away as a file."""

    actor_id: UUID


@dataclass(frozen=True, slots=True)
class AuditDrawn:
    """Tags were drawn at random, and compared at once where that takes no one's opinion."""

    audit_id: UUID


@dataclass(frozen=True, slots=True)
class TagCheckSettled:
    """What the holder was asked about a stale tag at `asked_at` is settled: it was checked, or isn't there to be."""

    customer_id: UUID
    tag_id: UUID
    asked_at: datetime
    is_checked: bool


@dataclass(frozen=True, slots=True)
class TagChanged:
    """`owner_id` is the staff member whose personal tag it is; none for the brand's."""

    tag_id: UUID
    owner_id: UUID | None
    version: int


@dataclass(frozen=True, slots=True)
class TagsWentStale:
    """These accounts hold customers with tags past their shelf life that nobody was asked to check yet."""

    account_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class TagRetired:
    """Nobody is asked about it any more; it was merged into another, perhaps."""

    tag_id: UUID


@dataclass(frozen=True, slots=True)
class TagGroupChanged:
    group_id: UUID
    version: int


TaggingEvent = CustomerTagsChanged | TagChanged | TagGroupChanged


@dataclass(frozen=True, slots=True)
class TagQuestionAsked:
    """Somebody is asked blind about a customer; `store_id` is where."""

    question_id: UUID
    staff_id: UUID
    store_id: UUID


@dataclass(frozen=True, slots=True)
class TagQuestionClosed:
    """The question is no longer theirs: they answered it, or it was taken back."""

    question_id: UUID
    staff_id: UUID
    is_answered: bool
