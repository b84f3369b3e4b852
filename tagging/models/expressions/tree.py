"""An expression as a tree: comparisons, and what joins them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Value = int | str | bool


class Op(StrEnum):
    """How a fact is compared. `~` is: the regular expression is found in it."""

    IS = "="
    IS_NOT = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    IN = "in"
    NOT_IN = "not in"
    MATCHES = "~"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in the text, counted from 1."""

    line: int
    column: int


NOWHERE = Place(1, 1)


@dataclass(frozen=True, slots=True)
class Compare:
    """One fact, compared with one value or, with `in`, with several.

    `arguments` say which of the fact is meant, as in `spend(days: 365)`. Once it is checked, values are in the
    units of the word's kind, and names are ids.
    """

    word: str
    op: Op
    values: tuple[Value, ...]
    arguments: tuple[tuple[str, Value], ...] = ()
    place: Place = field(default=NOWHERE, compare=False)

    def argument(self, name: str) -> Value | None:
        """What was given under that name, if anything was."""
        return dict(self.arguments).get(name)


@dataclass(frozen=True, slots=True)
class All:
    """Each of two or more holds."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one of two or more holds."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """It doesn't hold."""

    part: "Node"


Node = Compare | All | Some | Not


def comparisons(node: Node) -> Iterator[Compare]:
    """Every comparison, from left to right."""
    match node:
        case Compare():
            yield node
        case Not(part):
            yield from comparisons(part)
        case All(parts) | Some(parts):
            for part in parts:
                yield from comparisons(part)


def replaced(node: Node, change: Callable[[Compare], Compare]) -> Node:
    """The same tree with each comparison changed."""
    match node:
        case Compare():
            return change(node)
        case Not(part):
            return Not(replaced(part, change))
        case All(parts):
            return All(tuple(replaced(part, change) for part in parts))
        case Some(parts):
            return Some(tuple(replaced(part, change) for part in parts))


def holds(node: Node, is_true: Callable[[Compare], bool]) -> bool:
    """Whether the expression holds, given which comparisons do."""
    match node:
        case Compare():
            return is_true(node)
        case Not(part):
            return not holds(part, is_true)
        case All(parts):
            return all(holds(part, is_true) for part in parts)
        case Some(parts):
            return any(holds(part, is_true) for part in parts)


def to_json(node: Node) -> dict[str, Any]:
    """The tree as it is kept in the database."""
    match node:
        case Compare():
            kept: dict[str, Any] = {"word": node.word, "op": node.op.value, "values": list(node.values)}
            return kept | ({"with": dict(node.arguments)} if node.arguments else {})
        case Not(part):
            return {"not": to_json(part)}
        case All(parts):
            return {"all": [to_json(part) for part in parts]}
        case Some(parts):
            return {"some": [to_json(part) for part in parts]}


def from_json(kept: Mapping[str, Any]) -> Node:
    """The tree that `to_json` wrote down."""
    match kept:
        case {"not": part}:
            return Not(from_json(part))
        case {"all": parts}:
            return All(tuple(map(from_json, parts)))
        case {"some": parts}:
            return Some(tuple(map(from_json, parts)))
        case {"word": word, "op": op, "values": values}:
            arguments = tuple(sorted(kept.get("with", {}).items()))
            return Compare(word, Op(op), tuple(values), arguments)
    raise ValueError("not an expression")
