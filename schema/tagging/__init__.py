"""The tag library, the tags of customers, rules, audits and segments, in GraphQL."""

import strawberry

from schema.tagging.audits import AuditMutations, AuditQueries
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
from schema.tagging.rules import RuleMutations, RuleQueries, TagRule
from schema.tagging.segments import SegmentMutations, SegmentQueries
from schema.tagging.suggestions import SuggestionMutations, SuggestionQueries, TagSuggestion
from tagging.models.statistics import Standing


@strawberry.type
class TaggingQueries(LibraryQueries, RuleQueries, SuggestionQueries, SegmentQueries, AuditQueries):
    """All that can be asked about tags."""


@strawberry.type
class TaggingMutations(
    GroupMutations,
    TagMutations,
    CarryingMutations,
    RuleMutations,
    SuggestionMutations,
    SegmentMutations,
    AuditMutations,
):
    """All that can be changed about tags."""


__all__ = [
    "CarriedTag",
    "CustomersTagged",
    "Standing",
    "Tag",
    "TagChange",
    "TagGroup",
    "TagRule",
    "TagSuggestion",
    "TaggingMutations",
    "TaggingQueries",
    "group_of",
    "tag_of",
]
