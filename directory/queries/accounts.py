"""Reads of accounts."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Account
from directory.policy import accounts_visible_to
from kernel.actor import Actor
from kernel.errors import NotFound


async def get(session: AsyncSession, actor: Actor, account_id: UUID) -> Account:
    """The account. `NOT_FOUND` if it isn't in sight."""
    account = await session.scalar(select(Account).where(col(Account.id) == account_id, accounts_visible_to(actor)))
    if account is None:
        raise NotFound
    return account
