"""How figures are headed: codes and names of stores, numbers and names of people, the currency of amounts."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Select, and_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped
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
    ours = col(Store.brand_id) == brand_id
    return await _names(
        session, select(col(Store.id), col(Store.code), col(Store.name)).where(ours), col(Store.id), store_ids
    )


async def people(session: AsyncSession, actor: Actor, staff_ids: Collection[UUID]) -> Names:
    """Numbers and names of people in sight: who has gone elsewhere is nobody to those who are left."""
    seen = select(col(Staff.id), col(Staff.number), col(Staff.name)).where(staff_visible_to(actor))
    return await _names(session, seen, col(Staff.id), staff_ids)


async def workplaces(session: AsyncSession, actor: Actor, staff_ids: Collection[UUID]) -> Names:
    """Codes and names of the stores that people in sight belong to."""
    theirs = and_(col(Store.brand_id) == actor.brand_id, col(Store.id) == col(Staff.store_id))
    seen = select(col(Staff.id), col(Store.code), col(Store.name)).join(Store, theirs).where(staff_visible_to(actor))
    return await _names(session, seen, col(Staff.id), staff_ids)


async def owners(session: AsyncSession, actor: Actor, account_ids: Collection[UUID]) -> Names:
    """Numbers and names of whose accounts these are, of those in sight; a store's public account is nobody's."""
    theirs = and_(col(Staff.brand_id) == actor.brand_id, col(Staff.id) == col(Account.staff_id))
    seen = (
        select(col(Account.id), col(Staff.number), col(Staff.name))
        .join(Staff, theirs)
        .where(col(Account.brand_id) == actor.brand_id, staff_visible_to(actor))
    )
    return await _names(session, seen, col(Account.id), account_ids)


async def _names(
    session: AsyncSession, rows: Select[UUID, str, str], key: Mapped[UUID], wanted: Collection[UUID]
) -> Names:
    found = await session.execute(rows.where(OneOf(key, _IDS)), {_IDS: list(wanted)})
    return {its: (code, name) for its, code, name in found}
