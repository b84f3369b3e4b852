"""Write down who looked at, or changed, what must be answered for later."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col

from kernel import clock, ids
from kernel.actor import Actor
from kernel.db import Json, UtcDateTime


class AuditEntry(SQLModel, table=True):
    """One act worth answering for: ids and codes only, no personal data."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_brand_id_at", "brand_id", "at"),
        Index("ix_audit_entry_actor", "brand_id", "actor_id", "action", "at"),
    )

    brand_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    actor_id: UUID
    action: str = Field(max_length=64)
    entity_type: str = Field(max_length=32)
    entity_id: UUID
    detail: dict[str, Any] = Field(sa_type=Json)
    at: datetime = Field(sa_type=UtcDateTime)


async def write(
    session: AsyncSession,
    actor: Actor,
    action: str,
    entity_type: str,
    entity_id: UUID,
    detail: dict[str, Any] | None = None,
) -> UUID:
    """Add a line to the brand's audit log, in the caller's transaction, and return its id."""
    entry_id = ids.new()
    await session.execute(
        insert(AuditEntry),
        {
            "brand_id": actor.brand_id,
            "id": entry_id,
            "actor_id": actor.id,
            "action": action,
            "entity_type": entity_type,
            "entity_id": entity_id,
            "detail": detail or {},
            "at": clock.now(),
        },
    )
    return entry_id


async def get(session: AsyncSession, actor: Actor, entry_id: UUID) -> AuditEntry | None:
    """One line of the log of the actor's brand."""
    return await session.get(AuditEntry, (actor.brand_id, entry_id))


async def count_since(session: AsyncSession, actor: Actor, action: str, since: datetime) -> int:
    """How often the actor has done that from then on."""
    count: int | None = await session.scalar(
        select(func.count())
        .select_from(AuditEntry)
        .where(
            col(AuditEntry.brand_id) == actor.brand_id,
            col(AuditEntry.at) >= since,
            col(AuditEntry.actor_id) == actor.id,
            col(AuditEntry.action) == action,
        )
    )
    return count or 0
