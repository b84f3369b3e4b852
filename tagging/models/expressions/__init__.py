"""Expressions over facts about customers: read, checked, kept as data, and written down again."""

from tagging.models.expressions.checking import checked, pattern, references, resolved
from tagging.models.expressions.parsing import parse, refuse
from tagging.models.expressions.tree import (
    All,
    Compare,
    Node,
    Not,
    Op,
    Place,
    Some,
    Value,
    comparisons,
    from_json,
    holds,
    replaced,
    to_json,
)
from tagging.models.expressions.words import EQUALITY, ORDER, Argument, Kind, Vocabulary, Word, vocabulary
from tagging.models.expressions.writing import written

__all__ = [
    "EQUALITY",
    "ORDER",
    "All",
    "Argument",
    "Compare",
    "Kind",
    "Node",
    "Not",
    "Op",
    "Place",
    "Some",
    "Value",
    "Vocabulary",
    "Word",
    "checked",
    "comparisons",
    "from_json",
    "holds",
    "parse",
    "pattern",
    "references",
    "refuse",
    "replaced",
    "resolved",
    "to_json",
    "vocabulary",
    "written",
]
