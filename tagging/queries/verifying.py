"""Reads that hold the bitmaps against the tables they were made from."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Customer
from tagging.models import CustomerMark, MarkPurpose, Night, SegmentIndex, SegmentMember
from tagging.models.terms import kept, terms_of
from tagging.queries import bitmaps, facts

SAMPLE = 1_000


@dataclass(frozen=True, slots=True)
class Verified:
    """How many were looked at of how many, and whose bits are not what the tables say.

    While a night `is_under_way` that may be those whose scores it has set: it looks at everybody after that.
    """

    looked_at: int
    of: int
    wrong: Sequence[UUID]
    is_under_way: bool


async def verify(session: AsyncSession, brand_id: UUID) -> Verified | None:
    """Look at 1,000 customers at random and at newcomers without a number; none before the bitmaps are built.

    Customers that are marked are left out: they are still to be folded in.
    """
    index = await session.get(SegmentIndex, brand_id)
    if index is None or index.built_at is None or index.stale_since is not None:
        return None
    numbers = random.sample(range(index.next_number), min(SAMPLE, index.next_number))
    found = await session.execute(
        _unmarked(
            select(col(SegmentMember.customer_id), col(SegmentMember.number)), brand_id, SegmentMember.customer_id
        ).where(col(SegmentMember.brand_id) == brand_id, col(SegmentMember.number).in_(numbers))
    )
    sampled = dict(found.all())
    wrong = await _wrong(session, brand_id, sampled, index.revision)
    nights = exists().where(col(Night.brand_id) == brand_id, col(Night.done_at).is_(None))
    is_under_way = bool(await session.scalar(select(nights)))
    wrong += await _without_number(session, brand_id)
    return Verified(len(sampled), index.next_number, wrong, is_under_way)


async def _wrong(session: AsyncSession, brand_id: UUID, numbers: dict[UUID, int], revision: int) -> list[UUID]:
    """Whose facts aren't kept beside them, or who isn't found under all that follows from those, and nothing else."""
    today = await facts.today_of(session, brand_id)
    known = await facts.of_customers(session, brand_id, list(numbers), today)
    terms = {customer_id: terms_of(kept(known[customer_id])) for customer_id in numbers}
    read = await bitmaps.read(session, brand_id, set().union(*terms.values()), revision, bitmaps.Cache())
    return [
        customer_id
        for customer_id, number in numbers.items()
        if {term for term, bits in read.items() if number in bits} != terms[customer_id]
    ]


async def _without_number(session: AsyncSession, brand_id: UUID) -> Sequence[UUID]:
    has_number = exists().where(
        col(SegmentMember.brand_id) == brand_id, col(SegmentMember.customer_id) == col(Customer.id)
    )
    missing = _unmarked(select(col(Customer.id)), brand_id, Customer.id).where(
        col(Customer.brand_id) == brand_id, ~has_number
    )
    return (await session.scalars(missing.limit(SAMPLE))).all()


def _unmarked(statement: Select[*tuple[Any, ...]], brand_id: UUID, customer_id: Any) -> Select[*tuple[Any, ...]]:
    is_marked = exists().where(
        col(CustomerMark.brand_id) == brand_id,
        col(CustomerMark.customer_id) == customer_id,
        col(CustomerMark.purpose) == MarkPurpose.SEGMENTS,
    )
    return statement.where(~is_marked)
