"""Reads of service accounts."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import ServiceAccount
from kernel.actor import Actor

MachineRow = Row[*tuple[Any, ...]]


async def by_ids(session: AsyncSession, actor: Actor, machine_ids: Sequence[UUID]) -> dict[UUID, MachineRow]:
    """The service account that asks, if it is one of these; nobody sees another's."""
    found = await session.execute(
        select(col(ServiceAccount.id), col(ServiceAccount.name), col(ServiceAccount.scopes)).where(
            col(ServiceAccount.brand_id) == actor.brand_id,
            col(ServiceAccount.id).in_(machine_ids),
            col(ServiceAccount.id) == actor.id,
        )
    )
    return {row.id: row for row in found}
