"""Serve the application on a loopback port, and talk to it as apps do."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from pydantic import SecretStr
from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from directory.models import SignIn
from kernel import clock, ids, redis
from kernel.actor import Actor
from kernel.db import Database
from kernel.work import Ground
from server import listening
from server import serving as product
from server.app import create_app
from server.edge import Edge
from server.settings import Environment, Settings
from server.tokens import Claims, Kind, Signer
from server.wiring import wiring
from tests.asking import KEY
from tests.factories import save
from tests.servers.processes import free_port

SECRET = "s" * 40
PROTOCOL = "graphql-transport-ws"
RESPONSE = "application/graphql-response+json"
PATIENCE = 10.0


class Server(product.Server):
    """A server that leaves the signals to the test runner."""

    def capture_signals(self) -> Any:
        return nullcontext()


@dataclass
class Served:
    """An application that is being served, and how to reach it."""

    ground: Ground
    app: Starlette
    port: int
    http: httpx2.AsyncClient
    server: Server
    running: asyncio.Task[None]

    @property
    def edge(self) -> Edge:
        edge: Edge = self.app.state.edge
        return edge

    def stop(self) -> None:
        """What SIGTERM does: the server begins to shut down."""
        self.server.should_exit = True

    async def stopped(self) -> None:
        """Return when the server has shut down."""
        async with asyncio.timeout(PATIENCE):
            await asyncio.shield(self.running)

    async def token(self, actor: Actor, *, until: datetime | None = None) -> str:
        """An access token of a new sign-in of the actor's."""
        return await token_of(self.ground, actor, until)

    async def post(
        self, body: Any, actor: Actor | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        """POST JSON to the endpoint, as somebody or nobody."""
        shown = {"Authorization": f"Bearer {await self.token(actor)}"} if actor is not None else {}
        return await self.http.post("/graphql", json=body, headers={**shown, **(headers or {})})

    async def ask(self, document: str, actor: Actor | None = None, **variables: Any) -> Any:
        """The data of an answer without errors."""
        answer = (await self.post({"query": document, "variables": variables}, actor)).json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    @asynccontextmanager
    async def dial(self, **options: Any) -> AsyncIterator["Line"]:
        """An open socket on which nothing was said yet."""
        options = {"subprotocols": [Subprotocol(PROTOCOL)], "compression": None} | options
        async with connect(f"ws://127.0.0.1:{self.port}/graphql", **options) as connection:
            yield Line(connection)

    @asynccontextmanager
    async def line(self, actor: Actor | None = None, **options: Any) -> AsyncIterator["Line"]:
        """A socket that is ready for operations, as somebody or nobody."""
        async with self.dial(**options) as line:
            payload = {"Authorization": f"Bearer {await self.token(actor)}"} if actor is not None else {}
            await line.say(type="connection_init", payload=payload)
            assert await line.hear() == {"type": "connection_ack"}
            yield line


@dataclass
class Line:
    """A client's end of a socket."""

    connection: ClientConnection

    async def say(self, **message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def subscribe(self, name: str, document: str, **variables: Any) -> None:
        await self.say(id=name, type="subscribe", payload={"query": document, "variables": variables})

    async def hear(self, within: float = PATIENCE) -> Any:
        """The next message."""
        async with asyncio.timeout(within):
            return json.loads(await self.connection.recv())

    async def close_code(self, within: float = PATIENCE) -> int | None:
        """The code that the server closes the socket with."""
        async with asyncio.timeout(within):
            await self.connection.wait_closed()
        return self.connection.close_code


async def token_of(ground: Ground, actor: Actor, until: datetime | None = None) -> str:
    """An access token of a new sign-in, for any server with the tests' key."""
    at = clock.now()
    begun = SignIn(
        brand_id=actor.brand_id,
        id=ids.new(),
        staff_id=actor.staff_id,
        created_at=at,
        expires_at=at + timedelta(days=1),
    )
    await save(ground, begun)
    until = until or at + timedelta(minutes=15)
    return Signer(SECRET).sign(Claims(actor.brand_id, actor.id, begun.id, Kind.STAFF, until))


def settings(**values: Any) -> Settings:
    """Settings with keys that only tests know."""
    usual: dict[str, Any] = {
        "secret_key": SecretStr(SECRET),
        "data_key": SecretStr(base64.b64encode(KEY).decode()),
        "daogou_env": Environment.DEVELOPMENT,
        # The application doesn't open it: the ground is given. A worker of its own would only be in the way.
        "redis_url": SecretStr("redis://127.0.0.1:1"),
    }
    return Settings(**usual | values)


@asynccontextmanager
async def serving(ground: Ground, **values: Any) -> AsyncIterator[Served]:
    """The application on this ground, served as the product serves it, for as long as the block lasts."""
    port = free_port()
    taken = listening.listen(settings(port=port))
    app = create_app(settings(**values), ground)
    server = Server(app)
    task = asyncio.create_task(server.serve(sockets=[taken]))
    try:
        async with asyncio.timeout(PATIENCE):
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
            yield Served(ground, app, port, client, server, task)
    finally:
        server.should_exit = True
        await task
        taken.close()


@asynccontextmanager
async def serving_nothing(template: Path) -> AsyncIterator[Served]:
    """The application on an empty SQLite file, for what never gets as far as a row."""
    ground = Ground(Database(f"sqlite:///{template}"), redis.connect(None), wiring)
    async with serving(ground) as served:
        yield served
    await ground.redis.aclose(close_connection_pool=True)
    await ground.db.close()
