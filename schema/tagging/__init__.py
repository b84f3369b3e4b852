"""The tag library, the tags of customers, rules, audits and segments, in GraphQL."""

import strawberry

from schema.tagging.audits import AuditMutations, AuditQueries
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


@strawberry.type
class TaggingQueries(LibraryQueries, AuditQueries):
    """All that can be asked about tags."""


@strawberry.type
class TaggingMutations(LibraryMutations, AuditMutations):
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
