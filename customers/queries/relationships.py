"""Reads of relationships."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Relationship
from customers.policy import relationships_visible_to
from kernel.actor import Actor
from kernel.errors import NotFound


async def lock(session: AsyncSession, actor: Actor, relationship_id: UUID) -> Relationship:
    """The relationship, kept from other writers until the commit. `NOT_FOUND` if it isn't in sight."""
    return await _one(session, _visible(actor).where(col(Relationship.id) == relationship_id))


async def lock_of_customer(session: AsyncSession, actor: Actor, customer_id: UUID) -> Relationship:
    """The relationship through which the actor sees a customer, locked; the primary one where there are several."""
    return await _one(session, _visible(actor).where(col(Relationship.customer_id) == customer_id))


def _visible(actor: Actor) -> Select[Relationship]:
    return (
        select(Relationship)
        .where(relationships_visible_to(actor))
        .order_by(col(Relationship.is_primary).desc(), col(Relationship.id))
        .limit(1)
        .with_for_update()
    )


async def _one(session: AsyncSession, statement: Select[Any]) -> Relationship:
    relationship: Relationship | None = await session.scalar(statement)
    if relationship is None:
        raise NotFound
    return relationship
