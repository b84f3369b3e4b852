"""Tables and rules of the tagging domain, without I/O."""

from tagging.models.audits import OPEN_FOR, AuditItem, AuditMethod, AuditScope, AuditState, TagAudit, Verdict
from tagging.models.carried import (
    CERTAIN,
    CustomerTag,
    SetBy,
    SuggestionState,
    TagChange,
    TagChangeKind,
    TagSuggestion,
)
from tagging.models.library import MOST_SYNONYMS, Choice, Tag, TagGroup
from tagging.models.rules import CustomerMark, MarkPurpose, Night, RuleMode, RuleState, TagRule
from tagging.models.segments import (
    Segment,
    SegmentBits,
    SegmentIndex,
    SegmentMember,
    SegmentNight,
    SegmentUse,
    SegmentVersion,
    Sharing,
)

__all__ = [
    "CERTAIN",
    "MOST_SYNONYMS",
    "OPEN_FOR",
    "AuditItem",
    "AuditMethod",
    "AuditScope",
    "AuditState",
    "Choice",
    "CustomerMark",
    "CustomerTag",
    "MarkPurpose",
    "Night",
    "RuleMode",
    "RuleState",
    "Segment",
    "SegmentBits",
    "SegmentIndex",
    "SegmentMember",
    "SegmentNight",
    "SegmentUse",
    "SegmentVersion",
    "SetBy",
    "Sharing",
    "SuggestionState",
    "Tag",
    "TagAudit",
    "TagChange",
    "TagChangeKind",
    "TagGroup",
    "TagRule",
    "TagSuggestion",
    "Verdict",
]
