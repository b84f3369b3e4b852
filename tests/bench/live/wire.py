"""One phone's socket, by hand: at thousands of them, a comfortable client would eat the core that the server needs."""

import asyncio
import base64
import os
import struct
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any, cast

import orjson

# As the clients of this repository ask, for the kinds of things that are written here.
DOCUMENT = """subscription ($after: Cursor) { changes(after: $after) {
  cursor mustRefetch upToDate places { feed seq }
  changes { op entityType id version relationshipId
    node { __typename
      ... on Tag { id version name color retiredAt isPersonal group { id } }
      ... on Relationship { isPrimary remark lastContactAt createdAt customer { id } holder { id } }
      ... on Order { number orderState: state amount currency placedAt customer { id } }
      ... on Task { kind title reason priority dueAt state source createdAt customer { id } keeper { id } } } } } }"""

_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA
_FINISHED = 0x80


class Phone(asyncio.Protocol):
    """Follows what changes, remembers when it heard of what, and goes on from its cursor when it comes back."""

    def __init__(self, person: int, token: str, gone: Callable[["Phone"], None]) -> None:
        self.person = person
        self.cursor: str | None = None
        self.heard: dict[str, list[tuple[int, float]]] = defaultdict(list)
        self.up_to_date_at = 0.0
        self.settled = asyncio.Event()  # caught up, or without a socket again
        self.sent_back = 0
        self.bytes_heard = 0
        self.transport: asyncio.Transport | None = None
        self._token = token
        self._gone = gone
        self._pending = b""
        self._is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = connected = cast(asyncio.Transport, transport)
        self._pending, self._is_open = b"", False
        key = base64.b64encode(os.urandom(16)).decode()
        connected.write(
            "GET /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self._pending += data
        if not self._is_open:
            self._shake_hands()
        while self._is_open and (frame := self._frame()) is not None:
            self._take(*frame, now)

    def connection_lost(self, _error: Exception | None) -> None:
        self.transport = None
        self.settled.set()
        self._gone(self)

    def _shake_hands(self) -> None:
        head, end, rest = self._pending.partition(b"\r\n\r\n")
        if not end:
            return
        if not head.startswith(b"HTTP/1.1 101 "):
            self._drop()
            return
        self._pending, self._is_open = rest, True
        self._say({"type": "connection_init", "payload": {"Authorization": f"Bearer {self._token}"}})

    def _frame(self) -> tuple[int, bytes] | None:
        """The next whole frame: what it is, and what it says."""
        pending = self._pending
        if len(pending) < 2:
            return None
        length, start = pending[1], 2
        if length == 126:
            start = 4
            length = int.from_bytes(pending[2:4], "big")
        elif length == 127:
            start = 10
            length = int.from_bytes(pending[2:10], "big")
        if len(pending) < max(start, start + length):
            return None
        self._pending = pending[start + length :]
        return pending[0], pending[start : start + length]

    def _take(self, first: int, said: bytes, now: float) -> None:
        if first == _FINISHED | _PING:
            self._write(_PONG, said)
        elif first == _FINISHED | _TEXT:
            self.bytes_heard += len(said)
            self._hear(orjson.loads(said), now)
        else:
            self._drop()

    def _hear(self, message: Any, now: float) -> None:
        if message["type"] == "next":
            self._note(message["payload"]["data"]["changes"], now)
        elif message["type"] == "connection_ack":
            payload = {"query": DOCUMENT, "variables": {"after": self.cursor}}
            self._say({"type": "subscribe", "id": "live", "payload": payload})
        else:
            self._drop()  # the subscription has ended, which is not meant to happen

    def _note(self, told: Any, now: float) -> None:
        self.cursor = told["cursor"]
        self.sent_back += told["mustRefetch"]
        for change in told["changes"]:
            self.heard[change["id"]].append((change["version"], now))
        if told["upToDate"]:
            self.up_to_date_at = now
            self.settled.set()

    def _say(self, message: Any) -> None:
        self._write(_TEXT, orjson.dumps(message))

    def _write(self, kind: int, said: bytes) -> None:
        # Masked with zeros: what the protocol asks for at no cost.
        length = struct.pack("!B", 0x80 | len(said)) if len(said) < 126 else struct.pack("!BH", 0xFE, len(said))
        assert self.transport
        self.transport.write(bytes([_FINISHED | kind]) + length + b"\0\0\0\0" + said)

    def _drop(self) -> None:
        if self.transport is not None:
            self.transport.abort()
