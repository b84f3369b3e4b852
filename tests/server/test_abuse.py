"""Two hundred connections that do everything wrong, against a real process: it stays small, and others are answered."""

import asyncio
import itertools
import json
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from kernel.db import Database
from kernel.redis import connect as connect_redis
from kernel.work import Ground
from server.sockets import PROTOCOL
from server.wiring import wiring
from tests.bare_socket import BareSocket, Closed, frame
from tests.factories import build_world
from tests.serving import token_of
from tests.webs import Webs

CONNECTIONS = 200
MOST_GROWTH = 64 * 1024 * 1024
TYPENAME = {"query": "{ __typename }"}
CONTINUED, TEXT, BINARY, CLOSE, PING = 0, 1, 2, 8, 9


def message(**said: object) -> bytes:
    return frame(TEXT, json.dumps(said).encode())


@cache
def bytes_of(name: str) -> bytes:
    return ABUSES[name][0]()


def numbered(count: int, **said: object) -> bytes:
    return b"".join(message(id=str(number), **said) for number in range(count))


# What is sent once the connection is acknowledged, and the codes that the server may close with; none: it needn't.
ABUSES: dict[str, tuple[Callable[[], bytes], set[int]]] = {
    "no JSON": (lambda: frame(TEXT, b"nonsense"), {4400}),
    "an array": (lambda: frame(TEXT, b"[]"), {4400}),
    "a number": (lambda: frame(TEXT, b"7"), {4400}),
    "bytes": (lambda: frame(BINARY, b"\x00\xff"), {4400}),
    "no UTF-8": (lambda: frame(TEXT, b'{"type": "\xff\xfe"}'), {1007}),
    "no UTF-8 in fragments": (lambda: frame(TEXT, b"\xf0\x9f", final=False) + frame(CONTINUED, b"\x98"), {1007}),
    "an unknown type": (lambda: message(type="start", id="1", payload=TYPENAME), {4400}),
    "a payload that is none": (lambda: message(type="subscribe", id="1", payload=[TYPENAME]), {4400}),
    "deep JSON": (lambda: frame(TEXT, b"[" * 30_000 + b"]" * 30_000), {4400}),
    "deeper JSON": (lambda: frame(TEXT, b"[" * 100_000 + b"]" * 100_000), {1009}),
    "a long name": (lambda: message(type="subscribe", id="x" * 60_000, payload=TYPENAME), {4400}),
    "twelve megabytes": (lambda: frame(TEXT, b'"' + b"x" * 12_000_000), {1009}),
    "twelve megabytes in fragments": (
        lambda: frame(TEXT, b'"', final=False) + frame(CONTINUED, b"x" * 60_000, final=False) * 200,
        {1009},
    ),
    "endless fragments": (
        lambda: frame(TEXT, b"", final=False) + frame(CONTINUED, b"", final=False) * 100_000,
        {1009},
    ),
    "a frame without a mask": (lambda: b"\x81\x02{}", {1002}),
    "a reserved bit": (lambda: b"\xc1\x80\0\0\0\0", {1002}),
    "an unknown kind of frame": (lambda: b"\x83\x80\0\0\0\0", {1002}),
    "a long ping": (lambda: frame(PING, b"x" * 126), {1002}),
    "a fragmented ping": (lambda: frame(PING, b"x", final=False), {1002}),
    "a fragment of nothing": (lambda: frame(CONTINUED, b"x"), {1002}),
    "a code that there is not": (lambda: frame(CLOSE, b"\x03\xec"), {1002}),
    "a deep document": (
        lambda: message(type="subscribe", id="1", payload={"query": "{a" * 20_000 + "}" * 20_000}),
        set(),
    ),
    "a wide document": (lambda: message(type="subscribe", id="1", payload={"query": "{" + "a " * 30_000 + "}"}), set()),
    "a flood of pings": (lambda: message(type="ping", payload={"x": "x" * 100}) * 2_000, set()),
    "a flood of frames": (lambda: frame(PING, b"x" * 100) * 5_000, {1008}),
    "a flood of completes": (lambda: numbered(2_000, type="complete"), set()),
    "a flood of operations": (lambda: numbered(500, type="subscribe", payload=TYPENAME), set()),
    "a flood of subscriptions": (
        lambda: numbered(200, type="subscribe", payload={"query": "subscription { changes { cursor } }"}),
        set(),
    ),
    "a name used again": (lambda: message(type="subscribe", id="1", payload={"query": "{ brand { id } }"}) * 50, set()),
}


async def abuse(port: int, token: str, name: str) -> None:
    """Do one thing wrong, and see that the answer is the one laid down."""
    _, codes = ABUSES[name]
    socket = await BareSocket.dial("127.0.0.1", port)
    try:
        socket.say(type="connection_init", payload={"token": token})
        assert await socket.hear() == {"type": "connection_ack"}
        socket.writer.write(bytes_of(name) + message(type="ping"))
        async with asyncio.timeout(20):
            await socket.hear()
            while codes:
                await socket.hear()
    except TimeoutError as error:
        raise AssertionError(name) from error
    except Closed as closed:
        assert closed.code in (codes or {4400, 4409}), (name, closed.code)
    finally:
        socket.close()


def go_on(port: int, taken: list[float], over: threading.Event) -> None:
    """Ask something now and then, and note how long it takes; in a thread, as the mean ones keep this one busy."""
    with connect(f"ws://127.0.0.1:{port}/graphql", subprotocols=[Subprotocol(PROTOCOL)]) as socket:
        socket.send('{"type": "connection_init"}')
        socket.recv(10)
        while not over.wait(0.02):
            began = time.monotonic()
            socket.send('{"id": "1", "type": "subscribe", "payload": {"query": "{ __typename }"}}')
            assert socket.recv(10) == '{"id":"1","type":"next","payload":{"data":{"__typename":"Query"}}}'
            assert socket.recv(10) == '{"id":"1","type":"complete"}'
            taken.append(time.monotonic() - began)


def resident(pid: int) -> int:
    """The bytes of memory that a process holds."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


async def people(url: str) -> list[str]:
    """Tokens of enough people that nobody needs more sockets than one may have."""
    ground = Ground(Database(url), connect_redis(None), wiring)
    worlds = [await build_world(ground, code) for code in ("qinghe", "zhenxi")]
    tokens = [
        await token_of(ground, actor)
        for world in worlds
        for actor in (
            world.hq,
            world.east_manager,
            *(actor for shop in world.shops for actor in (*shop.guides, shop.manager)),
        )
    ]
    await ground.db.close()
    return tokens


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_two_hundred_mean_clients_are_turned_away_and_nobody_else_notices(webs: Webs) -> None:
    [port, _] = webs.ports
    await webs.start(port)
    tokens, pid = await people(webs.environment["DATABASE_URL"]), webs.processes[port].pid
    taken: list[float] = []
    over = threading.Event()
    bystander = asyncio.create_task(asyncio.to_thread(go_on, port, taken, over))
    grown: list[int] = []
    for _ in range(3):  # what is made once, and kept, is made at the first time
        before = resident(pid)
        calls = zip(itertools.islice(itertools.cycle(ABUSES), CONNECTIONS), itertools.cycle(tokens), strict=False)
        await asyncio.gather(*(abuse(port, token, name) for name, token in calls))
        grown.append(resident(pid) - before)
        taken.clear()
    over.set()
    await bystander
    assert await webs.stop(port) <= 10
    assert "Traceback" not in webs.said()
