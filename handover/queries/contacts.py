"""Reads that tell who is meant by the lines of a list of contacts."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import ContactLink, Customer, Relationship
from customers.policy import is_live
from directory.models import Account, Staff
from handover.models import News, NewsKind, PartnerNews

Ends = tuple[UUID, UUID]
_OF_CONTACTS = (
    NewsKind.LINKED,
    NewsKind.HALF_LINKED,
    NewsKind.UNLINKED_BY_STAFF,
    NewsKind.UNLINKED_BY_CUSTOMER,
)


@dataclass(frozen=True, slots=True)
class Seat:
    """An account of somebody's, and the store that it is in."""

    account_id: UUID
    store_id: UUID


async def customers_by_number(session: AsyncSession, brand_id: UUID, numbers: Collection[str]) -> dict[str, UUID]:
    """Whose these member numbers are."""
    found = await session.execute(
        select(col(Customer.member_number), col(Customer.id)).where(
            col(Customer.brand_id) == brand_id, col(Customer.member_number).in_(numbers)
        )
    )
    return dict(found.all())


async def customers_by_phone(session: AsyncSession, brand_id: UUID, indexes: Collection[str]) -> dict[str, UUID]:
    """Whose phones these are, by their blind indexes."""
    found = await session.execute(
        select(col(Customer.phone_index), col(Customer.id)).where(
            col(Customer.brand_id) == brand_id, col(Customer.phone_index).in_(indexes)
        )
    )
    return {index: customer_id for index, customer_id in found if index is not None}


async def customers_at_partner(session: AsyncSession, brand_id: UUID, names: Collection[str]) -> dict[str, UUID]:
    """Who these external user ids are, as far as a contact, though it be gone, says so."""
    found = await session.execute(
        select(col(ContactLink.external_user_id), col(Relationship.customer_id))
        .join(
            Relationship,
            and_(col(Relationship.brand_id) == brand_id, col(Relationship.id) == col(ContactLink.relationship_id)),
        )
        .where(col(ContactLink.brand_id) == brand_id, col(ContactLink.external_user_id).in_(names))
        .distinct()
    )
    return dict(found.all())


async def relationships(session: AsyncSession, brand_id: UUID, customer_ids: Collection[UUID]) -> dict[Ends, UUID]:
    """The relationships of these customers, by customer and store."""
    found = await session.execute(
        select(col(Relationship.customer_id), col(Relationship.store_id), col(Relationship.id)).where(
            col(Relationship.brand_id) == brand_id, col(Relationship.customer_id).in_(customer_ids), is_live()
        )
    )
    return {(customer_id, store_id): relationship_id for customer_id, store_id, relationship_id in found}


async def seats(
    session: AsyncSession, brand_id: UUID, members: Collection[tuple[str, str]]
) -> Mapping[tuple[str, str], Sequence[Seat]]:
    """The accounts of members, each asked for by a user id, or by a staff number where there is none."""
    columns = (col(Account.id), col(Account.store_id))
    by_user = await session.execute(
        select(col(Account.partner_user_id), *columns).where(
            col(Account.brand_id) == brand_id,
            col(Account.partner_user_id).in_({user_id for user_id, _ in members if user_id}),
        )
    )
    by_number = await session.execute(
        select(col(Staff.number), *columns)
        .join(Account, and_(col(Account.brand_id) == brand_id, col(Account.staff_id) == col(Staff.id)))
        .where(
            col(Staff.brand_id) == brand_id,
            col(Staff.number).in_({number for user_id, number in members if not user_id}),
        )
    )
    found: dict[tuple[str, str], list[Seat]] = defaultdict(list)
    for user_id, account_id, store_id in by_user:
        found[user_id or "", ""].append(Seat(account_id, store_id))
    for number, account_id, store_id in by_number:
        found["", number].append(Seat(account_id, store_id))
    return found


async def linked(
    session: AsyncSession, brand_id: UUID, relationship_ids: Collection[UUID]
) -> Sequence[Row[*tuple[Any, ...]]]:
    """By which ids accounts know the customers of these relationships, or knew them."""
    found = await session.execute(
        select(col(ContactLink.account_id), col(ContactLink.relationship_id), col(ContactLink.external_user_id)).where(
            col(ContactLink.brand_id) == brand_id, col(ContactLink.relationship_id).in_(relationship_ids)
        )
    )
    return found.all()


async def present(session: AsyncSession, brand_id: UUID, ends: Collection[Ends]) -> set[Ends]:
    """Which of these are contacts now, each an account and a relationship."""
    found = await session.execute(
        select(col(ContactLink.account_id), col(ContactLink.relationship_id)).where(
            col(ContactLink.brand_id) == brand_id,
            col(ContactLink.relationship_id).in_({relationship_id for _, relationship_id in ends}),
            col(ContactLink.gone_at).is_(None),
        )
    )
    wanted = set(ends)
    return {each for each in ((row.account_id, row.relationship_id) for row in found) if each in wanted}


async def told_of(session: AsyncSession, brand_id: UUID, names: Collection[str]) -> Sequence[News]:
    """What was applied of the news that the partner told of contacts of these customers, the oldest first."""
    found = await session.scalars(
        select(PartnerNews)
        .where(
            col(PartnerNews.brand_id) == brand_id,
            col(PartnerNews.external_user_id).in_(names),
            col(PartnerNews.kind).in_(_OF_CONTACTS),
            col(PartnerNews.user_id).is_not(None),
            col(PartnerNews.applied_at).is_not(None),
        )
        .order_by(col(PartnerNews.at), col(PartnerNews.key))
    )
    return [each.news for each in found]
