"""The web application: what answers at which path, and what it stands on while it runs."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from ipaddress import ip_address

from sqlalchemy import text
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from kernel.work import Ground
from server import (
    commission_files,
    files,
    goods_files,
    graphql,
    handover_files,
    kpi_charts,
    kpi_files,
    metrics,
    migrating,
    negotiation,
    pages,
    segment_files,
    shares,
    sockets,
    tag_files,
)
from server.draining import Draining
from server.edge import Edge, address_of, open_edge
from server.ground import standing
from server.hooks import receiving
from server.metrics import Metrics
from server.middleware import Around
from server.settings import Settings
from server.wecom import callbacks
from server.worker import working

log = logging.getLogger(__name__)


def create_app(settings: Settings, ground: Ground | None = None) -> Starlette:
    """The application with these settings. Its ground is opened when it starts, unless one is given."""
    figures, draining = Metrics(), Draining()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stood_on = ground if ground is not None else await stack.enter_async_context(standing(settings))
            app.state.edge = edge = open_edge(settings, stood_on, figures, draining)
            if settings.is_embedded:
                # Briefly: the sockets have had their time by then, and a job that is stopped is done again.
                await stack.enter_async_context(working(stood_on, settings, grace=2))
            await stack.enter_async_context(edge.applier.running())
            await stack.enter_async_context(edge.hub.running())
            await stack.enter_async_context(edge.standing.minded())
            await stack.enter_async_context(edge.opens.finished())
            yield

    return Starlette(
        routes=_routes(settings),
        middleware=[Middleware(Around, metrics=figures, draining=draining), *_cors(settings)],
        lifespan=lifespan,
    )


def _routes(settings: Settings) -> list[Route | WebSocketRoute | Mount]:
    return [
        Route("/graphql", _graphql, methods=["GET", "POST"]),
        WebSocketRoute("/graphql", _socket),
        Route("/files/segments/{id}.csv", files.endpoint(segment_files.members)),
        *tag_files.ROUTES,
        *shares.ROUTES,
        *commission_files.ROUTES,
        *goods_files.ROUTES,
        *handover_files.ROUTES,
        *kpi_files.ROUTES,
        *kpi_charts.ROUTES,
        *receiving.ROUTES,
        *callbacks.ROUTES,
        Route("/", _home),
        Route("/welcome", _welcome),
        Route("/healthz", _alive),
        Route("/readyz", _ready),
        Route("/metrics", _metrics),
        Mount("/static", StaticFiles(directory=pages.FOLDER)),
    ]


def _cors(settings: Settings) -> list[Middleware]:
    if not settings.allowed_origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Accept-Language", "X-Request-Id"],
            expose_headers=["X-Request-Id"],
            max_age=600,
        )
    ]


def _edge(connection: Request | WebSocket) -> Edge:
    edge: Edge = connection.app.state.edge
    return edge


async def _graphql(request: Request) -> Response:
    edge = _edge(request)
    if not edge.settings.is_production and request.method != "POST":
        wanted = negotiation.media_type(request.headers.get("accept"), is_page=True)
        if wanted == negotiation.HTML:
            return pages.page("graphiql.html")
    return await graphql.answer(edge, request)


async def _socket(websocket: WebSocket) -> None:
    await sockets.converse(_edge(websocket), websocket)


async def _home(_request: Request) -> Response:
    return RedirectResponse("/welcome")


async def _welcome(_request: Request) -> Response:
    return pages.page("welcome.html")


async def _alive(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _ready(request: Request) -> Response:
    """Whether requests can be answered: the database is there, and has the schema that this program knows."""
    edge = _edge(request)
    if edge.draining.has_begun:
        return PlainTextResponse("shutting down\n", 503)
    try:
        async with edge.ground.db.read() as session:
            there = await session.scalar(text("SELECT version_num FROM alembic_version"))
    except Exception as error:
        log.warning("not_ready", extra={"error": type(error).__name__})
        return PlainTextResponse("the database can't be read\n", 503)
    if there != migrating.head():
        return PlainTextResponse("the database has another schema\n", 503)
    return PlainTextResponse("ok\n")


async def _metrics(request: Request) -> Response:
    edge = _edge(request)
    if edge.settings.is_production and not _is_local(request):
        return PlainTextResponse("not found\n", 404)
    return Response(edge.metrics.text(), media_type=metrics.CONTENT_TYPE)


def _is_local(request: Request) -> bool:
    """Whether the caller is on this machine, and not behind a proxy on it."""
    if "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        return False
    try:
        return ip_address(address_of(request)).is_loopback
    except ValueError:
        return False
