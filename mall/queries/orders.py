"""Reads of orders and their lines."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Relationship
from customers.queries import relationships
from kernel.actor import Actor, Role
from kernel.db import OneOf
from kernel.errors import NotFound
from kernel.pages import Key, Page, along, paged
from mall.models import OPEN_STATES, Order, OrderLine, OrderState
from mall.policy import visible_to
from mall.queries import narrowing
from mall.queries.narrowing import Filter as Filter

OrderRow = Row[*tuple[Any, ...]]

_COLUMNS = tuple(Order.__table__.columns)  # type: ignore[attr-defined]  # set by SQLModel
_LINE_COLUMNS = tuple(OrderLine.__table__.columns)  # type: ignore[attr-defined]  # set by SQLModel
_RELATIONSHIP: Any = col(Order.relationship_id)
_OPEN = (
    select(*_COLUMNS).where(col(Order.state).in_(OPEN_STATES)).order_by(col(Order.id)).with_for_update(key_share=True)
)
_NEWEST_FIRST = (col(Order.placed_at).desc(), col(Order.id).desc())


async def lock(session: AsyncSession, actor: Actor, order_id: UUID) -> Order:
    """The order, kept from other writers until the commit. `NOT_FOUND` if it isn't in sight."""
    found = await _lock(session, actor, col(Order.id) == order_id)
    if found is None:
        raise NotFound
    return found


async def lock_by_number(session: AsyncSession, actor: Actor, source: str, number: str) -> Order | None:
    """The order that a source knows by this number, locked; none if it is not known."""
    return await _lock(session, actor, col(Order.source) == source, col(Order.number) == number)


async def _lock(session: AsyncSession, actor: Actor, *named: ColumnElement[bool]) -> Order | None:
    # The relationship first, as a handover does it: its holder is to hear of the order, so it may not
    # move before the commit.
    await session.execute(
        select(col(Relationship.id))
        .join(
            Order,
            (col(Order.brand_id) == col(Relationship.brand_id)) & (col(Order.relationship_id) == col(Relationship.id)),
        )
        .where(col(Relationship.brand_id) == actor.brand_id, visible_to(actor), *named)
        .with_for_update(read=True, of=Relationship)
    )
    return await session.scalar(select(Order).where(visible_to(actor), *named).with_for_update(key_share=True))


async def lock_open(session: AsyncSession, brand_id: UUID, relationship_ids: Sequence[UUID]) -> Sequence[OrderRow]:
    """The open orders of these relationships, locked in the order of their keys."""
    found = await session.execute(
        _OPEN.where(col(Order.brand_id) == brand_id, OneOf(_RELATIONSHIP, "relationship_ids")),
        {"relationship_ids": relationship_ids},
    )
    return found.all()


async def by_ids(session: AsyncSession, actor: Actor, order_ids: Sequence[UUID]) -> dict[UUID, OrderRow]:
    """Those of the orders that are in sight."""
    found = await session.execute(_rows(actor).where(col(Order.id).in_(order_ids)))
    return {row.id: row for row in found}


async def latest(
    session: AsyncSession, actor: Actor, first: int, states: Collection[OrderState] = ()
) -> Sequence[OrderRow]:
    """The newest orders that the actor serves; for managers, those of their stores. Without states, in any."""
    rows = _rows(actor).where(*([col(Order.state).in_(states)] if states else []))
    if actor.role is Role.GUIDE:
        rows = rows.where(col(Order.serving_account_id).in_(actor.account_ids))
    found = await session.execute(rows.order_by(*_NEWEST_FIRST).limit(first))
    return found.all()


async def page(session: AsyncSession, actor: Actor, page: Page, narrowed: Filter | None = None) -> Sequence[OrderRow]:
    """Orders in sight, newest first; one more than asked for when there is a next page."""
    rows = _rows(actor).where(*narrowing.conditions(narrowed or Filter()))
    keys = (Key(col(Order.placed_at), descending=True), Key(col(Order.id), descending=True))
    return (await session.execute(paged(rows, page, *keys))).all()


async def kept_lines(session: AsyncSession, order: Order) -> Sequence[OrderRow]:
    """The lines of an order that is locked, in their order."""
    found = await session.execute(
        select(*_LINE_COLUMNS)
        .where(col(OrderLine.brand_id) == order.brand_id, col(OrderLine.order_id) == order.id)
        .order_by(col(OrderLine.line))
    )
    return found.all()


async def lines_of(session: AsyncSession, actor: Actor, order_ids: Sequence[UUID]) -> dict[UUID, list[OrderRow]]:
    """The lines of those of the orders that are in sight, in their order."""
    found = await session.execute(
        select(*_LINE_COLUMNS)
        .join(Order, (col(Order.brand_id) == col(OrderLine.brand_id)) & (col(Order.id) == col(OrderLine.order_id)))
        .where(col(OrderLine.brand_id) == actor.brand_id, col(OrderLine.order_id).in_(order_ids), visible_to(actor))
        .order_by(col(OrderLine.order_id), col(OrderLine.line))
    )
    return _grouped(found.all(), "order_id")


async def last_of_customers(session: AsyncSession, actor: Actor, customer_ids: Sequence[UUID]) -> dict[UUID, OrderRow]:
    """Each customer's newest order in sight that was not cancelled."""
    return {
        customer_id: orders[0] for customer_id, orders in (await of_customers(session, actor, customer_ids, 1)).items()
    }


async def of_customers(
    session: AsyncSession, actor: Actor, customer_ids: Sequence[UUID], first: int
) -> dict[UUID, list[OrderRow]]:
    """Each customer's newest orders in sight that were not cancelled, at most `first` each."""
    place = func.row_number().over(partition_by=col(Order.customer_id), order_by=_NEWEST_FIRST).label("place")
    ranked = (
        select(col(Order.id), place)
        .where(
            visible_to(actor),
            col(Order.customer_id).in_(customer_ids),
            col(Order.state) != OrderState.CANCELLED,
        )
        .subquery()
    )
    found = await session.execute(
        select(*_COLUMNS)
        .join(ranked, ranked.c.id == col(Order.id))
        .where(col(Order.brand_id) == actor.brand_id, ranked.c.place <= first)
        .order_by(col(Order.customer_id), *_NEWEST_FIRST)
    )
    return _grouped(found.all(), "customer_id")


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    return select(*_COLUMNS).where(visible_to(actor))


async def walk(
    session: AsyncSession, actor: Actor, after: UUID | None, most: int, of: Sequence[UUID] | None = None
) -> Sequence[OrderRow]:
    """Orders in sight by id: all of them, or what the customers of these relationships bought.

    A customer may have bought in the store before it had a relationship with them.
    """
    rows = _rows(actor)
    if of is not None:
        rows = rows.where(col(Order.customer_id).in_(relationships.customers_of(actor, of)))
    return (await session.execute(along(rows, col(Order.id), after, most))).all()


def _grouped(rows: Sequence[OrderRow], key: str) -> dict[UUID, list[OrderRow]]:
    groups: dict[UUID, list[OrderRow]] = defaultdict(list)
    for row in rows:
        groups[getattr(row, key)].append(row)
    return dict(groups)
