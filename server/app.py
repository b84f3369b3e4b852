"""The web application: what answers at which path, and what it stands on while it runs."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from server.ground import standing
from server.settings import Settings
from server.worker import working


def create_app(settings: Settings) -> Starlette:
    """The application with these settings; its ground is opened when it starts."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            app.state.ground = await stack.enter_async_context(standing(settings))
            if settings.is_embedded:
                await stack.enter_async_context(working(app.state.ground, settings))
            yield

    return Starlette(routes=[Route("/healthz", _alive)], lifespan=lifespan)


async def _alive(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("ok\n")
