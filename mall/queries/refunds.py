"""Reads of refunds."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.queries import relationships
from kernel.actor import Actor
from kernel.pages import along
from mall.models import Order, Refund, RefundCharge, RefundLine
from mall.policy import refunds_visible_to

RefundRow = Row[*tuple[Any, ...]]


async def known(session: AsyncSession, actor: Actor, source: str, number: str) -> Refund | None:
    """The refund that a source knows by this number."""
    return await session.scalar(
        select(Refund).where(refunds_visible_to(actor), col(Refund.source) == source, col(Refund.number) == number)
    )


async def total_of(session: AsyncSession, brand_id: UUID, order_id: UUID) -> int:
    """What was refunded on an order so far. Lock the order first."""
    total = await session.scalar(
        select(func.coalesce(func.sum(col(Refund.amount)), 0)).where(
            col(Refund.brand_id) == brand_id, col(Refund.order_id) == order_id
        )
    )
    return int(total or 0)


async def kept_of(session: AsyncSession, order: Order) -> Sequence[Refund]:
    """The refunds of an order that is locked."""
    found = await session.scalars(
        select(Refund)
        .where(col(Refund.brand_id) == order.brand_id, col(Refund.order_id) == order.id)
        .order_by(col(Refund.id))
    )
    return found.all()


async def by_ids(session: AsyncSession, actor: Actor, refund_ids: Sequence[UUID]) -> dict[UUID, RefundRow]:
    """Those of the refunds that are in sight."""
    found = await session.execute(_rows(actor).where(col(Refund.id).in_(refund_ids)))
    return {row.id: row for row in found}


async def of_orders(session: AsyncSession, actor: Actor, order_ids: Sequence[UUID]) -> dict[UUID, list[RefundRow]]:
    """The refunds in sight on these orders, oldest first."""
    found = await session.execute(
        _rows(actor)
        .where(col(Refund.order_id).in_(order_ids))
        .order_by(col(Refund.order_id), col(Refund.placed_at), col(Refund.id))
    )
    groups: dict[UUID, list[RefundRow]] = defaultdict(list)
    for row in found:
        groups[row.order_id].append(row)
    return dict(groups)


async def of_customers(
    session: AsyncSession, actor: Actor, customer_ids: Sequence[UUID], first: int
) -> dict[UUID, list[RefundRow]]:
    """Each customer's newest refunds in sight, on an order or not, at most `first` each."""
    newest_first = (col(Refund.placed_at).desc(), col(Refund.id).desc())
    place = func.row_number().over(partition_by=col(Refund.customer_id), order_by=newest_first).label("place")
    ranked = (
        select(col(Refund.id), place)
        .where(refunds_visible_to(actor), col(Refund.customer_id).in_(customer_ids))
        .subquery()
    )
    found = await session.execute(
        _rows(actor)
        .join(ranked, ranked.c.id == col(Refund.id))
        .where(ranked.c.place <= first)
        .order_by(col(Refund.customer_id), *newest_first)
    )
    groups: dict[UUID, list[RefundRow]] = defaultdict(list)
    for row in found:
        groups[row.customer_id].append(row)
    return dict(groups)


async def lines_of(session: AsyncSession, actor: Actor, refund_ids: Sequence[UUID]) -> dict[UUID, list[RefundRow]]:
    """The lines of those of the refunds that are in sight, in their order."""
    return await _parts_of(session, actor, RefundLine, col(RefundLine.line), refund_ids)


async def charges_of(session: AsyncSession, actor: Actor, refund_ids: Sequence[UUID]) -> dict[UUID, list[RefundRow]]:
    """Who bears those of the refunds that are in sight, part by part."""
    return await _parts_of(session, actor, RefundCharge, col(RefundCharge.part), refund_ids)


async def walk(
    session: AsyncSession, actor: Actor, after: UUID | None, most: int, of: Sequence[UUID] | None = None
) -> Sequence[RefundRow]:
    """Refunds in sight by id: all of them, or what the customers of these relationships were given back."""
    rows = _rows(actor)
    if of is not None:
        rows = rows.where(col(Refund.customer_id).in_(relationships.customers_of(actor, of)))
    return (await session.execute(along(rows, col(Refund.id), after, most))).all()


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    return select(*Refund.__table__.columns).where(refunds_visible_to(actor))  # type: ignore[attr-defined]  # set by SQLModel


async def _parts_of(
    session: AsyncSession,
    actor: Actor,
    table: type[RefundLine] | type[RefundCharge],
    place: Any,
    refund_ids: Sequence[UUID],
) -> dict[UUID, list[RefundRow]]:
    found = await session.execute(
        select(*table.__table__.columns)  # type: ignore[union-attr]  # set by SQLModel
        .join(Refund, (col(Refund.brand_id) == col(table.brand_id)) & (col(Refund.id) == col(table.refund_id)))
        .where(
            col(table.brand_id) == actor.brand_id,
            col(table.refund_id).in_(refund_ids),
            refunds_visible_to(actor),
        )
        .order_by(col(table.refund_id), place)
    )
    groups: dict[UUID, list[RefundRow]] = defaultdict(list)
    for row in found:
        groups[row.refund_id].append(row)
    return dict(groups)
