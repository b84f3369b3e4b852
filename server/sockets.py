"""GraphQL over WebSocket: the sub-protocol graphql-transport-ws, and no other."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from contextlib import aclosing
from datetime import datetime
from typing import Any
from uuid import uuid4

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect
from strawberry.types import ExecutionResult

from kernel.actor import Actor
from kernel.errors import NotSignedIn, Refusal
from schema.context import Context
from schema.root import schema
from server import answers, negotiation
from server.edge import OPERATION_SECONDS, Edge, address_of, is_same_origin
from server.operations import LARGEST, from_json, operation
from server.refusals import BadRequest, BadToken, TookTooLong, TooManyOperations
from server.standing import TooManySockets

PROTOCOL = "graphql-transport-ws"
INIT_SECONDS = 10.0
SEND_SECONDS = 10.0
OPERATIONS_PER_SOCKET = 20
_LONGEST_ID = 128
_LONGEST_REASON = 40  # characters: a close frame holds 123 bytes

log = logging.getLogger(__name__)


class Close(Exception):
    """The socket is to be closed, with a code of the protocol and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason[:_LONGEST_REASON]


async def converse(edge: Edge, websocket: WebSocket) -> None:
    """Answer one socket until either side has enough."""
    if not is_same_origin(websocket.headers, edge.settings.allowed_origins):
        await websocket.close()  # before it is accepted: answered with 403
        return
    if PROTOCOL not in websocket.scope["subprotocols"]:
        await websocket.accept()
        await websocket.close(4406, "Subprotocol not acceptable")
        return
    await websocket.accept(subprotocol=PROTOCOL)
    edge.metrics.sockets.inc()
    try:
        await Socket(edge, websocket).serve()
    finally:
        edge.metrics.sockets.dec()


class Socket:
    """One connection: who it belongs to, and which of its operations are under way."""

    def __init__(self, edge: Edge, websocket: WebSocket) -> None:
        self.edge = edge
        self.websocket = websocket
        self.actor: Actor | None = None
        self.expires_at: datetime | None = None
        self.language = negotiation.language(websocket.headers.get("accept-language"))
        self.address = address_of(websocket)
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._task = asyncio.current_task()
        self._end: Close | None = None
        self._is_open = False

    async def serve(self) -> None:
        """Take messages until the socket is closed by either side."""
        try:
            async with contextlib.AsyncExitStack() as stack:
                try:
                    await self._take_all(stack)
                finally:
                    await self._stop_operations()
        except Close as close:
            await self._close(close)
        except WebSocketDisconnect:
            pass
        except asyncio.CancelledError:
            if self._end is None or self._task is None:
                raise
            self._task.uncancel()
            await self._close(self._end)

    def end_sign_in(self, reason: str) -> None:
        """Close with 4403: a client that gets it comes back with fresh credentials."""
        self._end_with(Close(4403, reason))

    async def _take_all(self, stack: contextlib.AsyncExitStack) -> None:
        try:
            async with asyncio.timeout(INIT_SECONDS):
                while not self._is_open:
                    await self._take(await self._receive(), stack)
        except TimeoutError as error:
            raise Close(4408, "Connection initialisation timeout") from error
        while True:
            await self._take(await self._receive(), stack)

    async def _receive(self) -> Mapping[str, Any]:
        message = await self.websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        text = message.get("text")
        if text is None:
            raise Close(4400, "Messages must be text")
        if len(text) > LARGEST:
            raise Close(1009, "The message is too long")
        try:
            said = from_json(text)
        except BadRequest as error:
            raise Close(4400, "Messages must be JSON") from error
        if not isinstance(said, dict):
            raise Close(4400, "Messages must be JSON objects")
        return said

    async def _take(self, message: Mapping[str, Any], stack: contextlib.AsyncExitStack) -> None:
        match message:
            case {"type": "connection_init"}:
                await self._open(_mapping(message), stack)
            case {"type": "ping"}:
                payload = _mapping(message)
                await self._send({"type": "pong", "payload": payload} if payload else {"type": "pong"})
            case {"type": "pong"}:
                _mapping(message)
            case {"type": "subscribe", "id": str(name), "payload": dict(payload)} if 0 < len(name) <= _LONGEST_ID:
                await self._subscribe(name, payload)
            case {"type": "complete", "id": str(name)}:
                if task := self._operations.pop(name, None):
                    task.cancel()
            case _:
                raise Close(4400, "Invalid message")

    async def _open(self, payload: Mapping[str, Any], stack: contextlib.AsyncExitStack) -> None:
        if self._is_open:
            raise Close(4429, "Too many initialisation requests")
        if isinstance(language := payload.get("Accept-Language"), str):
            self.language = negotiation.language(language)
        try:
            caller = await self.edge.caller(_authorization(payload, self.websocket))
            if caller is not None:
                self.actor, self.expires_at = caller.actor, caller.expires_at
            stack.enter_context(self.edge.standing.admitted(self, self.address))
        except (NotSignedIn, BadToken) as refusal:
            raise Close(4403, "Forbidden") from refusal
        except TooManySockets as refusal:
            raise Close(1013, refusal.en) from refusal
        except Exception as error:
            if answers.refusal_in(error) is None:
                log.exception("socket_not_opened")
                raise Close(1011, "Internal error") from error
            raise Close(1013, "Try again later") from error
        self._is_open = True
        await self._send({"type": "connection_ack"})

    async def _subscribe(self, name: str, payload: Mapping[str, Any]) -> None:
        if not self._is_open:
            raise Close(4401, "Unauthorized")
        if name in self._operations:
            raise Close(4409, f"Subscriber for {name[:12]} already exists")
        if len(self._operations) >= OPERATIONS_PER_SOCKET:
            await self._refuse(name, TooManyOperations())
            return
        self._operations[name] = asyncio.create_task(self._operate(name, payload))

    async def _operate(self, name: str, payload: Mapping[str, Any]) -> None:
        """Carry one operation out, send what comes of it, and make its name free again."""
        request_id = uuid4().hex
        context = self.edge.context(self.actor, language=self.language, address=self.address, request_id=request_id)
        with self.edge.metrics.operations.track_inprogress():
            try:
                last = await self._stream(name, payload, context)
            except Refusal as refusal:
                last = _error(name, [answers.refused(refusal, self.language)])
            except WebSocketDisconnect:
                return
            except Exception as error:
                last = _error(name, [answers.masked(error, self.language, request_id)])
            # Free before the last message is out: whoever reads it may use the name again.
            if self._operations.get(name) is asyncio.current_task():
                del self._operations[name]
                with contextlib.suppress(WebSocketDisconnect):
                    await self._send(last)

    async def _stream(self, name: str, payload: Mapping[str, Any], context: Context) -> dict[str, Any]:
        """Send all results but the last message, and return that."""
        wanted = operation(payload)
        stream = await schema.stream(
            wanted.query or " ",
            variable_values=wanted.variables,
            context_value=context,
            operation_name=wanted.name,
        )
        async with aclosing(stream) as results:
            try:
                async with asyncio.timeout(OPERATION_SECONDS):
                    result = await anext(results, None)
            except TimeoutError as error:
                raise TookTooLong from error
            while isinstance(result, ExecutionResult):
                if answers.is_request_error(result):
                    return _error(name, answers.errors_of(result, context))
                await self._deliver(name, result, context)
                result = await anext(results, None)
        return {"id": name, "type": "complete"}

    async def _deliver(self, name: str, result: ExecutionResult, context: Context) -> None:
        said = answers.payload(result, context)
        self.edge.metrics.count_errors(said)
        self.edge.metrics.deliveries.inc()
        await self._send({"id": name, "type": "next", "payload": said})

    async def _refuse(self, name: str, refusal: Refusal) -> None:
        await self._send(_error(name, [answers.refused(refusal, self.language)]))

    async def _send(self, message: Mapping[str, Any]) -> None:
        """Send a message. A client that takes none for ten seconds is dropped; it finds the rest in its feed."""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self.websocket.send_text(orjson.dumps(message).decode())
        except TimeoutError:
            self._end_with(Close(1013, "Too slow"))
            raise WebSocketDisconnect(1013) from None
        except RuntimeError as error:  # closed in the meantime
            raise WebSocketDisconnect(1006) from error

    def _end_with(self, close: Close) -> None:
        if self._end is None and self._task is not None:
            self._end = close
            self._task.cancel()

    async def _stop_operations(self) -> None:
        tasks = list(self._operations.values())
        self._operations.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _close(self, close: Close) -> None:
        self.edge.metrics.closes.labels(str(close.code)).inc()
        with contextlib.suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
            async with asyncio.timeout(1.0):
                await self.websocket.close(close.code, close.reason)


def _authorization(payload: Mapping[str, Any], websocket: WebSocket) -> str | None:
    """What is shown: in the first message, as an app does, or in the handshake, as a program may."""
    for name in ("Authorization", "authorization"):
        if payload.get(name) is not None:
            return str(payload[name])
    if payload.get("token") is not None:
        return f"Bearer {payload['token']}"
    return websocket.headers.get("authorization")


def _mapping(message: Mapping[str, Any]) -> Mapping[str, Any]:
    payload = message.get("payload")
    if not isinstance(payload, dict | None):
        raise Close(4400, "A payload must be an object")
    return payload or {}


def _error(name: str, errors: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": name, "type": "error", "payload": errors}
