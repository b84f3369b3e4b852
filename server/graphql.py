"""GraphQL over HTTP, as the specification of that name lays it down.

A client authenticates with a header that no browser sends by itself, and POST takes JSON only, so a foreign
page can act for nobody. GET carries queries only. Where the specification and its public audit suite differ
on which 4xx fits, the suite is followed: 400.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson
from graphql import GraphQLError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from kernel.errors import NotSignedIn
from schema.context import Context
from schema.root import schema
from server import answers, bodies, negotiation
from server.answers import Payload
from server.edge import OPERATION_SECONDS, Edge, address_of
from server.operations import LARGEST, Operation, from_json, operation
from server.refusals import (
    CHALLENGE,
    AddressTooLong,
    BadRequest,
    BadToken,
    NotAcceptable,
    TookTooLong,
    TooLarge,
    TooSlow,
    WrongMediaType,
    WrongMethod,
)

BODY_SECONDS = 10.0
PARTIAL = 294  # the specification's own status for data together with errors
_LONGEST_QUERY_STRING = 16 * 1024
_READING = (OperationType.QUERY,)
_WRITING = (OperationType.QUERY, OperationType.MUTATION)
_STATUS = {answers.INTERNAL: 500, "UNAVAILABLE": 503}
_HEADERS = {"Cache-Control": "no-store", "Vary": "Accept, Accept-Language, Authorization"}


@dataclass(frozen=True, slots=True)
class _TurnedDown:
    """An answer to a request whose operation was not carried out."""

    status: int
    error: Payload
    headers: Mapping[str, str] = field(default_factory=dict)


async def answer(edge: Edge, request: Request) -> Response:
    """Carry out one operation and answer in the media type that the client likes best.

    Nothing that a client sends makes an exception get out of here.
    """
    language = negotiation.language(request.headers.get("accept-language"))
    media_type = negotiation.media_type(request.headers.get("accept"))
    request_id: str = request.state.request_id
    context = edge.context(None, language=language, address=address_of(request), request_id=request_id)
    headers: Mapping[str, str] = {}
    try:
        if media_type is None:
            raise NotAcceptable(f"Accept {negotiation.RESPONSE} or {negotiation.JSON}.")
        wanted = await _operation(request)
        caller = await edge.caller(request.headers.get("authorization"))
        context.signed_in = caller.actor if caller is not None else None
        said = answers.payload(await _execute(wanted, context, request.method), context)
        body, status = orjson.dumps(said), _status(said, media_type)
    except ClientDisconnect:
        return Response(status_code=400)  # nobody is there to read it
    except Exception as error:
        down = _turned_down(error, context)
        said, status, headers = {"errors": [down.error]}, down.status, down.headers
        body = orjson.dumps(said)
    edge.metrics.count_errors(said)
    return Response(
        body,
        status,
        headers={**_HEADERS, **headers},
        media_type=f"{media_type or negotiation.JSON}; charset=utf-8",
    )


async def _operation(request: Request) -> Operation:
    if request.method != "POST":
        return operation(_from_address(request.url.query))
    if not negotiation.is_json(request.headers.get("content-type")):
        raise WrongMediaType(f"Content-Type must be {negotiation.JSON}, in UTF-8.")
    body = await bodies.read(request, LARGEST, seconds=BODY_SECONDS, give_up_at=bodies.PATIENCE)
    return operation(from_json(body))


def _from_address(query_string: str) -> dict[str, Any]:
    if len(query_string) > _LONGEST_QUERY_STRING:
        raise AddressTooLong("The address is too long: send the operation by POST.")
    try:
        pairs = parse_qsl(query_string, keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError as error:
        raise BadRequest("The address holds what is not UTF-8, or too many parameters.") from error
    given: dict[str, Any] = dict(pairs)
    for name in ("variables", "extensions"):
        if given.get(name):
            given[name] = from_json(given[name])
        else:
            given.pop(name, None)
    return given


async def _execute(wanted: Operation, context: Context, method: str) -> ExecutionResult:
    try:
        async with asyncio.timeout(OPERATION_SECONDS):
            return await schema.execute(
                wanted.query or " ",  # an empty document is a document with a syntax error
                variable_values=wanted.variables,
                context_value=context,
                operation_name=wanted.name,
                allowed_operation_types=_WRITING if method == "POST" else _READING,
            )
    except TimeoutError as error:
        raise TookTooLong from error
    except CannotGetOperationTypeError as error:
        reason = GraphQLError(error.as_http_error_reason(), original_error=error)
        return PreExecutionError(data=None, errors=[reason])
    except InvalidOperationTypeError as error:
        if error.operation_type is OperationType.MUTATION:
            raise WrongMethod("Mutations must be sent by POST.") from error
        raise BadRequest("Subscriptions go over a WebSocket at this address.") from error


def _status(said: Payload, media_type: str) -> int:
    if media_type == negotiation.JSON:
        return 200
    if "data" in said:
        return PARTIAL if "errors" in said else 200
    return _STATUS.get(said["errors"][0]["extensions"]["code"], 400)


def _turned_down(error: Exception, context: Context) -> _TurnedDown:
    refusal = answers.refusal_in(error)
    if refusal is None:
        return _TurnedDown(500, answers.masked(error, context.language, context.request_id))
    shown = answers.refused(refusal, context.language)
    match refusal:
        case WrongMethod():
            return _TurnedDown(refusal.status, shown, {"Allow": "POST"})
        case TooLarge() | TooSlow():
            return _TurnedDown(refusal.status, shown, {"Connection": "close"})  # the rest isn't waited for
        case BadRequest():
            return _TurnedDown(refusal.status, shown)
        case NotSignedIn() | BadToken():
            return _TurnedDown(401, shown, {"WWW-Authenticate": CHALLENGE})
        case _:
            return _TurnedDown(503, shown, {"Retry-After": "1"})
