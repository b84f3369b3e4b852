"""Reads of relationships."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Customer, Holding, Relationship
from customers.policy import holdings_visible_to, is_live, relationships_visible_to
from directory.models import Account
from kernel.actor import Actor
from kernel.db import OneOf
from kernel.errors import NotFound
from kernel.pages import along

RelationshipRow = Row[*tuple[Any, ...]]
HoldingRow = Row[*tuple[Any, ...]]

_LOCKED = (
    select(
        col(Relationship.id),
        col(Relationship.customer_id),
        col(Relationship.store_id),
        col(Relationship.holder_id),
        col(Relationship.version),
    )
    .where(OneOf(col(Relationship.id), "relationship_ids"))
    .order_by(col(Relationship.id))
    .with_for_update(key_share=True)
)


async def lock(session: AsyncSession, actor: Actor, relationship_id: UUID) -> Relationship:
    """The relationship, kept from other writers until the commit. `NOT_FOUND` if it isn't in sight."""
    return await _one(session, _visible(actor).where(col(Relationship.id) == relationship_id))


async def lock_of_customer(session: AsyncSession, actor: Actor, customer_id: UUID) -> Relationship:
    """The relationship through which the actor sees a customer, locked; the primary one where there are several."""
    return await _one(session, _visible(actor).where(col(Relationship.customer_id) == customer_id))


async def hold_many(
    session: AsyncSession, brand_id: UUID, relationship_ids: Collection[UUID]
) -> dict[UUID, RelationshipRow]:
    """Those of the relationships that live; they change hands only after the commit. Others may keep them so too."""
    found = await session.execute(
        select(*Relationship.__table__.columns)  # type: ignore[attr-defined]  # set by SQLModel
        .where(col(Relationship.brand_id) == brand_id, col(Relationship.id).in_(relationship_ids), is_live())
        .order_by(col(Relationship.id))
        .with_for_update(read=True)
    )
    return {row.id: row for row in found}


async def lock_many(
    session: AsyncSession, brand_id: UUID, relationship_ids: Collection[UUID]
) -> Sequence[RelationshipRow]:
    """These relationships, locked in the order of their keys, whoever sees them: for what moves many.

    Rows of `id, customer_id, store_id, holder_id, version`.
    """
    found = await session.execute(
        _LOCKED.where(col(Relationship.brand_id) == brand_id), {"relationship_ids": list(relationship_ids)}
    )
    return found.all()


async def get(session: AsyncSession, actor: Actor, relationship_id: UUID) -> Relationship:
    """The relationship. `NOT_FOUND` if it isn't in sight."""
    return await _one(
        session,
        select(Relationship).where(col(Relationship.id) == relationship_id, relationships_visible_to(actor)),
    )


async def of_customer(session: AsyncSession, customer: Customer) -> Sequence[Relationship]:
    """All that the customer lives in, in sight or not: what a rule over all of them decides on."""
    found = await session.scalars(
        select(Relationship)
        .where(col(Relationship.brand_id) == customer.brand_id, col(Relationship.customer_id) == customer.id, is_live())
        .order_by(col(Relationship.id))
        .with_for_update(key_share=True)
        # One that was read before it was locked may have changed since.
        .execution_options(populate_existing=True)
    )
    return found.all()


async def open_holding(session: AsyncSession, relationship: Relationship) -> Holding:
    """The line of the history that says who holds the relationship at present."""
    holding = await session.scalar(
        select(Holding).where(
            col(Holding.brand_id) == relationship.brand_id,
            col(Holding.relationship_id) == relationship.id,
            col(Holding.until_at).is_(None),
        )
    )
    if holding is None:
        raise LookupError(f"relationship {relationship.id} has no open holding")
    return holding


async def count_held_by(session: AsyncSession, brand_id: UUID, staff_id: UUID) -> int:
    """How many relationships a staff member's accounts hold, in whatever store."""
    return await _count(
        session,
        select(func.count())
        .select_from(Relationship)
        .join(
            Account,
            and_(col(Account.brand_id) == col(Relationship.brand_id), col(Account.id) == col(Relationship.holder_id)),
        )
        .where(col(Account.brand_id) == brand_id, col(Account.staff_id) == staff_id, is_live()),
    )


async def count_of_store(session: AsyncSession, brand_id: UUID, store_id: UUID) -> int:
    """How many relationships a store owns, without those that have ended."""
    return await _count(
        session,
        select(func.count())
        .select_from(Relationship)
        .where(col(Relationship.brand_id) == brand_id, col(Relationship.store_id) == store_id, is_live()),
    )


async def by_ids(session: AsyncSession, actor: Actor, relationship_ids: Sequence[UUID]) -> dict[UUID, RelationshipRow]:
    """Those of the relationships that are in sight."""
    found = await session.execute(_rows(actor).where(col(Relationship.id).in_(relationship_ids)))
    return {row.id: row for row in found}


async def of_customers(
    session: AsyncSession, actor: Actor, customer_ids: Sequence[UUID]
) -> dict[UUID, list[RelationshipRow]]:
    """The relationships in sight of each customer, the primary one first, then the oldest."""
    found = await session.execute(
        _rows(actor)
        .where(col(Relationship.customer_id).in_(customer_ids))
        .order_by(col(Relationship.is_primary).desc(), col(Relationship.created_at), col(Relationship.id))
    )
    by_customer: dict[UUID, list[RelationshipRow]] = {customer_id: [] for customer_id in customer_ids}
    for row in found:
        by_customer[row.customer_id].append(row)
    return by_customer


async def holdings(
    session: AsyncSession, actor: Actor, relationship_ids: Sequence[UUID], most: int
) -> dict[UUID, list[HoldingRow]]:
    """Who held each relationship from when to when, the latest first, at most `most` of each."""
    place = func.row_number().over(
        partition_by=col(Holding.relationship_id), order_by=(col(Holding.from_at).desc(), col(Holding.id).desc())
    )
    numbered = (
        select(*Holding.__table__.columns, place.label("place"))  # type: ignore[attr-defined]  # set by SQLModel
        .where(holdings_visible_to(actor), col(Holding.relationship_id).in_(relationship_ids))
        .subquery()
    )
    found = await session.execute(select(numbered).where(numbered.c.place <= most).order_by(numbered.c.place))
    by_relationship: dict[UUID, list[HoldingRow]] = {relationship_id: [] for relationship_id in relationship_ids}
    for row in found:
        by_relationship[row.relationship_id].append(row)
    return by_relationship


async def walk(
    session: AsyncSession, actor: Actor, after: UUID | None, most: int, of: Sequence[UUID] | None = None
) -> Sequence[RelationshipRow]:
    """Relationships in sight by id: all of them, or some of these."""
    rows = _rows(actor)
    if of is not None:
        rows = rows.where(col(Relationship.id).in_(of))
    return (await session.execute(along(rows, col(Relationship.id), after, most))).all()


def customers_of(actor: Actor, relationship_ids: Sequence[UUID]) -> Select[UUID]:
    """The ids of the customers of these relationships; for tables that name customers and bring their own sight."""
    return select(col(Relationship.customer_id)).where(
        col(Relationship.brand_id) == actor.brand_id, col(Relationship.id).in_(relationship_ids)
    )


def of_same_customers(actor: Actor, relationship_ids: Sequence[UUID]) -> Select[UUID]:
    """The ids of these relationships and all others of their customers; for tables that bring their own sight.

    Also of those that have ended: what was done in them is still whose it was.
    """
    return select(col(Relationship.id)).where(
        col(Relationship.brand_id) == actor.brand_id,
        col(Relationship.customer_id).in_(customers_of(actor, relationship_ids)),
    )


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    return select(*Relationship.__table__.columns).where(relationships_visible_to(actor))  # type: ignore[attr-defined]  # set by SQLModel


async def _count(session: AsyncSession, statement: Select[int]) -> int:
    return await session.scalar(statement) or 0


def _visible(actor: Actor) -> Select[Relationship]:
    return (
        select(Relationship)
        .where(relationships_visible_to(actor))
        .order_by(col(Relationship.is_primary).desc(), col(Relationship.id))
        .limit(1)
        .with_for_update(key_share=True)
    )


async def _one(session: AsyncSession, statement: Select[Any]) -> Relationship:
    relationship: Relationship | None = await session.scalar(statement)
    if relationship is None:
        raise NotFound
    return relationship
