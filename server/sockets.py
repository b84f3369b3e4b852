"""GraphQL over WebSocket: the sub-protocol graphql-transport-ws, and no other."""

import asyncio
import contextlib
import logging
from contextlib import ExitStack, aclosing
from datetime import datetime
from uuid import uuid4

import orjson
from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocket, WebSocketDisconnect
from strawberry.types import ExecutionResult

from kernel.actor import Actor
from kernel.errors import NotSignedIn, Refusal
from schema.context import Context
from schema.root import schema
from server import answers, messages, negotiation
from server.edge import OPERATION_SECONDS, Edge, address_of, is_same_origin
from server.messages import Close, Complete, Init, Payload, Ping, Pong, Subscribe
from server.operations import operation
from server.refusals import BadToken, TookTooLong, TooManyOperations
from server.standing import TooManySockets

PROTOCOL = "graphql-transport-ws"
INIT_SECONDS = 10.0
SEND_SECONDS = 10.0
OPERATIONS_PER_SOCKET = 20

log = logging.getLogger(__name__)


async def converse(edge: Edge, websocket: WebSocket) -> None:
    """Answer one socket until either side has enough."""
    if edge.draining.has_begun:
        await websocket.send_denial_response(PlainTextResponse("shutting down\n", 503))
        return
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
        self._opening: asyncio.Task[None] | None = None
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._unanswered: set[str] = set()
        self._moving: asyncio.Event | None = None
        self._task = asyncio.current_task()
        self._end: Close | None = None
        self._is_open = False

    async def serve(self) -> None:
        """Take messages until the socket is closed by either side."""
        try:
            with self.edge.draining.telling(self), ExitStack() as admission:
                try:
                    await self._take_all(admission)
                finally:
                    await self._stop_tasks()
        except Close as close:
            self._end = close
        except WebSocketDisconnect:
            pass
        except asyncio.CancelledError:
            if self._end is None or self._task is None:
                raise
            self._task.uncancel()
        self._task = None  # it is over: whoever wants to end it now comes too late
        if self._end is not None:
            await self._close(self._end)

    def end_sign_in(self, reason: str) -> None:
        """Close with 4403: a client that gets it comes back with fresh credentials."""
        self._end_with(Close(4403, reason))

    async def move(self, pause: float) -> None:
        """Begin nothing new; once what is under way is answered, send the client elsewhere.

        A subscription that has answered goes on from its cursor there, so it isn't waited for.
        """
        self._moving = asyncio.Event()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._moving.wait()  # whoever asks for something new is told at once
        while self._unanswered:
            self._moving.clear()
            await self._moving.wait()
        self._end_with(Close(1012, "Service restart"))

    async def _take_all(self, admission: ExitStack) -> None:
        try:
            async with asyncio.timeout(INIT_SECONDS) as patience:
                while True:
                    message = messages.read(await self.websocket.receive())
                    if isinstance(message, Init):
                        patience.reschedule(None)  # from here on it is we who are waited for
                    await self._take(message, admission)
                    await asyncio.sleep(0)  # whoever sends thousands at once shares the processor with the others
        except TimeoutError as error:
            raise Close(4408, "Connection initialisation timeout") from error

    async def _take(self, message: Init | Ping | Pong | Subscribe | Complete, admission: ExitStack) -> None:
        match message:
            case Init(payload):
                if self._opening is not None:
                    raise Close(4429, "Too many initialisation requests")
                # Beside this: a client that goes away, or says what it may not say yet, is noticed meanwhile.
                self._opening = asyncio.create_task(self._open(payload, admission))
            case Ping(payload):
                await self._send(messages.pong(payload))
            case Subscribe(name, payload):
                await self._subscribe(name, payload)
            case Complete(name):
                self._answered(name)
                if task := self._operations.pop(name, None):
                    task.cancel()

    async def _open(self, payload: Payload, admission: ExitStack) -> None:
        if isinstance(language := payload.get("Accept-Language"), str):
            self.language = negotiation.language(language)
        try:
            caller = await self.edge.caller(_authorization(payload, self.websocket))
            if caller is not None:
                self.actor, self.expires_at = caller.actor, caller.expires_at
            admission.enter_context(self.edge.standing.admitted(self, self.address))
            self._is_open = True
            await self._send({"type": "connection_ack"})
        except WebSocketDisconnect:
            return
        except Exception as error:
            self._end_with(_why_not_opened(error))

    async def _subscribe(self, name: str, payload: Payload) -> None:
        if not self._is_open:
            raise Close(4401, "Unauthorized")
        if name in self._operations:
            raise Close(4409, f"Subscriber for {name[:12]} already exists")
        if self._moving is not None:
            self._look_again()
        elif len(self._operations) >= OPERATIONS_PER_SOCKET:
            refused = answers.refused(TooManyOperations(), self.language)
            await self._send(messages.error(name, [refused]))
        else:
            self._unanswered.add(name)
            self._operations[name] = asyncio.create_task(self._operate(name, payload))

    async def _operate(self, name: str, payload: Payload) -> None:
        """Carry one operation out, send what comes of it, and make its name free again."""
        request_id = uuid4().hex
        context = self.edge.context(self.actor, language=self.language, address=self.address, request_id=request_id)
        with self.edge.metrics.operations.track_inprogress():
            try:
                last = await self._stream(name, payload, context)
            except Refusal as refusal:
                last = messages.error(name, [answers.refused(refusal, self.language)])
            except WebSocketDisconnect:
                return
            except Exception as error:
                last = messages.error(name, [answers.masked(error, self.language, request_id)])
            # Free before the last message is out: whoever reads it may use the name again.
            if self._operations.get(name) is asyncio.current_task():
                del self._operations[name]
                with contextlib.suppress(WebSocketDisconnect):
                    await self._send(last)
                self._answered(name)

    async def _stream(self, name: str, payload: Payload, context: Context) -> Payload:
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
                    return messages.error(name, answers.errors_of(result, context))
                await self._deliver(name, result, context)
                if result.data:
                    result.data.clear()  # it would be held until the next result comes
                # A query or mutation now ends without waiting again: what is still here then is a subscription.
                asyncio.get_running_loop().call_soon(self._answered, name)
                result = await anext(results, None)
        return messages.complete(name)

    async def _deliver(self, name: str, result: ExecutionResult, context: Context) -> None:
        said = answers.payload(result, context)
        self.edge.metrics.count_errors(said)
        self.edge.metrics.deliveries.inc()
        await self._send(messages.result(name, said))

    def _answered(self, name: str) -> None:
        self._unanswered.discard(name)
        self._look_again()

    def _look_again(self) -> None:
        """Let whoever waits to move this socket see whether it still has to wait."""
        if self._moving is not None:
            self._moving.set()

    async def _send(self, message: Payload) -> None:
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
            if self._task is not asyncio.current_task():
                self._task.cancel()

    async def _stop_tasks(self) -> None:
        tasks = [task for task in (self._opening, *self._operations.values()) if task is not None]
        self._operations.clear()
        self._unanswered.clear()
        self._look_again()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _close(self, close: Close) -> None:
        self.edge.metrics.closes.labels(str(close.code)).inc()
        with contextlib.suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
            async with asyncio.timeout(1.0):
                await self.websocket.close(close.code, close.reason)


def _why_not_opened(error: Exception) -> Close:
    if isinstance(error, NotSignedIn | BadToken):
        return Close(4403, "Forbidden")
    if isinstance(error, TooManySockets):
        return Close(1013, error.en)
    if answers.refusal_in(error) is None:
        log.error("socket_not_opened", exc_info=error)
        return Close(1011, "Internal error")
    return Close(1013, "Try again later")


def _authorization(payload: Payload, websocket: WebSocket) -> str | None:
    """What is shown: in the first message, as an app does, or in the handshake, as a program may."""
    for name in ("Authorization", "authorization"):
        if payload.get(name) is not None:
            return str(payload[name])
    if payload.get("token") is not None:
        return f"Bearer {payload['token']}"
    return websocket.headers.get("authorization")
