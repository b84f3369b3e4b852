"""Reads of what became of the tags of customers."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Customer
from customers.policy import visible_to as customers_visible_to
from kernel.actor import Actor
from kernel.pages import Key, Page, paged
from tagging.models import Tag, TagChange
from tagging.policy import visible_to

ChangeRow = Row[*tuple[Any, ...]]

KEYS = (Key(col(TagChange.at), descending=True), Key(col(TagChange.id), descending=True))


async def page(session: AsyncSession, actor: Actor, customer_id: UUID, page: Page) -> Sequence[ChangeRow]:
    """A customer's lines, the newest first; one more than asked for when there is a next page.

    As the customer is in sight; without the lines of other people's personal tags.
    """
    rows = _rows(actor).where(col(TagChange.customer_id) == customer_id)
    return (await session.execute(paged(rows, page, *KEYS))).all()


async def of_customers(
    session: AsyncSession, actor: Actor, customer_ids: Sequence[UUID], first: int
) -> dict[UUID, list[ChangeRow]]:
    """The newest lines of each customer in sight, at most `first` of each."""
    place = func.row_number().over(
        partition_by=col(TagChange.customer_id), order_by=(col(TagChange.at).desc(), col(TagChange.id).desc())
    )
    numbered = (
        _rows(actor).add_columns(place.label("place")).where(col(TagChange.customer_id).in_(customer_ids)).subquery()
    )
    found = await session.execute(select(numbered).where(numbered.c.place <= first).order_by(numbered.c.place))
    lines: dict[UUID, list[ChangeRow]] = {customer_id: [] for customer_id in customer_ids}
    for row in found:
        lines[row.customer_id].append(row)
    return lines


def place(row: ChangeRow) -> list[Any]:
    """Where a line lies in the list."""
    return [row.at, row.id]


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    return (
        select(*TagChange.__table__.columns)  # type: ignore[attr-defined]  # set by SQLModel
        .join(Tag, (col(Tag.brand_id) == col(TagChange.brand_id)) & (col(Tag.id) == col(TagChange.tag_id)))
        .join(
            Customer,
            (col(Customer.brand_id) == col(TagChange.brand_id)) & (col(Customer.id) == col(TagChange.customer_id)),
        )
        .where(col(TagChange.brand_id) == actor.brand_id, visible_to(actor), customers_visible_to(actor))
    )
