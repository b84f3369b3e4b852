"""Post a notice to where the brand wants to hear of it, signed as Standard Webhooks says."""

import asyncio
import socket
from typing import Any
from uuid import UUID

import httpx2
import orjson

from intake.models.schemes import sign
from kernel import clock
from kernel.crypto import Vault
from kernel.work import Ground
from kpi.models.addresses import may_post_to
from kpi.queries import hooks

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 10.0


class NotPosted(Exception):
    """Nobody took it: the job is tried again."""


async def post_notice(vault: Vault, allows_loopback: bool, ground: Ground, brand_id: UUID, *, notice_id: str) -> None:
    """Post it, if the brand still wants that. Whoever gets it twice knows it by the notice's id.

    Raises `NotPosted` unless it is answered with a 2xx in time; redirects aren't followed.
    """
    async with ground.db.read() as session:
        parcel = await hooks.parcel(session, brand_id, UUID(notice_id))
    if parcel is None:
        return
    body = orjson.dumps(_said(parcel))
    headers = sign(vault.open(brand_id, parcel.sealed), notice_id, clock.now(), body)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            status = await _post(parcel.url, headers, body, allows_loopback=allows_loopback)
    except (httpx2.HTTPError, OSError, TimeoutError) as error:
        raise NotPosted(type(error).__name__) from None
    if not 200 <= status < 300:
        raise NotPosted(f"HTTP {status}")


async def _post(url: str, headers: dict[str, str], body: bytes, *, allows_loopback: bool) -> int:
    """The status of the answer; what else it says is not read.

    The name is looked up once, and the very address that was judged is connected to: a name that leads elsewhere a
    moment later leads nobody into our network. For the same reason no proxy of the environment's is used.
    """
    asked = httpx2.URL(url)
    address = await _address(asked, allows_loopback=allows_loopback)
    headers = headers | {"Host": asked.netloc.decode(), "Content-Type": "application/json"}
    timeout = httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
    async with (
        httpx2.AsyncClient(timeout=timeout, follow_redirects=False, trust_env=False) as client,
        client.stream(
            "POST",
            asked.copy_with(host=address),
            content=body,
            headers=headers,
            extensions={"sni_hostname": asked.host},
        ) as answer,
    ):
        return answer.status_code


async def _address(url: httpx2.URL, *, allows_loopback: bool) -> str:
    port = url.port or (443 if url.scheme == "https" else 80)
    found = await asyncio.get_running_loop().getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    addresses = [str(place[0]) for *_, place in found]
    if not addresses or not all(may_post_to(each, allows_loopback=allows_loopback) for each in addresses):
        raise NotPosted("an address within a network of our own")
    return addresses[0]


def _said(parcel: Any) -> dict[str, Any]:
    """Nothing of any customer's is in it."""
    return {
        "type": "kpi.notice",
        "timestamp": parcel.sent_at,
        "data": {
            "brand": parcel.brand,
            "staff": parcel.staff,
            "kind": parcel.kind,
            "day": parcel.day,
            **parcel.content,
        },
    }
