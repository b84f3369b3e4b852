"""Do a write once per key, however often a phone sends it."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import delete, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from kernel import clock
from kernel.actor import Actor
from kernel.crypto import Vault
from kernel.db import Json, UtcDateTime
from kernel.errors import Conflict, require_text

LONGEST_KEY = 100


class ClientMutation(SQLModel, table=True):
    """A write that was done under a key: what was asked, as a hash, and which rows answer it. No personal data."""

    __tablename__ = "client_mutation"

    brand_id: UUID = Field(primary_key=True)
    actor_id: UUID = Field(primary_key=True)
    key: str = Field(primary_key=True, max_length=LONGEST_KEY)
    operation: str = Field(max_length=64)
    request_hash: str = Field(max_length=64)
    result_ref: dict[str, Any] | None = Field(default=None, sa_type=Json)
    at: datetime = Field(sa_type=UtcDateTime)


class KeyReused(Conflict):
    """The key was used before for something else."""

    code = "IDEMPOTENCY_KEY_REUSED"
    en = "This idempotency key was used before for another request."
    zh = "这个幂等键已用于另一个请求。"


Reference = dict[str, Any]


def fingerprint(vault: Vault, brand_id: UUID, body: dict[str, Any]) -> str:
    """What is kept of a request to know it again. Keyed: phones and passwords could be guessed from a plain hash."""
    return vault.index(brand_id, orjson.dumps(body, option=orjson.OPT_SORT_KEYS, default=str).decode())


async def once(
    session: AsyncSession,
    actor: Actor,
    key: str | None,
    operation: str,
    request_hash: str,
    act: Callable[[], Awaitable[Reference]],
) -> Reference:
    """Run `act` and remember which rows answer it; under a known key, return those without acting.

    Two at once under one key wait for each other: the second finds the first one's answer.
    Without a key it just acts. A refusal is not remembered: it changed nothing, so asking again is safe.
    `request_hash` tells requests apart (see `fingerprint`). Raises `IDEMPOTENCY_KEY_REUSED` when the key
    came with another operation or request.
    """
    if key is None:
        return await act()
    key = require_text("idempotencyKey", key, longest=LONGEST_KEY)
    if not await _claim(session, actor, key, operation, request_hash):
        return await _remembered(session, actor, key, operation, request_hash)
    reference = await act()
    await session.execute(
        update(ClientMutation)
        .where(
            col(ClientMutation.brand_id) == actor.brand_id,
            col(ClientMutation.actor_id) == actor.id,
            col(ClientMutation.key) == key,
        )
        .values(result_ref=orjson.loads(orjson.dumps(reference)))
    )
    return reference


async def forget(session: AsyncSession, before: datetime) -> None:
    """Delete keys older than that instant; a phone offline for longer starts over anyway."""
    await session.execute(delete(ClientMutation).where(col(ClientMutation.at) < before))


async def _claim(session: AsyncSession, actor: Actor, key: str, operation: str, hashed: str) -> bool:
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    claimed = await session.scalar(
        insert(ClientMutation)
        .values(
            brand_id=actor.brand_id,
            actor_id=actor.id,
            key=key,
            operation=operation,
            request_hash=hashed,
            at=clock.now(),
        )
        .on_conflict_do_nothing()
        .returning(col(ClientMutation.key))
    )
    return claimed is not None


async def _remembered(session: AsyncSession, actor: Actor, key: str, operation: str, hashed: str) -> Reference:
    known = await session.get(ClientMutation, (actor.brand_id, actor.id, key))
    if known is None or known.operation != operation or known.request_hash != hashed:
        raise KeyReused
    return known.result_ref or {}
