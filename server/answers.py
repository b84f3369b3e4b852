"""Say what went wrong: refusals in the reader's language and with a code, bugs masked and logged."""

import logging
from typing import Any

from graphql import GraphQLError, GraphQLSyntaxError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from kernel.db import is_away
from kernel.errors import Refusal, Unavailable
from schema.context import Context
from schema.sharing import Data

PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
UNRESOLVED = "OPERATION_RESOLUTION_FAILURE"
BAD_INPUT = "BAD_USER_INPUT"
INTERNAL = "INTERNAL"

_SORRY = {
    "en": "Something went wrong on our side. If it happens again, tell us the request id {request_id}.",
    "zh": "系统出错了。如再次出现，请告知请求编号 {request_id}。",
}

log = logging.getLogger(__name__)

Payload = dict[str, Any]


def payload(result: ExecutionResult, context: Context) -> Payload:
    """The result as it goes over the wire; without `data` if the operation was not carried out at all."""
    errors = errors_of(result, context)
    if is_request_error(result):
        return {"errors": errors}
    shared = result.data.shared if isinstance(result.data, Data) else None
    data = result.data if shared is None else shared.json
    return {"data": data, "errors": errors} if errors else {"data": data}


def is_request_error(result: ExecutionResult) -> bool:
    """Whether the operation was turned down before any of its fields was looked at."""
    if isinstance(result, PreExecutionError):
        return True
    return result.data is None and any(error.path is None for error in result.errors or ())


def errors_of(result: ExecutionResult, context: Context) -> list[Payload]:
    """The errors of a result, as a client may see them."""
    otherwise = VALIDATION_FAILED if isinstance(result, PreExecutionError) else BAD_INPUT
    return [_shown(error, otherwise, context) for error in result.errors or ()]


def refused(refusal: Refusal, language: str) -> Payload:
    """A refusal as an error."""
    extensions: Payload = {"code": refusal.code}
    if (retry_after := getattr(refusal, "retry_after", None)) is not None:
        extensions["retryAfter"] = retry_after
    return {"message": refusal.say(language), "extensions": extensions}


def refusal_in(error: BaseException) -> Refusal | None:
    """What an exception says to the client, if it is no bug: a refusal, or a database that is away."""
    if isinstance(error, Refusal):
        return error
    if is_away(error):
        log.warning("database_away", extra={"error": type(error).__name__})
        return Unavailable()
    return None


def masked(error: BaseException, language: str, request_id: str) -> Payload:
    """A bug: loud to us, and to the client only a number to ask about."""
    log.error("operation_failed", exc_info=error, extra={"request_id": request_id})
    return {
        "message": _SORRY[language].format(request_id=request_id),
        "extensions": {"code": INTERNAL, "requestId": request_id},
    }


def _shown(error: GraphQLError, otherwise: str, context: Context) -> Payload:
    shown = _said(error, otherwise, context)
    if error.locations:
        shown["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path is not None:
        shown["path"] = list(error.path)
    return shown


def _said(error: GraphQLError, otherwise: str, context: Context) -> Payload:
    cause = _cause(error)
    code = _code_of_request(error, cause, otherwise)
    if code is not None:
        return {"message": _message(error, context), "extensions": {"code": code}}
    refusal = refusal_in(cause)
    if refusal is not None:
        return refused(refusal, context.language)
    return masked(cause, context.language, context.request_id)


def _code_of_request(error: GraphQLError, cause: BaseException, otherwise: str) -> str | None:
    """The code of an error that lies in the request itself; `None` for one that came up while resolving."""
    match cause:
        case GraphQLSyntaxError():
            return PARSE_FAILED
        case CannotGetOperationTypeError() | InvalidOperationTypeError():
            return UNRESOLVED
        case GraphQLError() if error.path is None:
            return otherwise
        case GraphQLError() if cause.nodes:
            return BAD_INPUT  # an argument that can't be read points at itself
        case _:
            return None


def _message(error: GraphQLError, context: Context) -> str:
    if context.may_introspect:
        return error.message
    return error.message.partition(" Did you mean ")[0]  # suggestions would tell the schema's names


def _cause(error: GraphQLError) -> BaseException:
    cause: BaseException = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None and cause.original_error is not cause:
        cause = cause.original_error
    return cause
