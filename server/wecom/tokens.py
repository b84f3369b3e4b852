"""The token that every call needs: one for all processes, asked for by one of them at a time.

A corp's token lasts two hours and may end earlier (40014, 42001). Whoever finds it ended says which one that was; only
the first of them asks for another. A wrong secret is not presented again for ten minutes: WeCom shuts out who goes on.
"""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from arq.connections import ArqRedis
from redis.asyncio.lock import Lock
from redis.exceptions import LockError, RedisError

from handover.partner import PartnerAway, PartnerRefused
from kernel.crypto import Unreadable, Vault
from server.wecom import words
from server.wecom.wire import ANSWER_SECONDS, Said, Wire

PATH = "gettoken"
SPARE_SECONDS = 300  # before it ends; also what clocks may differ by
SHORTEST_SECONDS = 60
REFUSED_SECONDS = 600
_WAIT_SECONDS = ANSWER_SECONDS + 2
_REFUSALS = frozenset({words.BAD_SECRET, 40013, 40125})
_AWAY = (RedisError, OSError, TimeoutError)

log = logging.getLogger(__name__)


class Tokens:
    """The token of one brand's corp and secret, sealed in Redis; while that is away, a process has one of its own."""

    def __init__(self, redis: ArqRedis, wire: Wire, vault: Vault, brand_id: UUID, corp_id: str, secret: str) -> None:
        self._redis = redis
        self._wire = wire
        self._vault = vault
        self._brand_id = brand_id
        self._asked = {"corpid": corp_id, "corpsecret": secret}
        mark = hashlib.sha256(f"{corp_id} {secret}".encode()).hexdigest()[:16]
        self._name = f"daogou:wecom:{brand_id}:{mark}"
        self._turn = asyncio.Lock()
        self._own: str | None = None

    async def current(self) -> str:
        """A token that counts, as far as is known. Raises `PartnerAway`, `PartnerRefused`."""
        return await self._kept() or await self.renewed(None)

    async def renewed(self, ended: str | None) -> str:
        """Another one than `ended`; asked for once, however many want it."""
        async with self._turn, self._turn_of_all():
            kept = await self._kept()
            if kept is not None and kept != ended:
                return kept
            await self._require_not_refused()
            return await self._keep(await self._wire.get(PATH, self._asked))

    async def _kept(self) -> str | None:
        try:
            sealed = await self._redis.get(self._name)
        except _AWAY as error:
            log.warning("wecom_token_alone", extra={"error": type(error).__name__})
            return self._own
        try:
            return None if sealed is None else self._vault.open(self._brand_id, sealed)
        except Unreadable:
            return None

    async def _keep(self, said: Said) -> str:
        if said["errcode"] != 0:
            await self._note_refused(said["errcode"])
            raise _refusal(said)
        token, seconds = said.get("access_token"), said.get("expires_in")
        if not isinstance(token, str) or not token or type(seconds) is not int:
            raise PartnerAway(f"{PATH}: no token")
        self._own = token
        with suppress(*_AWAY):
            lasting = max(seconds - SPARE_SECONDS, SHORTEST_SECONDS)
            await self._redis.set(self._name, self._vault.seal(self._brand_id, token), ex=lasting)
        return token

    async def _note_refused(self, code: int) -> None:
        if code in _REFUSALS:
            with suppress(*_AWAY):
                await self._redis.set(f"{self._name}:refused", code, ex=REFUSED_SECONDS)

    async def _require_not_refused(self) -> None:
        with suppress(*_AWAY):
            code = await self._redis.get(f"{self._name}:refused")
            if code is not None:
                raise PartnerRefused(int(code), words.meaning(int(code), None))

    @asynccontextmanager
    async def _turn_of_all(self) -> AsyncIterator[None]:
        """One process at a time; alone while Redis is away. Who dies with it keeps the others waiting for seconds."""
        lock = Lock(
            self._redis, f"{self._name}:turn", timeout=_WAIT_SECONDS, sleep=0.05, blocking_timeout=_WAIT_SECONDS
        )
        has_it = False
        try:
            has_it = await lock.acquire()
        except _AWAY as error:
            log.warning("wecom_token_alone", extra={"error": type(error).__name__})
        else:
            if not has_it:
                raise PartnerAway(f"{PATH}: another process is at it")
        try:
            yield
        finally:
            if has_it:
                with suppress(LockError, *_AWAY):
                    await lock.release()


def _refusal(said: Said) -> Exception:
    code = said["errcode"]
    if code in (words.BUSY, words.TOO_OFTEN, words.TOO_MANY_AT_ONCE):
        return PartnerAway(f"{PATH}: {code}", 60.0)
    return PartnerRefused(code, words.meaning(code, said.get("errmsg")))
