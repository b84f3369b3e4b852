"""How figures are headed: codes and names of stores, numbers and names of people, the currency of amounts."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Account, Brand, Staff, Store
from directory.policy import staff_visible_to
from kernel.actor import Actor
from kernel.db import OneOf

Names = dict[UUID, tuple[str, str]]
"""A code or number, and a name, by id."""

_IDS = "ids"


async def currency_of(session: AsyncSession, brand_id: UUID) -> str:
    """Of all amounts of the brand."""
    return await session.scalar(select(col(Brand.currency)).where(col(Brand.id) == brand_id)) or "CNY"


async def stores(session: AsyncSession, brand_id: UUID, store_ids: Collection[UUID]) -> Names:
    """Codes and names of stores."""
    found = await session.execute(
        select(col(Store.id), col(Store.code), col(Store.name)).where(
            col(Store.brand_id) == brand_id, OneOf(col(Store.id), _IDS)
        ),
        {_IDS: list(store_ids)},
    )
    return {key: (code, name) for key, code, name in found}


async def people(session: AsyncSession, actor: Actor, staff_ids: Collection[UUID]) -> Names:
    """Numbers and names of people in sight: who has gone elsewhere is nobody to those who are left."""
    found = await session.execute(
        select(col(Staff.id), col(Staff.number), col(Staff.name)).where(
            staff_visible_to(actor), OneOf(col(Staff.id), _IDS)
        ),
        {_IDS: list(staff_ids)},
    )
    return {key: (number, name) for key, number, name in found}


async def workplaces(session: AsyncSession, actor: Actor, staff_ids: Collection[UUID]) -> Names:
    """Codes and names of the stores that people in sight belong to."""
    found = await session.execute(
        select(col(Staff.id), col(Store.code), col(Store.name))
        .join(Store, and_(col(Store.brand_id) == actor.brand_id, col(Store.id) == col(Staff.store_id)))
        .where(staff_visible_to(actor), OneOf(col(Staff.id), _IDS)),
        {_IDS: list(staff_ids)},
    )
    return {key: (code, name) for key, code, name in found}


async def owners(session: AsyncSession, actor: Actor, account_ids: Collection[UUID]) -> Names:
    """Numbers and names of whose accounts these are, of those in sight; a store's public account is nobody's."""
    found = await session.execute(
        select(col(Account.id), col(Staff.number), col(Staff.name))
        .join(Staff, and_(col(Staff.brand_id) == actor.brand_id, col(Staff.id) == col(Account.staff_id)))
        .where(col(Account.brand_id) == actor.brand_id, staff_visible_to(actor), OneOf(col(Account.id), _IDS)),
        {_IDS: list(account_ids)},
    )
    return {key: (number, name) for key, number, name in found}
