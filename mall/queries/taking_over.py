"""Who took over the links of a guide who has handed over what they held: read from the history, as of any moment."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from customers.models import Holding, HoldingReason, Relationship
from directory.models import Account, AccountKind, Assignment, Staff
from kernel.actor import Role
from mall.models import Order, Share
from mall.queries.landing import HELD_LAST


def handed_over(at: datetime) -> ColumnElement[bool]:
    """Whether whoever made a link has since handed over all that they held, as of then; a column beside `Share`.

    What ended with its store and goes on in another one has been handed over too. What they make afterwards, as long as
    they are at work, is theirs.
    """
    left, came = aliased(Holding), aliased(Holding)
    theirs = and_(col(left.brand_id) == col(Share.brand_id), col(left.account_id) == col(Share.account_id))
    next_one = and_(
        col(came.brand_id) == col(left.brand_id),
        col(came.relationship_id) == col(left.relationship_id),
        col(came.from_at) == col(left.until_at),
        col(came.reason) == HoldingReason.HANDOVER,
    )
    ended = and_(
        col(Relationship.brand_id) == col(left.brand_id),
        col(Relationship.id) == col(left.relationship_id),
        col(Relationship.ended_at) == col(left.until_at),
    )
    by_handover = or_(exists().select_from(came).where(next_one), exists().where(ended))
    went = (
        exists()
        .select_from(left)
        .where(theirs, col(left.until_at) <= at, col(left.until_at) > col(Share.created_at), by_handover)
    )
    held: Any = aliased(Holding)
    still = exists().where(
        col(held.brand_id) == col(Share.brand_id), col(held.account_id) == col(Share.account_id), _lasts(held, at)
    )
    return and_(went, ~still)


async def taker(
    session: AsyncSession, order: Order, store_id: UUID, account_id: UUID, holder_id: UUID | None, at: datetime
) -> UUID | None:
    """The account that earns, then, what an order brings through the link of an account that has nothing any more.

    Of a customer whom it once held, the guide who holds them then; of one whom others always held, nobody. Who has no
    relationship with the store of the link is the takeover guide's, who holds most of what the account held last.
    """
    if order.relationship_id is not None:
        if await _was_held(session, order.brand_id, order.relationship_id, account_id, at):
            return holder_id if holder_id != account_id else None
        if await _is_of(session, order.brand_id, order.relationship_id, store_id):
            return None
    return await takeover_account(session, order.brand_id, store_id, account_id, at)


async def takeover_account(
    session: AsyncSession, brand_id: UUID, store_id: UUID, account_id: UUID, at: datetime
) -> UUID | None:
    """The account of the guide at work in the store then who held most of what an account had held last.

    As `landing.takeover_guide` finds who is asked now, but by the history alone: news that come late find the same.
    """
    left, now = aliased(Holding), aliased(Holding)
    held = and_(col(left.brand_id) == brand_id, col(left.account_id) == account_id, col(left.until_at) <= at)
    last = await session.scalar(select(func.max(col(left.until_at))).where(held))
    if last is None:
        return None
    many = func.count(col(now.relationship_id).distinct()).desc()
    same = and_(col(now.brand_id) == brand_id, col(now.relationship_id) == col(left.relationship_id))
    works = and_(
        col(Assignment.brand_id) == brand_id,
        col(Assignment.staff_id) == col(Staff.id),
        col(Assignment.store_id) == store_id,
        col(Assignment.role) == Role.GUIDE,
        col(Assignment.starts_at) <= at,
        or_(col(Assignment.ends_at).is_(None), col(Assignment.ends_at) > at),
    )
    return await session.scalar(
        select(col(Account.id))
        .select_from(left)
        .join(now, and_(same, _lasts(now, at)))
        .join(Account, and_(col(Account.brand_id) == brand_id, col(Account.id) == col(now.account_id)))
        .join(Staff, and_(col(Staff.brand_id) == brand_id, col(Staff.id) == col(Account.staff_id)))
        .where(
            held,
            col(left.until_at) >= last - HELD_LAST,
            col(Account.kind) == AccountKind.GUIDE,
            col(Account.store_id) == store_id,
            exists().where(works),
        )
        .group_by(col(Account.id), col(Staff.number))
        .order_by(many, col(Staff.number))
        .limit(1)
    )


async def _is_of(session: AsyncSession, brand_id: UUID, relationship_id: UUID, store_id: UUID) -> bool:
    found = await session.scalar(
        select(col(Relationship.id)).where(
            col(Relationship.brand_id) == brand_id,
            col(Relationship.id) == relationship_id,
            col(Relationship.store_id) == store_id,
        )
    )
    return found is not None


async def _was_held(
    session: AsyncSession, brand_id: UUID, relationship_id: UUID, account_id: UUID, at: datetime
) -> bool:
    """Itself, or what it goes on from."""
    past = select(col(Relationship.id)).where(
        col(Relationship.brand_id) == brand_id, col(Relationship.succeeded_by_id) == relationship_id
    )
    found = await session.scalar(
        select(col(Holding.id))
        .where(
            col(Holding.brand_id) == brand_id,
            or_(col(Holding.relationship_id) == relationship_id, col(Holding.relationship_id).in_(past)),
            col(Holding.account_id) == account_id,
            col(Holding.until_at) <= at,
        )
        .limit(1)
    )
    return found is not None


def _lasts(holding: Any, at: datetime) -> ColumnElement[bool]:
    return and_(col(holding.from_at) <= at, or_(col(holding.until_at).is_(None), col(holding.until_at) > at))
