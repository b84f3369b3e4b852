"""How operations are carried out: documents parsed and validated once, errors left to the edge."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import strawberry
from graphql import GraphQLError, OperationDefinitionNode
from graphql.validation import NoSchemaIntrospectionCustomRule
from strawberry.extensions import ParserCache, SchemaExtension, ValidationCache
from strawberry.schema.exceptions import CannotGetOperationTypeError
from strawberry.types import ExecutionContext

LONGEST_REMEMBERED = 8_000  # characters: a parsed document takes some hundred times its text
MOST_TOKENS = 2_000
_REMEMBERED = 500


class Schema(strawberry.Schema):
    """A schema that logs nothing by itself: the edge knows which errors are refusals and which are bugs."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        return


class Documents(ParserCache):
    """Remembers parsed documents, but not long ones, which would fill the memory."""

    def __init__(self) -> None:
        super().__init__(maxsize=_REMEMBERED)

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        context.parse_options["max_tokens"] = MOST_TOKENS
        if context.query and _is_short(context):
            # What can't be parsed is left to be parsed again, where its error is expected.
            with suppress(GraphQLError):
                context.graphql_document = self.cached_parse_document(context.query, **context.parse_options)
        yield


class Validations(ValidationCache):
    """Remembers which documents are valid. Introspection is refused where the context says so."""

    def __init__(self) -> None:
        super().__init__(maxsize=_REMEMBERED)

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        if not getattr(context.context, "may_introspect", True):
            context.validation_rules += (NoSchemaIntrospectionCustomRule,)
        if _is_ambiguous(context):
            # Otherwise the first would be taken, whichever the client meant.
            context.pre_execution_errors = [
                GraphQLError(
                    "Must provide operation name if query contains multiple operations.",
                    original_error=CannotGetOperationTypeError(None),
                )
            ]
            yield
        elif _is_short(context):
            yield from super().on_validate()
        else:
            yield


def _is_ambiguous(context: ExecutionContext) -> bool:
    if context._provided_operation_name is not None or context.graphql_document is None:
        return False
    definitions = context.graphql_document.definitions
    return sum(isinstance(definition, OperationDefinitionNode) for definition in definitions) > 1


def _is_short(context: ExecutionContext) -> bool:
    return len(context.query or "") <= LONGEST_REMEMBERED


EXTENSIONS: list[type[SchemaExtension] | Any] = [Documents, Validations]
