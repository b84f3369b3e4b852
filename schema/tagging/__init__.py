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
from schema.tagging.rules import RuleMutations, RuleQueries, TagRule
from schema.tagging.suggestions import SuggestionMutations, SuggestionQueries, TagSuggestion


@strawberry.type
class TaggingQueries(LibraryQueries, RuleQueries, SuggestionQueries):
    """All that can be asked about tags."""


@strawberry.type
class TaggingMutations(LibraryMutations, RuleMutations, SuggestionMutations):
    """All that can be changed about tags."""


__all__ = [
    "CarriedTag",
    "CustomersTagged",
    "Tag",
    "TagGroup",
    "TagRule",
    "TagSuggestion",
    "TaggingMutations",
    "TaggingQueries",
    "group_of",
    "tag_of",
]
