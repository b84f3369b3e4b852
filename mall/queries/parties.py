"""Whose order it is: the store, the customer, and who held the relationship.

Whoever may record orders may name anybody of the brand in them, without being able to read about them.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, false, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from customers.models import Customer, Holding, Relationship
from customers.policy import is_live
from directory.models import Account, AccountKind, Brand, Store
from kernel.actor import Actor
from kernel.errors import Invalid, NotFound
from mall.models import Order, OrderNews


@dataclass(frozen=True, slots=True)
class Named:
    """What news of an order names, as far as the brand knows it, and the order that is known by its number."""

    currency: str
    store_id: UUID | None
    time_zone: str | None
    customer_id: UUID | None
    order_id: UUID | None
    order_customer_id: UUID | None


async def named(session: AsyncSession, actor: Actor, news: OrderNews) -> Named:
    """Everything at once, with nothing locked. `INVALID` if a store or a customer is named twice, or no store is."""
    found = await session.execute(
        select(
            col(Brand.currency),
            col(Store.id),
            col(Store.time_zone),
            col(Customer.id),
            col(Order.id),
            col(Order.customer_id),
        )
        .select_from(Brand)
        .outerjoin(Store, and_(col(Store.brand_id) == actor.brand_id, _store_named(news.store_id, news.store_code)))
        .outerjoin(
            Customer,
            and_(col(Customer.brand_id) == actor.brand_id, _customer_named(news.customer_id, news.member_number)),
        )
        .outerjoin(
            Order,
            and_(
                col(Order.brand_id) == actor.brand_id,
                col(Order.source) == news.source,
                col(Order.number) == news.number,
            ),
        )
        .where(col(Brand.id) == actor.brand_id)
    )
    return Named(*found.one())


async def store(session: AsyncSession, actor: Actor, store_id: UUID | None, code: str | None) -> Row[UUID, str, str]:
    """The id, time zone and currency of a store, named by id or by code. `NOT_FOUND` if the brand has none such."""
    found = await session.execute(
        select(col(Store.id), col(Store.time_zone), col(Brand.currency))
        .join(Brand, col(Brand.id) == col(Store.brand_id))
        .where(col(Store.brand_id) == actor.brand_id, _store_named(store_id, code))
    )
    row = found.first()
    if row is None:
        raise NotFound
    return row


async def customer(
    session: AsyncSession, actor: Actor, customer_id: UUID | None, member_number: str | None
) -> UUID | None:
    """The id of a customer named by id or by member number; none if nobody is named. `NOT_FOUND` if unknown."""
    if customer_id is None and member_number is None:
        return None
    found: UUID | None = await session.scalar(
        select(col(Customer.id)).where(
            col(Customer.brand_id) == actor.brand_id, _customer_named(customer_id, member_number)
        )
    )
    if found is None:
        raise NotFound
    return found


async def lock_relationship(
    session: AsyncSession, actor: Actor, customer_id: UUID, store_id: UUID
) -> Relationship | None:
    """The customer's relationship with the store, or else the primary one, kept from moving until the commit.

    Where the one with the store has ended, its successor is meant.
    """
    ended = aliased(Relationship)
    successors = select(col(ended.succeeded_by_id)).where(
        col(ended.brand_id) == actor.brand_id,
        col(ended.customer_id) == customer_id,
        col(ended.store_id) == store_id,
        col(ended.succeeded_by_id).is_not(None),
    )
    of_store, succeeds = col(Relationship.store_id) == store_id, col(Relationship.id).in_(successors)
    found: Relationship | None = await session.scalar(
        select(Relationship)
        .where(
            col(Relationship.brand_id) == actor.brand_id,
            col(Relationship.customer_id) == customer_id,
            is_live(),
            or_(of_store, succeeds, col(Relationship.is_primary)),
        )
        .order_by(of_store.desc(), succeeds.desc(), col(Relationship.is_primary).desc())
        .limit(1)
        .with_for_update(key_share=True)
    )
    return found


async def guide_at(
    session: AsyncSession, brand_id: UUID, relationship_id: UUID, store_id: UUID, at: datetime
) -> UUID | None:
    """The guide's account that held a relationship at that instant, by its history.

    None before the first holding, and while the store's public account held it. What it succeeds is its past, too: of
    two that were held at once, the one that was in the store of the purchase says it, or else its own history.
    """
    return await session.scalar(holding_at(brand_id, relationship_id, store_id, at))


def holding_at(brand_id: UUID, relationship_id: UUID, store_id: UUID, at: datetime) -> Select[UUID]:
    """The same as a statement."""
    itself = col(Relationship.id) == relationship_id
    held = (
        select(col(Holding.account_id))
        .join(
            Relationship,
            and_(
                col(Relationship.brand_id) == col(Holding.brand_id),
                col(Relationship.id) == col(Holding.relationship_id),
            ),
        )
        .where(
            col(Holding.brand_id) == brand_id,
            or_(itself, col(Relationship.succeeded_by_id) == relationship_id),
            col(Holding.from_at) <= at,
            or_(col(Holding.until_at).is_(None), col(Holding.until_at) > at),
        )
        .order_by((col(Relationship.store_id) == store_id).desc(), itself.desc(), col(Holding.from_at).desc())
        .limit(1)
        .subquery()
    )
    return select(col(Account.id)).where(
        col(Account.brand_id) == brand_id,
        col(Account.id) == held.c.account_id,
        col(Account.kind) == AccountKind.GUIDE,
    )


async def holder_now(session: AsyncSession, brand_id: UUID, relationship_id: UUID | None) -> UUID | None:
    """The account that holds a relationship, the store's public one or a guide's; none without a relationship."""
    return await session.scalar(
        select(col(Relationship.holder_id)).where(
            col(Relationship.brand_id) == brand_id, col(Relationship.id) == relationship_id
        )
    )


def _store_named(store_id: UUID | None, code: str | None) -> ColumnElement[bool]:
    if (store_id is None) == (code is None):
        raise Invalid(field="store", reason="give its id or its code.", reason_zh="请给出门店 id 或门店编码之一。")
    return col(Store.id) == store_id if store_id is not None else col(Store.code) == code


def _customer_named(customer_id: UUID | None, member_number: str | None) -> ColumnElement[bool]:
    if customer_id is not None and member_number is not None:
        raise Invalid(
            field="customer", reason="give an id or a member number.", reason_zh="顾客 id 与会员号只需给一个。"
        )
    if customer_id is not None:
        return col(Customer.id) == customer_id
    return col(Customer.member_number) == member_number if member_number is not None else false()
