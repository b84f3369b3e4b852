"""Build GraphQL documents from the schema itself, so that a new field can't be forgotten by a test."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLUnionType,
    get_named_type,
)

from kernel import clock
from schema.root import schema

GRAPH = schema._schema
DEPTH = 4


@dataclass(frozen=True)
class Leaf:
    """An id that an argument takes, by its path: `("input", "customerIds", 0)`."""

    field: str
    path: tuple[str | int, ...]

    @property
    def name(self) -> str:
        """The last word of the path: what the id is called."""
        return next(str(step) for step in reversed(self.path) if isinstance(step, str))


def roots(kind: str) -> dict[str, GraphQLField]:
    """The root fields of `query`, `mutation` or `subscription`, by name."""
    root = getattr(GRAPH, f"{kind}_type")
    assert root
    return dict(root.fields)


def leaves(name: str, field: GraphQLField) -> Iterator[Leaf]:
    """Every id that a root field takes, also inside inputs and lists."""
    for argument, definition in field.args.items():
        for path in _id_paths(definition.type):
            yield Leaf(name, (argument, *path))


def _id_paths(kind: GraphQLInputType) -> Iterator[tuple[str | int, ...]]:
    if isinstance(kind, GraphQLNonNull):
        yield from _id_paths(kind.of_type)
    elif isinstance(kind, GraphQLList):
        for path in _id_paths(kind.of_type):
            yield (0, *path)
    elif isinstance(kind, GraphQLInputObjectType):
        for name, field in kind.fields.items():
            for path in _id_paths(field.type):
                yield (name, *path)
    elif isinstance(kind, GraphQLScalarType) and kind.name == "ID":
        yield ()


def variables(field: GraphQLField, give_id: Callable[[str], str], also: Leaf | None = None) -> dict[str, Any]:
    """A value for each required argument, and for the one that leads to `also`."""
    wanted = also.path if also else ()
    return {
        name: _value(definition.type, name, give_id, wanted[1:] if wanted[:1] == (name,) else None)
        for name, definition in field.args.items()
        if wanted[:1] == (name,) or isinstance(definition.type, GraphQLNonNull)
    }


def _value(
    kind: GraphQLInputType, name: str, give_id: Callable[[str], str], wanted: tuple[str | int, ...] | None
) -> Any:
    if isinstance(kind, GraphQLNonNull):
        return _value(kind.of_type, name, give_id, wanted)
    if isinstance(kind, GraphQLList):
        return [_value(kind.of_type, name, give_id, wanted[1:] if wanted else None)]
    if isinstance(kind, GraphQLInputObjectType):
        return {
            part: _value(definition.type, part, give_id, wanted[1:] if wanted and wanted[0] == part else None)
            for part, definition in kind.fields.items()
            if (wanted and wanted[0] == part) or isinstance(definition.type, GraphQLNonNull)
        }
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    return _scalar(kind.name, name, give_id)


def _scalar(kind: str, name: str, give_id: Callable[[str], str]) -> Any:
    soon = clock.now() + timedelta(days=1)
    match kind:
        case "ID":
            return give_id(name)
        case "Int" | "Fen":
            return 1
        case "Boolean":
            return True
        case "DateTime":
            return soon.isoformat()
        case "Date":
            return soon.date().isoformat()
        case "Time":
            return "10:00:00"
        case "String":
            readable = {"timeZone": "Asia/Shanghai", "password": "a-long-password", "condition": "orders > 1"}
            return readable.get(name, "x1")
        case other:
            raise AssertionError(f"no value is known for the scalar {other} of {name}: teach this test")


def document(kind: str, name: str, field: GraphQLField, given: dict[str, Any], depth: int = DEPTH) -> str:
    """The operation that asks one root field for everything that can be had without further arguments."""
    declared = ", ".join(f"${argument}: {field.args[argument].type}" for argument in given)
    passed = ", ".join(f"{argument}: ${argument}" for argument in given)
    head = f"{kind} ({declared})" if given else kind
    return f"{head} {{ {name}{f'({passed})' if given else ''} {selection(field.type, depth)} }}"


def selection(kind: GraphQLOutputType, depth: int = DEPTH) -> str:
    """All leaves, and all objects down to a depth."""
    named = get_named_type(kind)
    if isinstance(named, GraphQLUnionType):
        parts = " ".join(f"... on {member.name} {selection(member, depth)}" for member in named.types)
        return f"{{ __typename {parts} }}"
    if not isinstance(named, GraphQLObjectType | GraphQLInterfaceType):
        return ""
    parts = " ".join(_part(name, field, depth) for name, field in named.fields.items())
    return f"{{ __typename {parts} }}"


def _part(name: str, field: GraphQLField, depth: int) -> str:
    if any(isinstance(argument.type, GraphQLNonNull) for argument in field.args.values() if not argument.default_value):
        return ""
    if isinstance(get_named_type(field.type), GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType):
        return f"{name} {selection(field.type, depth - 1)}" if depth > 1 else ""
    return name
