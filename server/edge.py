"""What both wires share: who is calling, in which language, and what an operation is given."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from kernel.actor import Actor
from kernel.crypto import Vault
from kernel.work import Ground
from schema.context import Context
from schema.live import Readings
from server.auth import Auth, Caller, open_auth
from server.draining import Draining
from server.drawings import Drawings
from server.hooks.applier import Applier
from server.hooks.noting import Notes
from server.hub import Hub
from server.metrics import Metrics
from server.opens import Opens
from server.refusals import BadToken
from server.settings import Settings
from server.standing import Standing
from server.wiring import handlers

OPERATION_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Edge:
    """One per process: what requests and sockets need of it."""

    settings: Settings
    ground: Ground
    vault: Vault
    auth: Auth
    hub: Hub
    readings: Readings
    standing: Standing
    opens: Opens
    metrics: Metrics
    draining: Draining
    applier: Applier
    hook_notes: Notes
    drawings: Drawings

    async def caller(self, authorization: str | None) -> Caller | None:
        """Who shows this header; `None` if nobody shows anything. Raises `SIGN_IN_ENDED`, `BAD_TOKEN`."""
        if authorization is None:
            return None
        scheme, _, token = authorization.strip().partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise BadToken
        return await self.auth.who(token.strip())

    def context(self, actor: Actor | None, *, language: str, address: str, request_id: str) -> Context:
        """What one operation is given."""
        return Context(
            ground=self.ground,
            vault=self.vault,
            auth=self.auth,
            hub=self.hub,
            readings=self.readings,
            signed_in=actor,
            language=language,
            address=address,
            public_url=self.settings.public_address,
            request_id=request_id,
            may_introspect=not self.settings.is_production,
            allows_loopback=self.settings.is_embedded,
        )


def open_edge(settings: Settings, ground: Ground, metrics: Metrics, draining: Draining) -> Edge:
    """The edge of a process that stands on this ground."""
    vault = Vault(settings.data_key_bytes)
    return Edge(
        settings=settings,
        ground=ground,
        vault=vault,
        auth=open_auth(ground, settings),
        hub=Hub(ground),
        readings=Readings(ground.db),
        standing=Standing(ground),
        opens=Opens(ground, vault),
        metrics=metrics,
        draining=draining,
        applier=Applier(ground, handlers(vault)),
        hook_notes=Notes(ground),
        drawings=Drawings(settings.daogou_home),
    )


def address_of(connection: HTTPConnection) -> str:
    """Where a request or socket comes from."""
    return connection.client.host if connection.client is not None else ""


def is_same_origin(headers: Mapping[str, str], allowed: tuple[str, ...]) -> bool:
    """Whether a browser's page may open a socket here: a page of ours, or of an allowed origin. Apps send none."""
    origin = headers.get("origin")
    if origin is None:
        return True
    _, _, host = origin.rstrip("/").partition("://")
    # Without the scheme: behind a proxy that ends TLS it isn't known here.
    return origin.rstrip("/") in allowed or (host != "" and host.lower() == headers.get("host", "").lower())
