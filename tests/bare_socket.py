"""A client's end of a socket with next to no cost of its own: two thousand of them leave the server its core."""

import asyncio
from typing import Any

import orjson

_HANDSHAKE = (
    "GET /graphql HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10


class Closed(Exception):
    """The server has closed the socket."""

    def __init__(self, code: int) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class BareSocket:
    """One open socket. Frames are masked with zeros, which changes no byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self.answers_pings = True

    @classmethod
    async def dial(cls, host: str, port: int) -> "BareSocket":
        """A socket on which nothing was said yet."""
        reader, writer = await asyncio.open_connection(host, port, limit=2**20)
        writer.write(cls.handshake(host))
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            raise Closed(1006) from error
        if b" 101 " not in head.partition(b"\r\n")[0]:
            raise Closed(1006)
        return cls(reader, writer)

    @staticmethod
    def handshake(host: str) -> bytes:
        """What a client sends first."""
        return _HANDSHAKE.format(host=host).encode()

    def say(self, **message: Any) -> None:
        self.writer.write(frame(_TEXT, orjson.dumps(message)))

    def subscribe(self, name: str, document: str, **variables: Any) -> None:
        self.say(id=name, type="subscribe", payload={"query": document, "variables": variables})

    async def hear(self) -> Any:
        """The next message; pings are answered on the way. Raises `Closed`."""
        while True:
            opcode, body = await self._frame()
            match opcode:
                case 1:
                    return orjson.loads(body)
                case 8:
                    raise Closed(int.from_bytes(body[:2], "big"))
                case 9 if self.answers_pings:
                    self.writer.write(frame(_PONG, body))

    def close(self) -> None:
        self.writer.transport.abort()

    async def _frame(self) -> tuple[int, bytes]:
        try:
            first, length = await self._reader.readexactly(2)
            if length == 126:
                length = int.from_bytes(await self._reader.readexactly(2), "big")
            elif length == 127:
                length = int.from_bytes(await self._reader.readexactly(8), "big")
            return first & 15, await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, OSError) as error:
            raise Closed(1006) from error


def frame(opcode: int, body: bytes, *, final: bool = True) -> bytes:
    """The bytes of one frame as a client sends it."""
    first = opcode | (0x80 if final else 0)
    if len(body) < 126:
        head = bytes((first, 0x80 | len(body)))
    elif len(body) < 2**16:
        head = bytes((first, 0x80 | 126)) + len(body).to_bytes(2, "big")
    else:
        head = bytes((first, 0x80 | 127)) + len(body).to_bytes(8, "big")
    return head + b"\0\0\0\0" + body
