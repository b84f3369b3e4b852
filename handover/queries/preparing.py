"""Reads of what has moved here, and of who is concerned at the partner by it."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from customers.models import ContactLink, Relationship
from customers.policy import is_live
from directory.models import Account, Staff
from handover.models import HAS_GONE, HandoverAccount, HandoverAttempt, HandoverItem, LinkedThere


async def unprepared(
    session: AsyncSession, brand_id: UUID, handover_id: UUID, after: UUID | None, most: int
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Relationships that have moved here and of which the partner's side is not decided, with who holds them now.

    Where a store closed, the relationship that it goes on in is the one that counts: `goes_on_id`.
    """
    statement = (
        _moved(brand_id, handover_id)
        .where(col(HandoverItem.there) == LinkedThere.NOT_LINKED)
        .order_by(col(HandoverItem.relationship_id))
        .limit(most)
    )
    if after is not None:
        statement = statement.where(col(HandoverItem.relationship_id) > after)
    return (await session.execute(statement)).all()


async def moved(
    session: AsyncSession, brand_id: UUID, handover_id: UUID, relationship_id: UUID
) -> Row[*tuple[Any, ...]] | None:
    """The same of one relationship, however it stands at the partner; none if it hasn't moved."""
    one = _moved(brand_id, handover_id).where(col(HandoverItem.relationship_id) == relationship_id)
    return (await session.execute(one)).first()


async def others_linked(
    session: AsyncSession, brand_id: UUID, handover_id: UUID, most: int
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Contacts of the leaver's whom somebody else holds and isn't linked with; without who was tried, or declined."""
    theirs, held = aliased(ContactLink), aliased(ContactLink)
    at_both = and_(
        col(held.brand_id) == brand_id,
        col(held.account_id) == col(Relationship.holder_id),
        col(held.relationship_id) == col(Relationship.id),
        col(held.gone_at).is_(None),
    )
    statement: Select[*tuple[Any, ...]] = (
        select(
            col(theirs.relationship_id),
            col(theirs.account_id).label("from_account_id"),
            col(theirs.relationship_id).label("goes_on_id"),
            col(Relationship.holder_id),
        )
        .join(
            HandoverAccount,
            and_(
                col(HandoverAccount.brand_id) == brand_id,
                col(HandoverAccount.handover_id) == handover_id,
                col(HandoverAccount.account_id) == col(theirs.account_id),
            ),
        )
        .join(
            Relationship,
            and_(col(Relationship.brand_id) == brand_id, col(Relationship.id) == col(theirs.relationship_id)),
        )
        .join(Account, and_(col(Account.brand_id) == brand_id, col(Account.id) == col(Relationship.holder_id)))
        .where(
            col(theirs.brand_id) == brand_id,
            col(theirs.gone_at).is_(None),
            is_live(),
            col(Relationship.holder_id) != col(theirs.account_id),
            col(Account.partner_user_id).is_not(None),
            ~exists().where(at_both),
            ~_tried(brand_id, handover_id, col(theirs.relationship_id)),
            ~_declined(brand_id, theirs),
            ~exists().where(
                col(HandoverItem.brand_id) == brand_id,
                col(HandoverItem.handover_id) == handover_id,
                col(HandoverItem.relationship_id) == col(theirs.relationship_id),
                col(HandoverItem.here).in_(HAS_GONE),
            ),
        )
        .order_by(col(theirs.relationship_id))
        .limit(most)
    )
    return (await session.execute(statement)).all()


async def ends(
    session: AsyncSession, brand_id: UUID, account_ids: Collection[UUID]
) -> dict[UUID, Row[*tuple[Any, ...]]]:
    """These accounts with their partner user ids, and their owners' states."""
    found: Any = await session.execute(
        select(
            col(Account.id),
            col(Account.store_id),
            col(Account.kind),
            col(Account.partner_user_id).label("user_id"),
            col(Staff.state),
            col(Staff.access_closed_at),
        )
        .outerjoin(Staff, and_(col(Staff.brand_id) == brand_id, col(Staff.id) == col(Account.staff_id)))
        .where(col(Account.brand_id) == brand_id, col(Account.id).in_(account_ids))
    )
    return {row.id: row for row in found}


def _moved(brand_id: UUID, handover_id: UUID) -> Select[*tuple[Any, ...]]:
    goes_on = func.coalesce(col(HandoverItem.successor_id), col(HandoverItem.relationship_id))
    return (
        select(
            col(HandoverItem.relationship_id),
            col(HandoverItem.from_account_id),
            goes_on.label("goes_on_id"),
            col(HandoverItem.there),
            col(Relationship.holder_id),
        )
        .join(Relationship, and_(col(Relationship.brand_id) == brand_id, col(Relationship.id) == goes_on))
        .where(
            col(HandoverItem.brand_id) == brand_id,
            col(HandoverItem.handover_id) == handover_id,
            col(HandoverItem.here).in_(HAS_GONE),
        )
    )


def _declined(brand_id: UUID, theirs: Any) -> ColumnElement[bool]:
    """By the member that the contact is with: they may have an account in each of several stores."""
    member = aliased(Account)
    return exists().where(
        col(member.brand_id) == brand_id,
        col(member.id) == col(theirs.account_id),
        col(HandoverAttempt.brand_id) == brand_id,
        col(HandoverAttempt.external_user_id) == col(theirs.external_user_id),
        col(HandoverAttempt.from_user_id) == col(member.partner_user_id),
        col(HandoverAttempt.there) == LinkedThere.REFUSED,
    )


def _tried(brand_id: UUID, handover_id: UUID, relationship_id: Any) -> ColumnElement[bool]:
    return exists().where(
        col(HandoverAttempt.brand_id) == brand_id,
        col(HandoverAttempt.handover_id) == handover_id,
        col(HandoverAttempt.relationship_id) == relationship_id,
    )
