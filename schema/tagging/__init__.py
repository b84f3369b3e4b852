"""The tag library, the tags of customers, rules, audits and segments, in GraphQL."""

import strawberry

from schema.tagging.carrying import CarryingMutations, CustomersTagged
from schema.tagging.keeping import GroupMutations, TagMutations
from schema.tagging.library import (
    CarriedTag,
    LibraryQueries,
    Tag,
    TagChange,
    TagGroup,
    group_of,
    tag_of,
)


@strawberry.type
class TaggingQueries(LibraryQueries):
    """All that can be asked about tags."""


@strawberry.type
class TaggingMutations(GroupMutations, TagMutations, CarryingMutations):
    """All that can be changed about tags."""


__all__ = [
    "CarriedTag",
    "CustomersTagged",
    "Tag",
    "TagChange",
    "TagGroup",
    "TaggingMutations",
    "TaggingQueries",
    "group_of",
    "tag_of",
]
