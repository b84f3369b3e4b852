"""Reads of marks: who has to be looked at again."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Brand
from tagging.models import CustomerMark, MarkPurpose


async def oldest(
    session: AsyncSession, brand_id: UUID, purpose: MarkPurpose, most: int, *, is_shared: bool = False
) -> dict[UUID, UUID]:
    """The oldest marks, with their customers; where the work is shared, those that nobody else is at, locked."""
    marks = (
        select(col(CustomerMark.id), col(CustomerMark.customer_id))
        .where(col(CustomerMark.brand_id) == brand_id, col(CustomerMark.purpose) == purpose)
        .order_by(col(CustomerMark.id))
        .limit(most)
    )
    found = await session.execute(marks.with_for_update(skip_locked=True) if is_shared else marks)
    return dict(found.all())


async def brands_with(session: AsyncSession, purpose: MarkPurpose) -> Sequence[UUID]:
    """The brands that have marks of that purpose."""
    marked = exists().where(col(CustomerMark.brand_id) == col(Brand.id), col(CustomerMark.purpose) == purpose)
    return (await session.scalars(select(col(Brand.id)).where(marked).order_by(col(Brand.code)))).all()
