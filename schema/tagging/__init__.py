"""The tag library, the tags of customers, rules, audits and segments, in GraphQL."""

import strawberry

from schema.tagging.library import (
    CarriedTag,
    CustomersTagged,
    LibraryMutations,
    LibraryQueries,
    Tag,
    TagGroup,
    group_of,
    tag_of,
)
from schema.tagging.segments import SegmentMutations, SegmentQueries


@strawberry.type
class TaggingQueries(LibraryQueries, SegmentQueries):
    """All that can be asked about tags."""


@strawberry.type
class TaggingMutations(LibraryMutations, SegmentMutations):
    """All that can be changed about tags."""


__all__ = [
    "CarriedTag",
    "CustomersTagged",
    "Tag",
    "TagGroup",
    "TaggingMutations",
    "TaggingQueries",
    "group_of",
    "tag_of",
]
