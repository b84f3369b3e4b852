"""What happens to the tag library, and to the tags of customers."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class CustomerTagsChanged:
    """`version` is the customer's."""

    customer_id: UUID
    version: int


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


QuestionEvent = TagQuestionAsked | TagQuestionClosed
