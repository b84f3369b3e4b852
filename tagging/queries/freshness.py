"""Reads about how long tags on customers are believed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Interval,
    Result,
    Row,
    Uuid,
    and_,
    exists,
    func,
    literal,
    select,
    tuple_,
    type_coerce,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal
from sqlmodel import col

from customers.models import Customer, Relationship
from directory.models import Account
from kernel.db import UtcDateTime
from kernel.pages import along
from tagging.models import CustomerTag, Tag, TagGroup

Worn = Row[*tuple[Any, ...]]


class DaysAfter(ColumnElement[Any]):
    """The instant so many days after the one in a column, to the microsecond on both engines."""

    inherit_cache = True
    type = UtcDateTime()
    _traverse_internals = [  # noqa: RUF012 - so it is declared by SQLAlchemy
        ("on_postgres", InternalTraversal.dp_clauseelement),
        ("on_sqlite", InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, column: Any, days: int) -> None:
        self.on_postgres = type_coerce(column, DateTime(timezone=True)) + literal(timedelta(days=days), Interval())
        # SQLite counts days, but rounds times: the time of day stays as it was written.
        self.on_sqlite = func.date(func.substr(column, 1, 10), f"+{days} days").concat(func.substr(column, 11))


@compiles(DaysAfter, "sqlite")
def _on_sqlite(element: DaysAfter, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.on_sqlite, **options)


@compiles(DaysAfter)
def _on_postgres(element: DaysAfter, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.on_postgres, **options)


def good_until(days: int | None) -> Any:
    """Until when a tag on a customer is good that is believed for so many days; for ever without."""
    return None if days is None else DaysAfter(col(CustomerTag.checked_at), days)


def is_past(checked_at: datetime, days: int | None, at: datetime) -> bool:
    """Whether a tag that was checked then is stale."""
    return days is not None and checked_at + timedelta(days=days) <= at


async def to_redate(
    session: AsyncSession, brand_id: UUID, group_id: UUID, after: tuple[UUID, UUID] | None, most: int
) -> tuple[int | None, Sequence[Worn]] | None:
    """The group's shelf life, which stays so until the commit, and some of its tags on customers, locked.

    In the order of tags and customers, behind one of them; nothing if the brand has no such group.
    """
    group = (
        await session.execute(
            select(col(TagGroup.shelf_life_days))
            .where(col(TagGroup.brand_id) == brand_id, col(TagGroup.id) == group_id)
            # Nobody puts its tags on customers meanwhile: they lock the same rows in another order.
            .with_for_update(key_share=True)
        )
    ).one_or_none()
    if group is None:
        return None
    place = tuple_(col(CustomerTag.tag_id), col(CustomerTag.customer_id))
    of_group = select(col(Tag.id)).where(col(Tag.brand_id) == brand_id, col(Tag.group_id) == group_id)
    rows = (
        select(col(CustomerTag.tag_id), col(CustomerTag.customer_id), *_DATES)
        .where(col(CustomerTag.brand_id) == brand_id, col(CustomerTag.tag_id).in_(of_group))
        .order_by(col(CustomerTag.tag_id), col(CustomerTag.customer_id))
        .limit(most)
        .with_for_update()
    )
    if after is not None:
        rows = rows.where(place > tuple_(*(literal(each, Uuid()) for each in after)))
    return group.shelf_life_days, (await session.execute(rows)).all()


_DATES = (col(CustomerTag.checked_at), col(CustomerTag.valid_until), col(CustomerTag.asked_at))


async def holders_after(
    session: AsyncSession, brand_id: UUID, after: UUID | None, at: datetime, most: int
) -> tuple[Sequence[UUID], list[UUID]]:
    """The next accounts by id, and those of them that hold a customer with a stale tag to be asked about."""
    rows = select(col(Account.id)).where(col(Account.brand_id) == brand_id)
    accounts = (await session.scalars(along(rows, col(Account.id), after, most))).all()
    stale = exists(
        select(col(CustomerTag.tag_id))
        .join(Relationship, _is_primary(brand_id))
        .where(col(Relationship.holder_id) == col(Account.id), *_to_ask(brand_id, at))
    ).correlate(Account)
    holders = (
        select(col(Account.id))
        .where(col(Account.brand_id) == brand_id, col(Account.id).in_(accounts), stale)
        .order_by(col(Account.id))
    )
    return accounts, list(await session.scalars(holders))


async def to_check(
    session: AsyncSession, brand_id: UUID, account_id: UUID, at: datetime, groups: Sequence[UUID], most: int
) -> Sequence[Worn]:
    """Stale tags of these groups on customers whom the account holds first of all, the longest unchecked first.

    Only such as nobody was asked about since they went stale.
    """
    found: Result[Any] = await session.execute(
        select(
            col(CustomerTag.customer_id),
            col(CustomerTag.tag_id),
            col(CustomerTag.checked_at),
            col(Tag.name),
            col(TagGroup.name).label("group_name"),
            col(Relationship.id).label("relationship_id"),
            col(Customer.do_not_contact),
        )
        .join(Relationship, _is_primary(brand_id))
        .join(Customer, and_(col(Customer.brand_id) == brand_id, col(Customer.id) == col(CustomerTag.customer_id)))
        .join(Tag, and_(col(Tag.brand_id) == brand_id, col(Tag.id) == col(CustomerTag.tag_id)))
        .join(TagGroup, and_(col(TagGroup.brand_id) == brand_id, col(TagGroup.id) == col(Tag.group_id)))
        .where(
            col(Relationship.holder_id) == account_id,
            col(Tag.group_id).in_(groups),
            col(Tag.retired_at).is_(None),
            *_to_ask(brand_id, at),
        )
        .order_by(col(CustomerTag.checked_at), col(CustomerTag.customer_id), col(CustomerTag.tag_id))
        .limit(most)
    )
    return found.all()


def _to_ask(brand_id: UUID, at: datetime) -> tuple[ColumnElement[bool], ...]:
    stale = col(CustomerTag.valid_until) <= at
    return col(CustomerTag.brand_id) == brand_id, stale, col(CustomerTag.asked_at).is_(None)


def _is_primary(brand_id: UUID) -> ColumnElement[bool]:
    """Of several who hold a customer, one is asked."""
    return and_(
        col(Relationship.brand_id) == brand_id,
        col(Relationship.customer_id) == col(CustomerTag.customer_id),
        col(Relationship.is_primary),
    )
