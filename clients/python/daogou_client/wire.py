"""Talk to the server: GraphQL over HTTP, and subscriptions over graphql-transport-ws. Nothing waits without end."""

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from functools import cache
from typing import Any, NoReturn
from urllib.parse import urlsplit

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from daogou_client.errors import NoSocket, ProtocolBroken, Rejected, TokenRefused, Unreachable
from daogou_client.news import Json
from daogou_client.pauses import Patience

TokenSource = Callable[[str | None], Awaitable[str]]
"""Gives an access token. It is called with the token that was just refused, or with `None` for the present one."""

_PROTOCOL = Subprotocol("graphql-transport-ws")
_ACCEPT = "application/graphql-response+json, application/json"
_NOT_SIGNED_IN = {"UNAUTHENTICATED", "SIGN_IN_ENDED", "BAD_TOKEN"}
TRANSIENT = {"UNAVAILABLE", "TIMEOUT", "TOO_MANY_OPERATIONS", "INTERNAL"}
# 4408: the network was too slow for the first message. Every other code of the protocol's own is a bug.
_FATAL = {4400, 4401, 4406, 4409, 4429}
_TOKEN_REFUSED = 4403
_TOO_LONG = 1009
_TRY_LATER = 1013
_LARGEST = 64 * 1024 * 1024  # bytes of a message: a batch of 500 rows, however long their texts


@cache
def _trusted() -> ssl.SSLContext:
    """Whom to trust. Reading all certificates takes 60 ms, so it is done once for all phones of a program."""
    return httpx2.create_ssl_context()


class Http:
    """Queries and mutations, one request each."""

    def __init__(self, url: str, patience: Patience | None = None) -> None:
        self._url = _at(url, "graphql")
        self._patience = patience or Patience()
        timeout = httpx2.Timeout(self._patience.answer, connect=self._patience.connect)
        self._client = httpx2.AsyncClient(timeout=timeout, verify=_trusted())

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def post(self, document: str, variables: Json, token: str | None = None) -> Json:
        """The data of the answer. Raises `Unreachable`, `TokenRefused`, `Rejected`."""
        headers = {"Accept": _ACCEPT} | ({"Authorization": f"Bearer {token}"} if token is not None else {})
        try:
            # Around all of it: the client's own time-outs begin anew with every byte.
            async with asyncio.timeout(self._patience.connect + self._patience.answer):
                response = await self._client.post(
                    self._url, json={"query": document, "variables": variables}, headers=headers
                )
        except (httpx2.TransportError, httpx2.DecodingError, TimeoutError, OSError) as error:
            raise Unreachable(repr(error)) from error
        return _data(response)


class Server:
    """The server as one signed-in person sees it."""

    def __init__(self, url: str, tokens: TokenSource, patience: Patience | None = None) -> None:
        self._socket_url = _at(url, "graphql", is_socket=True)
        self._tokens = tokens
        self._patience = patience or Patience()
        self._http = Http(url, self._patience)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def ask(self, document: str, variables: Json) -> Json:
        """The data of an answer, with a fresh token where the present one is refused.

        Raises `Unreachable`, `Rejected`, `TokenRefused` if a fresh one is refused too, and what the tokens raise.
        """
        token = await self._tokens(None)
        try:
            return await self._http.post(document, variables, token)
        except TokenRefused:
            return await self._http.post(document, variables, await self._tokens(token))

    async def hear(self, document: str, variables: Json) -> AsyncGenerator[Json, None]:
        """The data of a subscription's answers, to its end. Raises what `ask` raises, and `ProtocolBroken`."""
        token = await self._tokens(None)
        try:
            async with aclosing(subscribe(self._socket_url, token, document, variables, self._patience)) as answers:
                async for data in answers:
                    yield data
        except TokenRefused:
            await self._tokens(token)
            raise


async def subscribe(
    url: str, token: str, document: str, variables: Json, patience: Patience
) -> AsyncGenerator[Json, None]:
    """The data of a subscription's answers over a socket of its own.

    Raises `Unreachable` when the socket is lost, `NoSocket` where none gets through, `TokenRefused`, `Rejected`
    and `ProtocolBroken`.
    """
    try:
        async with connect(
            url,
            subprotocols=[_PROTOCOL],
            open_timeout=patience.connect,
            # A line that is dead in one direction only says nothing: these find out.
            ping_interval=patience.ping,
            ping_timeout=patience.ping,
            close_timeout=1.0,
            max_size=_LARGEST,
            compression=None,
        ) as socket:
            await _open(socket, token, patience)
            await _say(socket, id="1", type="subscribe", payload={"query": document, "variables": variables})
            within: float | None = patience.answer  # the first answer comes at once, the next when there is news
            while (answer := await _next(socket, within)) is not None:
                within = None
                yield answer
    except ConnectionClosed as closed:
        _raise_closed(closed)
    except InvalidStatus as error:
        status = error.response.status_code
        raise (Unreachable if status >= 500 else NoSocket)(f"the handshake was answered with {status}") from error
    except (InvalidHandshake, TimeoutError) as error:
        raise Unreachable(repr(error), "HANDSHAKE") from error
    except OSError as error:
        raise Unreachable(repr(error)) from error


async def _open(socket: ClientConnection, token: str, patience: Patience) -> None:
    await _say(socket, type="connection_init", payload={"Authorization": f"Bearer {token}"})
    while (message := await _hear(socket, patience.answer))["type"] != "connection_ack":
        if message["type"] not in ("ping", "pong"):
            raise ProtocolBroken(f"{message['type']} came before the acknowledgement")


async def _next(socket: ClientConnection, within: float | None) -> Json | None:
    """The data of the next answer; `None` at the end."""
    while True:
        message = await _hear(socket, within)
        match message["type"]:
            case "next":
                return _unwrapped(message.get("payload"), 200)
            case "error":
                raise _error(message.get("payload"), 200)
            case "complete":
                return None
            case "ping" | "pong":
                continue
            case other:
                raise ProtocolBroken(f"{other!r} is no message of the protocol")


async def _hear(socket: ClientConnection, within: float | None) -> Json:
    async with asyncio.timeout(within):
        text = await socket.recv()
    try:
        message: Json = json.loads(text)
        kind = message["type"]
    except (ValueError, KeyError, TypeError) as error:
        raise ProtocolBroken(f"a message that can't be read: {error!r}") from error
    if kind == "ping":
        await _say(socket, type="pong")
    return message


async def _say(socket: ClientConnection, **message: Any) -> None:
    await socket.send(json.dumps(message))


def _raise_closed(closed: ConnectionClosed) -> NoReturn:
    is_ours = closed.sent is not None and not closed.rcvd_then_sent
    frame = closed.sent if is_ours else closed.rcvd
    code = frame.code if frame is not None else 1006
    said = f"closed with {code} {frame.reason if frame is not None else ''}".rstrip()
    if code == _TOKEN_REFUSED:
        raise TokenRefused(said) from closed
    if code == _TOO_LONG and is_ours:
        raise NoSocket(said) from closed  # more than we take in one message: asked for by pages, it is less
    if code in _FATAL or code == _TOO_LONG:
        raise ProtocolBroken(said) from closed
    raise Unreachable(said, "TRY_LATER" if code == _TRY_LATER else "NETWORK") from closed


def _data(response: httpx2.Response) -> Json:
    try:
        said = response.json()
    except ValueError as error:
        raise _not_ours(response.status_code) from error
    return _unwrapped(said, response.status_code)


def _unwrapped(said: Any, status: int) -> Json:
    match said:
        case {"errors": [_, *_] as errors}:
            raise _error(errors, status)
        case {"data": dict(data)}:
            return data
        case _:
            raise _not_ours(status)


def _error(errors: Any, status: int) -> Exception:
    match errors:
        case [{"message": str(message), "extensions": {"code": str(code)}}, *_]:
            pass
        case _:
            return _not_ours(status)
    if status == 401 or code in _NOT_SIGNED_IN:
        return TokenRefused(message)
    if status in (408, 429) or status >= 500 or code in TRANSIENT:
        return Unreachable(message, code)
    return Rejected(code, message)


def _not_ours(status: int) -> Unreachable:
    """What isn't an answer as our server gives it: a captive portal, a gateway, a firewall. It decides nothing."""
    return Unreachable(f"HTTP {status}, and no answer of the server's")


def _at(url: str, path: str, *, is_socket: bool = False) -> str:
    parts = urlsplit(url)
    scheme = parts.scheme.replace("http", "ws") if is_socket else parts.scheme
    return parts._replace(scheme=scheme, path=f"{parts.path.rstrip('/')}/{path}").geturl()
