"""What is known from sources about invoices and customers: what is in the tables, and what is staged beside it."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Brand
from intake.models import ImportedInvoice, ImportedMember, ImportRun, StagedInvoice, StagedPiece
from intake.models.home import Bought, Pair
from mall.models import Refund


async def orders_of(session: AsyncSession, run: ImportRun, keys: Sequence[str]) -> dict[str, list[Bought]]:
    """By customer, the orders they will have when the import is applied."""
    staged, known = StagedInvoice, ImportedInvoice
    replaced = exists().where(
        col(staged.brand_id) == run.brand_id,
        col(staged.run_id) == run.id,
        col(staged.number) == col(known.number),
        col(known.source) == run.source,
    )
    kept = select(
        col(known.customer_key),
        col(known.ordered_at),
        col(known.number),
        col(known.store_code),
        col(known.guide_number),
        col(known.follows_home),
    ).where(
        col(known.brand_id) == run.brand_id,
        col(known.customer_key).in_(keys),
        col(known.ordered_at).is_not(None),
        ~replaced,
    )
    new = select(
        col(staged.customer_key),
        col(staged.ordered_at),
        col(staged.number),
        col(staged.store_code),
        col(staged.guide_number),
        col(staged.follows_home),
    ).where(
        col(staged.brand_id) == run.brand_id,
        col(staged.run_id) == run.id,
        col(staged.customer_key).in_(keys),
        col(staged.ordered_at).is_not(None),
    )
    orders: dict[str, list[Bought]] = defaultdict(list)
    for statement in (kept, new):
        for key, at, number, store, guide, follows_home in await session.execute(statement):
            if key is not None and at is not None:
                orders[key].append(Bought(at, number, store, guide, follows_home))
    return orders


async def named_homes(session: AsyncSession, brand_id: UUID, keys: Sequence[str]) -> dict[str, Pair | None]:
    """By member number, the store and guide that a member file names; `None` for a member without a store."""
    found = await session.execute(
        select(
            col(ImportedMember.customer_key), col(ImportedMember.store_code), col(ImportedMember.guide_number)
        ).where(col(ImportedMember.brand_id) == brand_id, col(ImportedMember.customer_key).in_(keys))
    )
    return {key: (store, guide) if store else None for key, store, guide in found}


async def refunds_of_nobody(
    session: AsyncSession, brand_id: UUID, keys: Sequence[str]
) -> list[tuple[str, str, str, UUID]]:
    """Refunds that were taken before the customer they name was known: customer, source, number, store."""
    found = await session.execute(
        select(
            col(ImportedInvoice.customer_key),
            col(ImportedInvoice.source),
            col(ImportedInvoice.number),
            col(Refund.store_id),
        )
        .join(
            Refund,
            (col(Refund.brand_id) == col(ImportedInvoice.brand_id))
            & (col(Refund.source) == col(ImportedInvoice.source))
            & (col(Refund.number) == col(ImportedInvoice.number)),
        )
        .where(
            col(ImportedInvoice.brand_id) == brand_id,
            col(ImportedInvoice.customer_key).in_(keys),
            col(Refund.relationship_id).is_(None),
        )
    )
    return [(str(key), source, number, store_id) for key, source, number, store_id in found]


async def ignored_lines(session: AsyncSession, brand_id: UUID) -> int:
    """How many lines of all files are neither sold nor given back; a line that two files hold counts once."""
    counted = await session.scalar(
        select(func.coalesce(func.sum(col(ImportedInvoice.ignored_lines)), 0)).where(
            col(ImportedInvoice.brand_id) == brand_id
        )
    )
    return int(counted or 0)


async def staged_numbers(session: AsyncSession, run: ImportRun) -> int:
    """How many invoices lie in pieces in the staging area."""
    counted = await session.scalar(
        select(func.count(func.distinct(col(StagedPiece.number)))).where(
            col(StagedPiece.brand_id) == run.brand_id, col(StagedPiece.run_id) == run.id
        )
    )
    return int(counted or 0)


async def open_run(session: AsyncSession, brand_code: str) -> ImportRun | None:
    """The import into this brand that isn't over, whether somebody is at it or not."""
    return await session.scalar(
        select(ImportRun).where(col(ImportRun.brand_code) == brand_code, col(ImportRun.finished_at).is_(None))
    )


async def brand_of(session: AsyncSession, code: str) -> Brand | None:
    return await session.scalar(select(Brand).where(col(Brand.code) == code))
