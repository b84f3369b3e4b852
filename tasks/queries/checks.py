"""Reads for having tags checked."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Account, Store
from tasks.models import Task, TaskKind, TaskState


async def lock_checks_of_tag(session: AsyncSession, brand_id: UUID, tag_id: UUID, most: int) -> Sequence[Task]:
    """Open tasks of checking the tag, locked in the order of their keys."""
    found = await session.scalars(
        select(Task)
        .where(col(Task.brand_id) == brand_id, col(Task.tag_id) == tag_id, col(Task.state) == TaskState.PENDING)
        .order_by(col(Task.id))
        .limit(most)
        .with_for_update(key_share=True)
    )
    return found.all()


async def lock_account(session: AsyncSession, brand_id: UUID, account_id: UUID) -> Account | None:
    """The account, for which tasks are made by one at a time."""
    return await session.scalar(
        select(Account)
        .where(col(Account.brand_id) == brand_id, col(Account.id) == account_id)
        .with_for_update(key_share=True)
    )


async def count_open(session: AsyncSession, account: Account, kind: TaskKind) -> int:
    """How many open tasks of a kind an account keeps."""
    count = await session.scalar(
        select(func.count())
        .select_from(Task)
        .where(
            col(Task.brand_id) == account.brand_id,
            col(Task.account_id) == account.id,
            col(Task.state) == TaskState.PENDING,
            col(Task.kind) == kind,
        )
    )
    return int(count or 0)


async def time_zone_of(session: AsyncSession, account: Account) -> str:
    """The time zone of the account's store."""
    found = await session.scalars(
        select(col(Store.time_zone)).where(col(Store.brand_id) == account.brand_id, col(Store.id) == account.store_id)
    )
    return found.one()
