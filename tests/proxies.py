"""A bad network between a client and a server: it delays, swallows, and cuts, as it is told to.

    async with Proxy(served.port) as network:
        phone = Phone(network.url, …)
        network.cut()

Everything can be changed while connections are open.
"""

import asyncio
import socket
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

_CHUNK = 64 * 1024
_NO_SOCKETS = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

Direction = Literal["up", "down"]


@dataclass(eq=False)
class _Connection:
    """One connection through the proxy: a client's end, a server's end."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    cuts_reply: bool = False
    down: int = 0

    def cut(self) -> None:
        """Both ends hear that the connection was reset."""
        for writer in (self.client, self.server):
            writer.transport.abort()


@dataclass
class Proxy:
    """A TCP proxy on a loopback port. Directions are seen from the client: `up` is what it sends.

    `is_down` refuses new connections. `delay` holds each chunk back, in seconds. `cut_after` cuts each connection,
    in the midst of a message, once so many bytes have come down on it. `carries_sockets` is whether the network
    lets a connection become a socket; some firewalls don't.
    """

    upstream: int
    is_down: bool = False
    delay: float = 0.0
    cut_after: int | None = None
    carries_sockets: bool = True
    port: int = 0
    accepted: int = 0
    lost_replies: int = 0
    _swallowed: set[Direction] = field(default_factory=set)
    _healed: asyncio.Event = field(default_factory=asyncio.Event)
    _losing: list[bytes] = field(default_factory=list)
    _connections: set[_Connection] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        """The address of the server behind this network."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def open_connections(self) -> int:
        """How many connections go through."""
        return len(self._connections)

    def cut(self) -> None:
        """Reset every connection now. New ones get through."""
        for connection in list(self._connections):
            connection.cut()

    def swallow(self, *directions: Direction) -> None:
        """Lose in silence whatever is sent that way, the end of a connection too: half-open."""
        self._swallowed = set(directions)
        self._healed.clear()

    def heal(self) -> None:
        """Carry both directions again. What was swallowed stays lost, so connections that lost something are cut."""
        self._swallowed = set()
        self._healed.set()

    def lose_reply_to(self, text: str, times: int = 1) -> None:
        """Let the next requests that hold this text reach the server, and cut before the answer comes back."""
        self._losing += [text.encode()] * times

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_down:
            writer.transport.abort()
            return
        self.accepted += 1
        task = asyncio.create_task(self._connect(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        except OSError:
            writer.transport.abort()
            return
        for each in (writer, up_writer):
            each.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = _Connection(writer, up_writer)
        self._connections.add(connection)
        try:
            await asyncio.gather(
                self._pass(connection, reader, up_writer, "up"), self._pass(connection, up_reader, writer, "down")
            )
        finally:
            connection.cut()
            self._connections.discard(connection)

    async def _pass(
        self,
        connection: _Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        direction: Direction,
    ) -> None:
        while chunk := await _read(reader):
            if self.delay:
                await asyncio.sleep(self.delay)
            if direction in self._swallowed:
                await self._healed.wait()
                connection.cut()
                return
            if not self.carries_sockets and direction == "up" and b"upgrade: websocket" in chunk.lower():
                connection.client.write(_NO_SOCKETS)
                await connection.client.drain()
                connection.server.close()
                return
            if direction == "down" and connection.cuts_reply:
                self.lost_replies += 1
                connection.cut()
                return
            writer.write(self._passed(connection, chunk, direction))
            if self.cut_after is not None and connection.down >= self.cut_after:
                await asyncio.sleep(0)  # what was written is on its way
                connection.cut()
                return
        if direction in self._swallowed:
            await self._healed.wait()
        writer.close()

    def _passed(self, connection: _Connection, chunk: bytes, direction: Direction) -> bytes:
        """What gets through of a chunk."""
        if direction == "up":
            connection.cuts_reply = connection.cuts_reply or self._is_lost(chunk)
            return chunk
        if self.cut_after is not None:
            chunk = chunk[: max(0, self.cut_after - connection.down)]
        connection.down += len(chunk)
        return chunk

    def _is_lost(self, chunk: bytes) -> bool:
        for text in self._losing:
            if text in chunk:
                self._losing.remove(text)
                return True
        return False


async def _read(reader: asyncio.StreamReader) -> bytes:
    """The next chunk; nothing at the end, whichever way it ended."""
    try:
        return await reader.read(_CHUNK)
    except OSError:
        return b""
