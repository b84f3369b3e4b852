"""Reads of customers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, exists, extract, false, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Customer, Relationship
from customers.policy import relationships_visible_to, visible_to
from customers.queries import phones, relationships
from kernel.actor import Actor
from kernel.crypto import Vault
from kernel.db import UtcDateTime
from kernel.errors import NotFound
from kernel.pages import Key, Page, along, paged

CustomerRow = Row[*tuple[Any, ...]]

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_GUARDED = {"phone_sealed", "phone_index"}


class CustomerOrder(StrEnum):
    """By name; newest members first; or whoever was contacted longest ago first, and never before all."""

    NAME = "name"
    JOINED = "joined"
    LAST_CONTACT = "last_contact"


# Where a row lies in a list of that order.
PLACES: dict[CustomerOrder, Callable[[CustomerRow], Sequence[Any]]] = {
    CustomerOrder.NAME: lambda row: (row.name, row.id),
    CustomerOrder.JOINED: lambda row: (row.joined_at, row.id),
    CustomerOrder.LAST_CONTACT: lambda row: (row.contacted_at, row.id),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which customers: all that is given must hold.

    `search` is a whole phone or member number, or part of a name. `birthday_month` runs from 1 to 12.
    `last_contact_before` takes in customers never contacted. `among` is a choice made by another domain.
    """

    search: str | None = None
    store_id: UUID | None = None
    tier: str | None = None
    do_not_contact: bool | None = None
    birthday_month: int | None = None
    last_contact_before: datetime | None = None
    among: Select[UUID] | None = None


async def lock(session: AsyncSession, actor: Actor, customer_id: UUID) -> Customer:
    """The customer, kept from other writers until the commit. `NOT_FOUND` if not in sight."""
    customer = await session.scalar(
        select(Customer).where(col(Customer.id) == customer_id, visible_to(actor)).with_for_update(key_share=True)
    )
    if customer is None:
        raise NotFound
    return customer


async def lock_known(
    session: AsyncSession, actor: Actor, phone_index: str | None, number: str | None
) -> list[Customer]:
    """Customers of the brand, in sight or not, with this phone or this member number; locked."""
    known: list[ColumnElement[bool]] = []
    if phone_index is not None:
        known.append(col(Customer.phone_index) == phone_index)
    if number is not None:
        known.append(col(Customer.member_number) == number)
    found = await session.scalars(
        select(Customer)
        .where(col(Customer.brand_id) == actor.brand_id, or_(*known))
        .order_by(col(Customer.id))
        .with_for_update(key_share=True)
    )
    return list(found)


async def by_ids(session: AsyncSession, actor: Actor, customer_ids: Sequence[UUID]) -> dict[UUID, CustomerRow]:
    """Those of the customers that are in sight."""
    found = await session.execute(_rows(actor).where(col(Customer.id).in_(customer_ids)))
    return {row.id: row for row in found}


async def page(
    session: AsyncSession, actor: Actor, vault: Vault, page: Page, wanted: Filter, order: CustomerOrder
) -> Sequence[CustomerRow]:
    """Customers in sight that the filter lets through, in this order."""
    rows = _rows(actor).where(*_conditions(actor, vault, wanted))
    found = await session.execute(paged(rows, page, *_keys(actor, order)))
    return found.all()


async def walk(
    session: AsyncSession, actor: Actor, after: UUID | None, most: int, of: Sequence[UUID] | None = None
) -> Sequence[CustomerRow]:
    """Customers in sight by id: all of them, or those of these relationships."""
    rows = _rows(actor)
    if of is not None:
        rows = rows.where(col(Customer.id).in_(relationships.customers_of(actor, of)))
    return (await session.execute(along(rows, col(Customer.id), after, most))).all()


def _keys(actor: Actor, order: CustomerOrder) -> tuple[Key, Key]:
    match order:
        case CustomerOrder.NAME:
            return Key(col(Customer.name)), Key(col(Customer.id))
        case CustomerOrder.JOINED:
            return Key(col(Customer.joined_at), descending=True), Key(col(Customer.id), descending=True)
        case CustomerOrder.LAST_CONTACT:
            return Key(_contacted_at(actor)), Key(col(Customer.id))


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    """Without the sealed phone and its index, which nobody who reads has a use for."""
    columns = [column for column in Customer.__table__.columns if column.name not in _GUARDED]  # type: ignore[attr-defined]  # set by SQLModel
    return select(*columns, _contacted_at(actor).label("contacted_at")).where(visible_to(actor))


def _conditions(actor: Actor, vault: Vault, wanted: Filter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.search is not None:
        conditions.append(_matches(actor, vault, wanted.search.strip()))
    if wanted.store_id is not None:
        conditions.append(
            exists().where(
                col(Relationship.customer_id) == col(Customer.id),
                col(Relationship.store_id) == wanted.store_id,
                relationships_visible_to(actor),
            )
        )
    if wanted.tier is not None:
        conditions.append(false() if "\x00" in wanted.tier else col(Customer.tier) == wanted.tier)
    if wanted.do_not_contact is not None:
        conditions.append(col(Customer.do_not_contact) == wanted.do_not_contact)
    if wanted.birthday_month is not None:
        conditions.append(extract("month", col(Customer.birthday)) == wanted.birthday_month)
    if wanted.last_contact_before is not None:
        conditions.append(_contacted_at(actor) < wanted.last_contact_before)
    if wanted.among is not None:
        conditions.append(col(Customer.id).in_(wanted.among))
    return conditions


def _matches(actor: Actor, vault: Vault, text: str) -> ColumnElement[bool]:
    """A phone is looked up by its index, never by its parts."""
    if "\x00" in text:
        return false()  # PostgreSQL can't even be asked for it
    by_number = col(Customer.member_number) == text
    index = phones.index_of(vault, actor.brand_id, text)
    if index is not None:
        return or_(by_number, col(Customer.phone_index) == index)
    return or_(by_number, col(Customer.name).icontains(text, autoescape=True))


def _contacted_at(actor: Actor) -> ColumnElement[datetime]:
    """The last contact within the actor's sight; `NEVER` if there was none."""
    latest = (
        select(func.max(col(Relationship.last_contact_at)))
        .where(col(Relationship.customer_id) == col(Customer.id), relationships_visible_to(actor))
        .correlate(Customer)
        .scalar_subquery()
    )
    return func.coalesce(latest, literal(NEVER, UtcDateTime()))
