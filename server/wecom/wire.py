"""One request to WeCom: in time, within its limits, and answered with an object that has a code."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx2
import orjson

from handover.partner import PartnerAway
from server.wecom.limits import Limits

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 10.0
MOST_BYTES = 4 * 1024 * 1024

Said = Mapping[str, Any]


class NotSent(PartnerAway):
    """Nobody was reached: nothing was asked, and asking again can't do it twice."""


class Wire:
    """Requests of one corp. What goes wrong never quotes the address: the secret and the token are part of it."""

    def __init__(self, address: str, http: httpx2.AsyncClient, limits: Limits) -> None:
        self._base = f"{address.rstrip('/')}/cgi-bin/"
        self._http = http
        self.limits = limits

    async def get(self, path: str, params: Mapping[str, str]) -> Said:
        return await self._send("GET", path, params, None)

    async def post(self, path: str, params: Mapping[str, str], body: Said) -> Said:
        return await self._send("POST", path, params, body)

    async def _send(self, method: str, path: str, params: Mapping[str, str], body: Said | None) -> Said:
        async with self.limits.room(path):
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    status, content = await self._exchange(method, path, params, body)
            except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
                raise NotSent(f"{path}: {type(error).__name__}") from None
            except (httpx2.HTTPError, TimeoutError) as error:
                raise PartnerAway(f"{path}: {type(error).__name__}") from None
        if status != httpx2.codes.OK:
            raise PartnerAway(f"{path}: HTTP {status}")
        return _read(path, content)

    async def _exchange(
        self, method: str, path: str, params: Mapping[str, str], body: Said | None
    ) -> tuple[int, bytes]:
        content = None if body is None else orjson.dumps(body)
        headers = {"Content-Type": "application/json"}
        parts, length = [], 0
        async with self._http.stream(
            method, self._base + path, params=dict(params), content=content, headers=headers
        ) as answer:
            async for part in answer.aiter_bytes():
                parts.append(part)
                length += len(part)
                if length > MOST_BYTES:
                    raise PartnerAway(f"{path}: an answer of more than {MOST_BYTES} bytes")
            return answer.status_code, b"".join(parts)


def _read(path: str, content: bytes) -> Said:
    try:
        said = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise PartnerAway(f"{path}: no JSON") from None
    if not isinstance(said, dict) or type(said.get("errcode")) is not int:
        raise PartnerAway(f"{path}: no code")
    return said
