"""What comes over the wire, well-formed or not, becomes what the phone can act upon; and nothing waits without end."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from daogou_client import Http, NoSocket, Patience, ProtocolBroken, Rejected, Server, TokenRefused, Unreachable
from daogou_client.wire import subscribe

CALM = Patience(connect=10.0, answer=10.0, ping=10.0)
HASTY = Patience(connect=0.5, answer=0.5, ping=0.2)  # for those that answer nothing
PROTOCOL = Subprotocol("graphql-transport-ws")
Script = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def acting(script: Script, **options: Any) -> AsyncIterator[str]:
    """A server that plays a part; gives its address."""
    options = {"subprotocols": [PROTOCOL], "ping_interval": None} | options
    async with serve(script, "127.0.0.1", 0, **options) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/graphql"


async def heard(url: str, patience: Patience = CALM) -> list[Any]:
    """Everything that a subscription brings, to its end."""
    found = []
    async with (
        aclosing(subscribe(url, "a token", "subscription { x }", {"after": None}, patience)) as answers,
        asyncio.timeout(20),
    ):
        async for data in answers:
            found.append(data)  # noqa: PERF401 - what came before an error counts too
    return found


async def welcome(socket: ServerConnection) -> list[Any]:
    """Take the first two messages, and acknowledge."""
    first = json.loads(await socket.recv())
    await socket.send(json.dumps({"type": "connection_ack"}))
    return [first, json.loads(await socket.recv())]


async def say(socket: ServerConnection, **message: Any) -> None:
    await socket.send(json.dumps(message))


async def test_a_subscription_is_begun_as_the_protocol_says_and_ends_when_the_server_completes_it() -> None:
    said: list[Any] = []

    async def script(socket: ServerConnection) -> None:
        said.extend(await welcome(socket))
        for number in (1, 2):
            await say(socket, id="1", type="next", payload={"data": {"n": number}})
        await say(socket, id="1", type="complete")

    async with acting(script) as url:
        assert await heard(url) == [{"n": 1}, {"n": 2}]
    assert said == [
        {"type": "connection_init", "payload": {"Authorization": "Bearer a token"}},
        {"id": "1", "type": "subscribe", "payload": {"query": "subscription { x }", "variables": {"after": None}}},
    ]


async def test_a_ping_of_the_protocol_is_answered_before_and_after_the_acknowledgement() -> None:
    said: list[Any] = []

    async def script(socket: ServerConnection) -> None:
        await say(socket, type="ping")
        said.append(json.loads(await socket.recv()))  # the initialisation, sent before the ping was there
        said.append(json.loads(await socket.recv()))
        await say(socket, type="connection_ack")
        said.append(json.loads(await socket.recv()))
        await say(socket, type="ping", payload={"n": 1})
        said.append(json.loads(await socket.recv()))
        await say(socket, type="pong")
        await say(socket, id="1", type="complete")

    async with acting(script) as url:
        assert await heard(url) == []
    assert [message["type"] for message in said] == ["connection_init", "pong", "subscribe", "pong"]


@pytest.mark.parametrize(
    ("code", "becomes"),
    [
        (1000, Unreachable),
        (1001, Unreachable),
        (1011, Unreachable),
        (1012, Unreachable),
        (1013, Unreachable),
        (4408, Unreachable),
        (4999, Unreachable),
        (4403, TokenRefused),
        (1009, ProtocolBroken),
        (4400, ProtocolBroken),
        (4401, ProtocolBroken),
        (4406, ProtocolBroken),
        (4409, ProtocolBroken),
        (4429, ProtocolBroken),
    ],
)
@pytest.mark.parametrize("is_open", [False, True], ids=["at once", "later"])
async def test_each_way_to_close_says_what_to_do_next(code: int, becomes: type[Exception], is_open: bool) -> None:
    async def script(socket: ServerConnection) -> None:
        if is_open:
            await welcome(socket)
            await say(socket, id="1", type="next", payload={"data": {}})
        await socket.close(code, "because")

    async with acting(script) as url:
        with pytest.raises(becomes, match=f"{code} because"):
            await heard(url)


async def test_a_server_that_has_too_much_to_do_is_told_apart_from_one_that_is_away() -> None:
    async def script(socket: ServerConnection) -> None:
        await socket.close(1013)

    async with acting(script) as url:
        with pytest.raises(Unreachable) as busy:
            await heard(url)
    with pytest.raises(Unreachable) as away:
        await heard(url)

    assert (busy.value.code, away.value.code) == ("TRY_LATER", "NETWORK")


async def test_a_connection_that_is_reset_is_unreachable() -> None:
    async def script(socket: ServerConnection) -> None:
        await welcome(socket)
        socket.transport.abort()

    async with acting(script) as url:
        with pytest.raises(Unreachable, match="1006"):
            await heard(url)


@pytest.mark.parametrize("stage", ["no acknowledgement", "no first answer", "no pong"])
async def test_a_server_that_falls_silent_is_given_up_in_time(stage: str) -> None:
    async def script(socket: ServerConnection) -> None:
        if stage == "no acknowledgement":
            await socket.recv()
        else:
            await welcome(socket)
        if stage == "no pong":
            await say(socket, id="1", type="next", payload={"data": {}})
            socket.transport.pause_reading()
            await asyncio.sleep(1.5)
        else:
            await socket.wait_closed()

    async with acting(script, close_timeout=0.1) as url:
        began = asyncio.get_running_loop().time()
        with pytest.raises(Unreachable):
            await heard(url, HASTY)
        assert asyncio.get_running_loop().time() - began < 3


async def test_a_quiet_subscription_is_not_given_up() -> None:
    async def script(socket: ServerConnection) -> None:
        await welcome(socket)
        await say(socket, id="1", type="next", payload={"data": {"n": 1}})
        await asyncio.sleep(1.0)
        await say(socket, id="1", type="next", payload={"data": {"n": 2}})
        await say(socket, id="1", type="complete")

    async with acting(script) as url:
        assert await heard(url, HASTY) == [{"n": 1}, {"n": 2}]


@pytest.mark.parametrize(("status", "becomes"), [(403, NoSocket), (404, NoSocket), (426, NoSocket), (502, Unreachable)])
async def test_a_handshake_that_is_refused_shows_whether_sockets_get_through_at_all(
    status: int, becomes: type[Exception]
) -> None:
    def refuse(socket: ServerConnection, _: Request) -> Response:
        return socket.respond(status, "no")

    async def script(_: ServerConnection) -> None:
        return

    async with acting(script, process_request=refuse) as url:
        with pytest.raises(Unreachable) as refused:
            await heard(url)
    assert type(refused.value) is becomes


async def test_a_message_that_is_longer_than_any_may_be_leads_to_asking_by_pages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("daogou_client.wire._LARGEST", 1_000)

    async def script(socket: ServerConnection) -> None:
        await welcome(socket)
        await say(socket, id="1", type="next", payload={"data": {"x": "x" * 2_000}})
        await socket.wait_closed()

    async with acting(script) as url:
        with pytest.raises(NoSocket):
            await heard(url)


@pytest.mark.parametrize("text", ["no JSON", "[]", "{}", '{"type": "novelty"}', '"next"', '{"type": []}'])
async def test_a_message_that_is_none_of_the_protocols_is_a_bug(text: str) -> None:
    async def script(socket: ServerConnection) -> None:
        await welcome(socket)
        await socket.send(text)
        await socket.wait_closed()

    async with acting(script) as url:
        with pytest.raises(ProtocolBroken):
            await heard(url)


async def test_a_subscription_may_not_begin_with_an_answer() -> None:
    async def script(socket: ServerConnection) -> None:
        await say(socket, id="1", type="next", payload={"data": {}})
        await socket.wait_closed()

    async with acting(script) as url:
        with pytest.raises(ProtocolBroken, match="before the acknowledgement"):
            await heard(url)


@pytest.mark.parametrize(
    ("code", "becomes"),
    [
        ("UNAVAILABLE", Unreachable),
        ("TIMEOUT", Unreachable),
        ("INTERNAL", Unreachable),
        ("UNAUTHENTICATED", TokenRefused),
        ("FORBIDDEN", Rejected),
        ("GRAPHQL_VALIDATION_FAILED", Rejected),
    ],
)
@pytest.mark.parametrize("kind", ["error", "next"])
async def test_an_error_instead_of_an_answer_says_what_to_do_next(
    kind: str, code: str, becomes: type[Exception]
) -> None:
    errors = [{"message": "…", "extensions": {"code": code}}]

    async def script(socket: ServerConnection) -> None:
        await welcome(socket)
        await say(socket, id="1", type=kind, payload=errors if kind == "error" else {"data": None, "errors": errors})
        await socket.wait_closed()

    async with acting(script) as url:
        with pytest.raises(becomes):
            await heard(url)


# ---------------------------------------------------------------------------------------------------------------------
# HTTP


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[Http]:
    """A server that answers every request with these bytes, and with silence where there are none."""

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if not answer:
            await asyncio.sleep(5)
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve_one, "127.0.0.1", 0)
    http = Http(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", CALM if answer else HASTY)
    yield http
    await http.aclose()
    server.close()


def response(status: int, body: str, kind: str = "application/json") -> bytes:
    encoded = body.encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(encoded)}\r\nConnection: close\r\n\r\n"
    return head.encode() + encoded


def failed(code: str) -> str:
    return json.dumps({"data": None, "errors": [{"message": "…", "extensions": {"code": code}}]})


async def test_the_data_of_an_answer_comes_back() -> None:
    async with answering(response(200, '{"data": {"n": 1}}')) as http:
        assert await http.post("{ n }", {}) == {"n": 1}


@pytest.mark.parametrize(
    ("answer", "becomes", "code"),
    [
        (b"", Unreachable, "NETWORK"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", Unreachable, "NETWORK"),
        (response(200, "<html>Sign in to the mall's network</html>", "text/html"), Unreachable, "NETWORK"),
        (response(302, ""), Unreachable, "NETWORK"),
        (response(403, "no", "text/plain"), Unreachable, "NETWORK"),
        (response(413, "<html>too large</html>", "text/html"), Unreachable, "NETWORK"),
        (response(502, "bad gateway"), Unreachable, "NETWORK"),
        (response(200, "[]"), Unreachable, "NETWORK"),
        (response(200, '{"wifi": "paid"}'), Unreachable, "NETWORK"),
        (response(503, failed("UNAVAILABLE")), Unreachable, "UNAVAILABLE"),
        (response(429, failed("SLOWLY")), Unreachable, "SLOWLY"),
        (response(500, failed("INTERNAL")), Unreachable, "INTERNAL"),
        (response(200, failed("INTERNAL")), Unreachable, "INTERNAL"),
        (response(401, failed("SIGN_IN_ENDED")), TokenRefused, None),
        (response(200, failed("UNAUTHENTICATED")), TokenRefused, None),
        (response(400, failed("GRAPHQL_VALIDATION_FAILED")), Rejected, "GRAPHQL_VALIDATION_FAILED"),
        (response(200, '{"data": null}'), Unreachable, "NETWORK"),
        (response(400, '{"errors": []}'), Unreachable, "NETWORK"),
        (response(403, '{"errors": [{"message": "blocked by the gateway"}]}'), Unreachable, "NETWORK"),
    ],
)
async def test_only_the_servers_own_word_is_final(answer: bytes, becomes: type[Exception], code: str | None) -> None:
    async with answering(answer) as http, asyncio.timeout(20):
        with pytest.raises(becomes) as raised:
            await http.post("{ n }", {})
    assert getattr(raised.value, "code", None) == code


async def test_an_answer_that_trickles_without_end_is_given_up() -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(100):
            writer.write(b" ")
            await asyncio.sleep(0.05)

    server = await asyncio.start_server(trickle, "127.0.0.1", 0)
    http = Http(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", HASTY)
    async with asyncio.timeout(3):
        with pytest.raises(Unreachable):
            await http.post("{ n }", {})
    await http.aclose()
    server.close()


async def test_a_refused_token_is_replaced_once_and_a_second_refusal_is_passed_on() -> None:
    asked: list[str | None] = []

    async def tokens(refused: str | None) -> str:
        asked.append(refused)
        return f"token {len(asked)}"

    async with answering(response(401, failed("SIGN_IN_ENDED"))) as http:
        server = Server(http._url.removesuffix("/graphql"), tokens, CALM)
        with pytest.raises(TokenRefused):
            await server.ask("{ n }", {})
        await server.aclose()

    assert asked == [None, "token 1"]


@pytest.mark.parametrize(
    ("url", "socket"),
    [
        ("http://h:8000", "ws://h:8000/graphql"),
        ("https://h/", "wss://h/graphql"),
        ("https://h/a/b", "wss://h/a/b/graphql"),
    ],
)
async def test_the_address_of_the_socket_follows_from_that_of_the_server(url: str, socket: str) -> None:
    async def tokens(_: str | None) -> str:
        return ""

    server = Server(url, tokens)
    assert server._socket_url == socket
    await server.aclose()
