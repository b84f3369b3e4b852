"""What things have in common that people change: an id, and a version that grows."""

from typing import Any, TypeVar

import strawberry
from graphql import GraphQLAbstractType, GraphQLResolveInfo
from strawberry.types.base import get_object_definition

Thing = TypeVar("Thing")


@strawberry.interface(description="A thing that can change: of two copies the one with the higher version is newer.")
class Versioned:
    id: strawberry.ID
    version: int = strawberry.field(
        description="Grows with each change; send it as `expectedVersion` where a mutation takes one."
    )

    @staticmethod
    def is_type_of(_source: Any, _info: GraphQLResolveInfo[Any]) -> bool:
        """A Core row is what the field says: by default an instance would be asked for, and each row copied."""
        return True

    @staticmethod
    def resolve_type(source: Any, _info: GraphQLResolveInfo[Any], _abstract: GraphQLAbstractType) -> str:
        """Where a field names the interface only, its source is a `node`: a bare row is an error there."""
        return get_object_definition(source, strict=True).name


def node(kind: type[Thing], row: Any) -> Thing:
    """The row as an instance of its type, which is how interfaces and unions tell one from another."""
    made: Any = object.__new__(kind)
    made.__dict__.update(row._mapping)
    return made  # type: ignore[no-any-return]
