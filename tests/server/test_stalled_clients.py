"""Clients that stop reading, answering or sending: each is gone in time, and nobody else notices."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kernel.actor import Actor
from kernel.work import Ground
from server import graphql, listening, sockets, wires
from server import serving as product
from server.wires import MOST_FRAGMENTS, Messages
from tests.bare_socket import BareSocket, Closed, frame
from tests.bench.crowd import Guide, give_tasks
from tests.factories import build_world
from tests.serving import Line, Served, serving, serving_nothing

NEWS = """subscription ($after: Cursor) { changes(after: $after) {
  cursor changes { op id version node { ... on Task { title reason suggestedWords } } } } }"""
TEXT, BINARY, CONTINUED, CLOSE, PING = 1, 2, 0, 8, 9


@pytest.fixture
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the product's own times; what they come to there is checked below."""
    monkeypatch.setattr(sockets, "SEND_SECONDS", 1.0)
    monkeypatch.setattr(wires, "LINGER_SECONDS", 0.5)
    monkeypatch.setattr(product, "PING_SECONDS", 1)


@pytest.fixture
async def served(ground: Ground, _fast: None) -> AsyncIterator[Served]:
    """A server of this test's own."""
    async with serving(ground) as served:
        yield served


@pytest.fixture(scope="module")
async def wire(sqlite_template: Path) -> AsyncIterator[Served]:
    """One server for all tests that never get as far as the database."""
    async with serving_nothing(sqlite_template) as served:
        yield served


def test_a_client_that_takes_nothing_is_gone_within_twenty_seconds() -> None:
    assert sockets.SEND_SECONDS + 1 + wires.LINGER_SECONDS <= 20
    assert 2 * product.PING_SECONDS <= 20
    assert listening.STALLED_SECONDS <= 15


async def plain(served: Served, **options: Any) -> socket.socket:
    """A connection with next to no room for what comes."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    made.setblocking(False)
    await asyncio.get_running_loop().sock_connect(made, ("127.0.0.1", served.port))
    return made


async def stalled(served: Served, guide: Actor) -> socket.socket:
    """A client that introduces itself, subscribes, and then reads no more."""
    made, loop = await plain(served), asyncio.get_running_loop()
    token = await served.token(guide)
    said = [
        {"type": "connection_init", "payload": {"token": token}},
        {"id": "live", "type": "subscribe", "payload": {"query": NEWS}},
    ]
    await loop.sock_sendall(made, BareSocket.handshake("127.0.0.1"))
    await read_until(made, b"\r\n\r\n")
    await loop.sock_sendall(made, frame(TEXT, json.dumps(said[0]).encode()))
    await read_until(made, b"connection_ack")
    await loop.sock_sendall(made, frame(TEXT, json.dumps(said[1]).encode()))
    await read_until(made, b"cursor")
    return made


async def read_until(made: socket.socket, end: bytes) -> None:
    heard = b""
    while end not in heard:
        heard += await asyncio.get_running_loop().sock_recv(made, 64)


async def write_much(served: Served, guide: Actor) -> None:
    """So much news for somebody that no buffer on the way holds it."""
    assert guide.staff_id
    assert guide.store_id
    them = Guide(guide.brand_id, guide.staff_id, guide.store_id, guide.account_ids[0], "")
    for _ in range(10):
        await give_tasks(served.ground.db, [them], 500, reason="久" * 300, suggested_words="等" * 500)
        served.edge.hub.wake([guide.staff_id])
        await asyncio.sleep(0)


def connections(served: Served) -> int:
    return len(served.server.server_state.connections)


async def gone(served: Served, left: int) -> None:
    """Return when no more connections than these are left, the transport's buffers included."""
    while connections(served) > left or served.edge.standing.count > left:  # noqa: ASYNC110 - nobody is told
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("reads_a_little", [False, True])
async def test_a_client_that_stops_reading_while_much_happens_is_dropped(served: Served, reads_a_little: bool) -> None:
    await dropped(served, reads_a_little)


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize(("module", "limit"), [(sockets, "SEND_SECONDS"), (wires, "LINGER_SECONDS")])
async def test_a_server_that_waits_longer_is_caught(
    served: Served, monkeypatch: pytest.MonkeyPatch, module: Any, limit: str
) -> None:
    monkeypatch.setattr(module, limit, 60)

    with pytest.raises(TimeoutError):
        await dropped(served, reads_a_little=True)


async def dropped(served: Served, reads_a_little: bool) -> None:
    """Somebody reads no more, or next to nothing, while much is written to them; they go, and nobody else does."""
    world = await build_world(served.ground)
    async with served.line(world.shop.other_guide) as other:
        await other.subscribe("live", NEWS)
        await other.hear()
        left = connections(served)
        made = await stalled(served, world.shop.guide)
        await write_much(served, world.shop.guide)
        began = time.monotonic()
        sipping = asyncio.create_task(sip(made) if reads_a_little else asyncio.sleep(0))
        try:
            async with asyncio.timeout(5):
                await gone(served, left)
        finally:
            sipping.cancel()
            made.close()
        assert time.monotonic() - began > 0.9
        await still_well(other)
    assert 'daogou_socket_closes_total{code="1013"} 1.0' in served.edge.metrics.text().decode()


async def sip(made: socket.socket) -> None:
    """Read a byte now and then, so that the connection is never quite still."""
    with contextlib.suppress(OSError):
        while True:
            await asyncio.get_running_loop().sock_recv(made, 1)
            await asyncio.sleep(0.05)


async def still_well(other: Line) -> None:
    """Somebody else is answered at once."""
    began = time.monotonic()
    await other.subscribe("1", "{ __typename }")
    assert (await other.hear())["type"] == "next"
    assert time.monotonic() - began < 1


async def test_a_client_that_answers_no_ping_is_dropped(served: Served) -> None:
    world = await build_world(served.ground)
    token = await served.token(world.shop.guide)
    async with served.line(world.shop.other_guide) as other:
        left = connections(served)
        deaf = await BareSocket.dial("127.0.0.1", served.port)
        deaf.answers_pings = False
        deaf.say(type="connection_init", payload={"token": token})
        assert await deaf.hear() == {"type": "connection_ack"}
        with pytest.raises(Closed) as closed:
            async with asyncio.timeout(4):
                await deaf.hear()
        async with asyncio.timeout(2):
            await gone(served, left)
        assert closed.value.code == 1011
        await still_well(other)
        deaf.close()


async def test_a_client_whose_network_is_gone_is_dropped_by_the_system(wire: Served) -> None:
    if not hasattr(socket, "TCP_USER_TIMEOUT"):
        pytest.skip("the system has no such time-out; pings find the client dead")
    async with wire.line():
        [socket_of_ours] = [
            connection.transport.get_extra_info("socket") for connection in wire.server.server_state.connections
        ]
        assert socket_of_ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 15_000


async def test_pings_of_a_client_that_takes_no_pong_fill_no_memory(wire: Served) -> None:
    assert await kept_for_pings(wire) < 512 * 1024


async def test_a_server_that_keeps_every_pong_is_caught(wire: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Messages, "handle_ping")

    assert await kept_for_pings(wire) > 512 * 1024


async def kept_for_pings(wire: Served) -> int:
    """How many bytes wait for a client that sends pings and reads nothing."""
    made, loop = await plain(wire), asyncio.get_running_loop()
    await loop.sock_sendall(made, BareSocket.handshake("127.0.0.1"))
    await read_until(made, b"\r\n\r\n")
    [connection] = wire.server.server_state.connections
    pings = frame(PING, b"x" * 125) * 1000
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(5):
            for _ in range(60):
                await loop.sock_sendall(made, pings)
    kept: int = connection.transport.get_write_buffer_size()
    made.close()
    async with asyncio.timeout(3):
        await gone(wire, 0)
    return kept


async def test_a_message_in_endless_fragments_closes(wire: Served) -> None:
    async with wire.line() as other:
        assert await code_for_fragments(wire) == 1009
        await still_well(other)


async def test_a_server_that_keeps_every_fragment_is_caught(wire: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Messages, "handle_cont")

    with pytest.raises(TimeoutError):
        await code_for_fragments(wire)


async def code_for_fragments(wire: Served) -> int:
    """The code that closes a socket on which a message goes on and on, and says nothing."""
    mean = await BareSocket.dial("127.0.0.1", wire.port)
    mean.writer.write(frame(TEXT, b"{", final=False))
    mean.writer.write(frame(CONTINUED, b"", final=False) * (MOST_FRAGMENTS + 1))
    try:
        async with asyncio.timeout(1):
            await mean.hear()
    except Closed as closed:
        return closed.code
    finally:
        mean.close()
    raise AssertionError("something was said")


async def test_a_message_in_some_fragments_is_read(wire: Served) -> None:
    mean = await BareSocket.dial("127.0.0.1", wire.port)
    *first, last = list(json.dumps({"type": "ping"}))
    mean.writer.write(frame(TEXT, b"", final=False))
    mean.writer.writelines(frame(CONTINUED, letter.encode(), final=False) for letter in first)
    mean.writer.write(frame(CONTINUED, last.encode()))

    assert await mean.hear() == {"type": "pong"}
    mean.close()


@pytest.mark.parametrize("said", [b"", b"GET /graphql HT", b"GET /graphql HTTP/1.1\r\nHost: a\r\nX-Slow: "])
async def test_a_connection_that_asks_for_nothing_is_closed(
    wire: Served, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(wires, "HEAD_SECONDS", 0.5)
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    with contextlib.suppress(OSError):
        for byte in said:  # never quite still
            writer.write(bytes([byte]))
            await asyncio.sleep(0.02)
    async with asyncio.timeout(3):
        with contextlib.suppress(OSError):
            assert await reader.read() == b""
    writer.close()


async def test_headers_without_end_are_not_read(wire: Served) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Long: ")
    taken = 0
    with contextlib.suppress(OSError):
        while taken < 64 * 1024 * 1024:
            writer.write(b"x" * 64 * 1024)
            await writer.drain()
            taken += 64 * 1024
    writer.close()

    assert taken < 16 * 1024 * 1024  # what the system buffers included


async def test_a_body_that_never_comes_is_given_up_on(wire: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphql, "BODY_SECONDS", 0.5)
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    writer.write(b"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n")
    writer.write(b'Accept: application/graphql-response+json\r\nContent-Length: 1000\r\n\r\n{"query"')
    async with asyncio.timeout(3):
        answer = await reader.read()
    writer.close()

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"REQUEST_TIMEOUT"' in answer
