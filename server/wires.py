"""The two protocols that uvicorn speaks, with the limits that it leaves to others.

A client may be broken, far away, or mean; none may hold a connection for ever, or fill the memory.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame

HEAD_SECONDS = 10.0
LARGEST_HEAD = 64 * 1024  # bytes of a request's first line and headers
MOST_FRAGMENTS = 256
MOST_PINGS = 100  # pings and pongs that a client may send in a second
_PIECE = 4 * 1024
LINGER_SECONDS = 5.0


class Requests(HttpToolsProtocol):
    """HTTP, whose first line and headers come in time and have an end."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        super().connection_made(transport)
        self._size = 0
        self._patience: asyncio.TimerHandle | None = None
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_here()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._patience is not None:
            if self._size > LARGEST_HEAD:
                self.send_400_response("The headers are too long.")
                return
            self._size += len(data)
        super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._await_head()

    def on_headers_complete(self) -> None:
        self._head_is_here()
        super().on_headers_complete()

    def _await_head(self) -> None:
        self._head_is_here()
        self._patience = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _head_is_here(self) -> None:
        self._size = 0
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


class Messages(WebSocketsSansIOProtocol):
    """WebSocket, with an end to fragments, to pings, to answers that nobody takes, and to closing."""

    _linger: asyncio.TimerHandle | None = None
    _second = 0.0
    _pings = 0

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._linger is not None:
            self._linger.cancel()

    def data_received(self, data: bytes) -> None:
        # Piece by piece: of what comes in one go, forty thousand frames might be taken apart before one is looked at.
        for start in range(0, len(data), _PIECE):
            if not self.transport.is_closing():
                super().data_received(data[start : start + _PIECE])

    def handle_cont(self, event: Frame) -> None:
        # The size of a message is limited, but empty fragments have none and are kept one by one.
        if len(self.frames) >= MOST_FRAGMENTS:
            self._fail(CloseCode.MESSAGE_TOO_BIG, "Too many fragments")
        else:
            super().handle_cont(event)

    def handle_ping(self) -> None:
        # Whoever sends pings and takes no pong would have them kept here without end.
        if self._is_calm() and self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def handle_pong(self, event: Frame) -> None:
        if self._is_calm():
            super().handle_pong(event)

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text" and not _is_utf8(b"".join(self.frames)):
            self._fail(CloseCode.INVALID_DATA, "Messages must be UTF-8")
        else:
            super().send_receive_event_to_app()

    def on_task_complete(self, task: asyncio.Task[Any]) -> None:
        super().on_task_complete(task)
        if not self.disconnected:
            # Closing waits until the client has taken the rest, which it may do byte by byte.
            self._linger = self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def _is_calm(self) -> bool:
        """Whether this is not one ping or pong too many: unlike messages they are never kept waiting."""
        now = self.loop.time()
        if now - self._second >= 1:
            self._second, self._pings = now, 0
        self._pings += 1
        if self._pings > MOST_PINGS:
            self._fail(CloseCode.POLICY_VIOLATION, "Too many pings")
        return self._pings <= MOST_PINGS

    def _fail(self, code: CloseCode, reason: str) -> None:
        if not self.transport.is_closing():
            self.conn.fail(code, reason)
            self.handle_parser_exception()


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
