"""What is said on a socket, message by message, as the protocol graphql-transport-ws lays it down."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.websockets import WebSocketDisconnect

from server.operations import from_json
from server.refusals import BadRequest

LONGEST_NAME = 128
_LONGEST_REASON = 40  # characters: a close frame holds 123 bytes
_SHAPE = {"operationName": str, "variables": dict, "extensions": dict}

Payload = Mapping[str, Any]


class Close(Exception):
    """The socket is to be closed, with a code of the protocol and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason[:_LONGEST_REASON]


@dataclass(frozen=True, slots=True)
class Init:
    """The client shows who it is."""

    payload: Payload


@dataclass(frozen=True, slots=True)
class Ping:
    """The client wants to hear something back."""

    payload: Payload


@dataclass(frozen=True, slots=True)
class Pong:
    """The client answers, or says unasked that it is still there."""


@dataclass(frozen=True, slots=True)
class Subscribe:
    """The client wants an operation carried out, and names it."""

    name: str
    payload: Payload


@dataclass(frozen=True, slots=True)
class Complete:
    """The client wants to hear no more of an operation."""

    name: str


def read(message: Mapping[str, Any]) -> Init | Ping | Pong | Subscribe | Complete:
    """What a client says. Raises `Close` for what the protocol doesn't know, `WebSocketDisconnect` when it is gone."""
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    text = message.get("text")
    if text is None:
        raise Close(4400, "Messages must be text")
    try:
        said = from_json(text)
    except BadRequest as error:
        raise Close(4400, "Messages must be JSON") from error
    match said:
        case {"type": "connection_init"}:
            return Init(_payload(said))
        case {"type": "ping"}:
            return Ping(_payload(said))
        case {"type": "pong"}:
            _payload(said)
            return Pong()
        case {"type": "subscribe", "id": str(name), "payload": {"query": str()} as payload}:
            if 0 < len(name) <= LONGEST_NAME and _is_shaped(payload):
                return Subscribe(name, payload)
        case {"type": "complete", "id": str(name)}:
            return Complete(name)
    raise Close(4400, "Invalid message")


def pong(payload: Payload) -> Payload:
    return {"type": "pong", "payload": payload} if payload else {"type": "pong"}


def result(name: str, payload: Payload) -> Payload:
    return {"id": name, "type": "next", "payload": payload}


def error(name: str, errors: list[dict[str, Any]]) -> Payload:
    """The last message of an operation that was turned down."""
    return {"id": name, "type": "error", "payload": errors}


def complete(name: str) -> Payload:
    """The last message of an operation that was carried out."""
    return {"id": name, "type": "complete"}


def _payload(said: Mapping[str, Any]) -> Payload:
    payload = said.get("payload")
    if not isinstance(payload, dict | None):
        raise Close(4400, "A payload must be an object")
    return payload or {}


def _is_shaped(payload: Payload) -> bool:
    return all(isinstance(payload.get(name), kind | None) for name, kind in _SHAPE.items())
