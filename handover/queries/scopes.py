"""Whose relationships a handover moves, and where they may go."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Relationship
from directory.models import Account
from handover.models import Handover, HandoverAccount, HandoverKind
from handover.models.planning.options import Options, options_of
from handover.queries import seats


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose relationships are handed over, and to which stores they may go."""

    brand_id: UUID
    account_ids: Sequence[UUID]
    store_ids: Sequence[UUID]
    staff_ids: Sequence[UUID]
    is_closing: bool
    options: Options


async def scope_of(session: AsyncSession, handover: Handover) -> Scope:
    """Whose relationships a handover moves, and where to."""
    found = await session.execute(
        select(col(HandoverAccount.account_id), col(HandoverAccount.store_id), col(Account.staff_id))
        .join(
            Account,
            (col(Account.brand_id) == col(HandoverAccount.brand_id))
            & (col(Account.id) == col(HandoverAccount.account_id)),
        )
        .where(col(HandoverAccount.brand_id) == handover.brand_id, col(HandoverAccount.handover_id) == handover.id)
        .order_by(col(HandoverAccount.account_id))
    )
    accounts = found.all()
    options = options_of(handover.options)
    is_closing = handover.kind is HandoverKind.CLOSING
    return Scope(
        handover.brand_id,
        [row.account_id for row in accounts],
        list(options.store_ids) if is_closing else sorted({row.store_id for row in accounts}),
        sorted({each for each in (handover.staff_id, *(row.staff_id for row in accounts)) if each}),
        is_closing,
        options,
    )


def of_accounts(brand_id: UUID, account_ids: Sequence[UUID]) -> ColumnElement[bool]:
    """The relationships that these accounts hold."""
    return (col(Relationship.brand_id) == brand_id) & col(Relationship.holder_id).in_(account_ids)


async def homes_of(session: AsyncSession, scope: Scope) -> dict[UUID, UUID]:
    """The public account for each store's relationships: its own, or that of the first store to take over."""
    public = await seats.public_accounts(session, scope.brand_id, scope.store_ids)
    if not scope.is_closing:
        return public
    closing = await session.scalars(
        select(col(Account.store_id))
        .where(col(Account.brand_id) == scope.brand_id, col(Account.id).in_(scope.account_ids))
        .distinct()
    )
    return dict.fromkeys(closing, public[scope.store_ids[0]])
