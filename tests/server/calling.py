"""A mall that calls: what it signs, and what it says, in our own shape."""

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
from sqlalchemy import select
from sqlmodel import col
from standardwebhooks.webhooks import Webhook

from intake.commands import hooks
from intake.models import HookMessage, HookRefusal, schemes
from kernel import clock
from kernel.work import Ground, unit_of_work
from tests.asking import VAULT
from tests.factories import World
from tests.serving import Served


@dataclass(frozen=True)
class Mall:
    """A source that is connected, and a secret of its."""

    source_id: UUID
    slug: str
    secret: str

    @property
    def path(self) -> str:
        return f"/hooks/mall/{self.slug}"


async def connect(ground: Ground, world: World, mapping: str = "daogou", secret: str | None = None) -> Mall:
    """A mall of the world's brand, whose orders are of its first shop unless they say otherwise."""
    async with unit_of_work(ground, world.hq) as work:
        code = uuid4().hex[:12]
        source = await hooks.add_source(work, code, f"商城 {code}", mapping, world.shop.store.code)
    async with unit_of_work(ground, world.hq) as work:
        made = await hooks.add_secret(work, VAULT, source.id, secret)
    return Mall(source.id, source.slug, VAULT.open(world.brand.id, made.sealed))


def said(number: str | None = None, kind: str = "order", **values: Any) -> dict[str, Any]:
    """A paid order of 199.00 for one sweater, placed an hour ago; or another kind of message."""
    at = clock.now().replace(microsecond=0)
    usual = {
        "number": number or uuid4().hex,
        "placed_at": (at - timedelta(hours=1)).isoformat(),
        "updated_at": at.isoformat(),
        "state": "paid",
        "currency": "CNY",
        "amount": 19_900,
        "lines": [line()],
    }
    return {"type": kind, "timestamp": at.isoformat(), "data": usual | values}


def line(**values: Any) -> dict[str, Any]:
    """One sweater for 199.00."""
    return {"product": "P1", "sku": "P1-M", "name": "羊绒衫", "quantity": 1, "amount": 19_900} | values


def refunded(order_number: str, amount: int = 5_000, **values: Any) -> dict[str, Any]:
    """Money given back on an order."""
    at = clock.now().replace(microsecond=0).isoformat()
    usual = {
        "order_number": order_number,
        "number": uuid4().hex,
        "amount": amount,
        "currency": "CNY",
        "refunded_at": at,
        "updated_at": at,
    }
    return {"type": "refund", "timestamp": at, "data": usual | values}


def packed(content: Any) -> bytes:
    return content if isinstance(content, bytes) else json.dumps(content).encode()


def signed(secret: str, body: bytes, message_id: str | None = None, at: datetime | None = None) -> dict[str, str]:
    """The headers of Standard Webhooks, made by somebody else's program."""
    message_id, at = message_id or f"msg_{uuid4().hex}", at or clock.now()
    if not body.isascii():  # the reference program signs texts
        return schemes.sign(secret, message_id, at, body)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, at, body.decode()),
    }


async def call(
    served: Served,
    mall: Mall,
    content: Any,
    message_id: str | None = None,
    *,
    at: datetime | None = None,
    headers: Mapping[str, str] | None = None,
    secret: str | None = None,
) -> httpx2.Response:
    """Send a message as the mall does, or with other headers."""
    body = packed(content)
    shown = {"content-type": "application/json", "accept-language": "en"}
    signature = signed(secret or mall.secret, body, message_id, at)
    return await served.http.post(mall.path, content=body, headers=shown | signature | dict(headers or {}))


def by_body(secret: str, body: bytes) -> str:
    """The signature of Shopify and WooCommerce."""
    return b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


async def messages(ground: Ground, mall: Mall) -> list[HookMessage]:
    """What is kept of a mall, in the order in which it came."""
    async with ground.db.read() as session:
        found = await session.scalars(
            select(HookMessage).where(col(HookMessage.source_id) == mall.source_id).order_by(col(HookMessage.id))
        )
        return list(found)


async def refusals(served: Served, mall: Mall) -> list[tuple[int, str, str | None, bool]]:
    """The audit lines of a mall, once they are written."""
    await served.edge.hook_notes.drained(5.0)
    await served.edge.hook_notes.drained(5.0)
    async with served.ground.db.read() as session:
        found = await session.scalars(
            select(HookRefusal).where(col(HookRefusal.source_id) == mall.source_id).order_by(col(HookRefusal.id))
        )
        return [(each.status, each.code, each.place, each.is_signed) for each in found]
