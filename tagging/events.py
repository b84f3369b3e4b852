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
class TagGroupChanged:
    group_id: UUID
    version: int


TaggingEvent = CustomerTagsChanged | TagChanged | TagGroupChanged
