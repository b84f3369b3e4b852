"""Reads of who is whose contact at the partner."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from customers.models import ContactLink, GoneWhy, Relationship
from directory.models import Account

LinkRow = Row[*tuple[Any, ...]]


async def of_relationships(
    session: AsyncSession, brand_id: UUID, relationship_ids: Collection[UUID]
) -> dict[UUID, list[LinkRow]]:
    """All that is known of the contacts of these relationships, those that are gone too, the newest first."""
    found = await session.execute(
        _rows()
        .where(col(ContactLink.brand_id) == brand_id, col(ContactLink.relationship_id).in_(relationship_ids))
        .order_by(col(ContactLink.told_at).desc(), col(ContactLink.account_id))
    )
    by_relationship: dict[UUID, list[LinkRow]] = {relationship_id: [] for relationship_id in relationship_ids}
    for row in found:
        by_relationship[row.relationship_id].append(row)
    return by_relationship


async def present(session: AsyncSession, brand_id: UUID, account_ids: Collection[UUID]) -> Sequence[LinkRow]:
    """Who is a contact of these accounts now."""
    found = await session.execute(
        _rows()
        .where(
            col(ContactLink.brand_id) == brand_id,
            col(ContactLink.account_id).in_(account_ids),
            col(ContactLink.gone_at).is_(None),
        )
        .order_by(col(ContactLink.account_id), col(ContactLink.relationship_id))
    )
    return found.all()


async def accounts_of_member(session: AsyncSession, brand_id: UUID, user_id: str) -> Sequence[UUID]:
    """The accounts of a member of the partner's: one in each store where they work or worked."""
    found = await session.scalars(
        select(col(Account.id)).where(col(Account.brand_id) == brand_id, col(Account.partner_user_id) == user_id)
    )
    return found.all()


async def where_known(
    session: AsyncSession, brand_id: UUID, pairs: Collection[tuple[str, str]]
) -> dict[tuple[str, str], list[tuple[UUID, UUID]]]:
    """Of pairs of a member and a customer at the partner: the member's accounts, each with the customer's relationship.

    A member has an account in each store where they work or worked. Who the customer is, any of their contacts says;
    nothing for somebody whom nothing is known of.
    """
    # Apart: a database that hasn't counted its tables yet would go by the stores, whose customers are many.
    accounts = await _accounts_of(session, brand_id, {user for user, _ in pairs})
    other = aliased(Relationship)
    found = await session.execute(
        select(col(ContactLink.external_user_id), col(Relationship.id), col(Relationship.store_id))
        .join(other, and_(col(other.brand_id) == brand_id, col(other.id) == col(ContactLink.relationship_id)))
        .join(
            Relationship,
            and_(col(Relationship.brand_id) == brand_id, col(Relationship.customer_id) == col(other.customer_id)),
        )
        .where(
            col(ContactLink.brand_id) == brand_id,
            col(ContactLink.external_user_id).in_({external for _, external in pairs}),
            col(Relationship.store_id).in_(accounts),
        )
        .distinct()
    )
    known: dict[tuple[str, str], list[tuple[UUID, UUID]]] = {pair: [] for pair in pairs}
    for external_user_id, relationship_id, store_id in found:
        for user_id, account_id in accounts[store_id]:
            if (user_id, external_user_id) in known:
                known[user_id, external_user_id].append((account_id, relationship_id))
    return known


async def _accounts_of(
    session: AsyncSession, brand_id: UUID, user_ids: Collection[str]
) -> dict[UUID, list[tuple[str, UUID]]]:
    """The accounts of members of the partner's, by store, each with its member."""
    found = await session.execute(
        select(col(Account.store_id), col(Account.partner_user_id), col(Account.id)).where(
            col(Account.brand_id) == brand_id, col(Account.partner_user_id).in_(user_ids)
        )
    )
    by_store: dict[UUID, list[tuple[str, UUID]]] = {}
    for store_id, user_id, account_id in found:
        if user_id is not None:
            by_store.setdefault(store_id, []).append((user_id, account_id))
    return by_store


async def deleted_since(
    session: AsyncSession, brand_id: UUID, account_ids: Collection[UUID], since: datetime
) -> dict[UUID, int]:
    """How many contacts each account has deleted by its own hand since then; accounts without any are left out."""
    found = await session.execute(
        select(col(ContactLink.account_id), func.count())
        .where(
            col(ContactLink.brand_id) == brand_id,
            col(ContactLink.account_id).in_(account_ids),
            col(ContactLink.gone_at) >= since,
            col(ContactLink.gone_why) == GoneWhy.BY_STAFF,
        )
        .group_by(col(ContactLink.account_id))
    )
    return dict(found.all())


def _rows() -> Select[*tuple[Any, ...]]:
    return select(*ContactLink.__table__.columns)  # type: ignore[attr-defined]  # set by SQLModel
