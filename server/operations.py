"""What a client asks to be carried out, whichever wire it comes over."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from server.refusals import BadRequest

LARGEST = 64 * 1024  # bytes of a request's body, or of a message on a socket
_NUL = re.compile(r"\\u(?:0000|\{0+\})")


@dataclass(frozen=True, slots=True)
class Operation:
    """A document, which of its operations, and the values of its variables."""

    query: str
    name: str | None = None
    variables: dict[str, Any] = field(default_factory=dict)


def operation(parameters: Any) -> Operation:
    """The operation that JSON describes. Raises `BAD_REQUEST` unless it is well-formed; unknown names are ignored."""
    if isinstance(parameters, list):
        raise BadRequest("Send one operation at a time: batches are not supported.")
    if not isinstance(parameters, Mapping):
        raise BadRequest("The request must be a JSON object.")
    query = parameters.get("query")
    if not isinstance(query, str):
        raise BadRequest("query: must be a string.")
    name = parameters.get("operationName")
    if not isinstance(name, str | None):
        raise BadRequest("operationName: must be a string or null.")
    for parameter in ("variables", "extensions"):
        if not isinstance(parameters.get(parameter), dict | None):
            raise BadRequest(f"{parameter}: must be an object or null.")
    variables = parameters.get("variables") or {}
    if _NUL.search(query) or "\x00" in query or _has_nul(variables):
        raise BadRequest("The character U+0000 can't be stored, so it can't be sent.")
    return Operation(query, name or None, variables)


def from_json(text: bytes | str) -> Any:
    """What a text says. Raises `BAD_REQUEST` for what is not JSON in UTF-8, or is nested too deep."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"This is not JSON: {error.msg}.") from error


def _has_nul(value: Any) -> bool:
    pending = [value]
    while pending:
        match pending.pop():
            case str() as text:
                if "\x00" in text:
                    return True
            case list() as items:
                pending.extend(items)
            case dict() as pairs:
                pending.extend(pairs)
                pending.extend(pairs.values())
    return False
