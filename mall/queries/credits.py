"""Reads of who earned orders: parts, decisions, and what somebody earned whose order is out of their sight."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Row, Select, and_, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Store
from kernel.actor import Actor
from kernel.pages import along
from mall.models import Credit, CreditDecision, LineKind, Order, OrderLine, Refund, RefundCharge
from mall.models.flags import is_cross_city, is_off_hours
from mall.policy import credits_visible_to, visible_to

CreditRow = Row[*tuple[Any, ...]]

_COLUMNS = tuple(Credit.__table__.columns)  # type: ignore[attr-defined]  # set by SQLModel
_DECISIONS = tuple(CreditDecision.__table__.columns)  # type: ignore[attr-defined]  # set by SQLModel
_OF_ORDER: ColumnElement[bool] = and_(
    col(Order.brand_id) == col(Credit.brand_id), col(Order.id) == col(Credit.order_id)
)


async def by_ids(session: AsyncSession, actor: Actor, credit_ids: Sequence[UUID]) -> dict[UUID, CreditRow]:
    """Those of the credits that the actor is told of, with what there is to know of their orders."""
    found = await session.execute(_rows(actor).where(col(Credit.id).in_(credit_ids)))
    return {row.id: row for row in found}


async def walk(session: AsyncSession, actor: Actor, after: UUID | None, most: int) -> Sequence[CreditRow]:
    """All that the actor is told of, by id."""
    return (await session.execute(along(_rows(actor), col(Credit.id), after, most))).all()


async def of_orders(session: AsyncSession, actor: Actor, order_ids: Sequence[UUID]) -> dict[UUID, list[CreditRow]]:
    """Who earned those of the orders that are in sight, part by part."""
    found = await session.execute(
        select(*_COLUMNS)
        .join(Order, _OF_ORDER)
        .where(col(Credit.brand_id) == actor.brand_id, col(Credit.order_id).in_(order_ids), visible_to(actor))
        .order_by(col(Credit.order_id), col(Credit.part))
    )
    return _grouped(found.all())


async def decisions_of(session: AsyncSession, actor: Actor, order_ids: Sequence[UUID]) -> dict[UUID, list[CreditRow]]:
    """Every decision about those of the orders that are in sight, the first one first."""
    found = await session.execute(
        select(*_DECISIONS)
        .join(
            Order,
            and_(col(Order.brand_id) == col(CreditDecision.brand_id), col(Order.id) == col(CreditDecision.order_id)),
        )
        .where(
            col(CreditDecision.brand_id) == actor.brand_id,
            col(CreditDecision.order_id).in_(order_ids),
            visible_to(actor),
        )
        .order_by(col(CreditDecision.order_id), col(CreditDecision.turn))
    )
    return _grouped(found.all())


async def flags_of(
    session: AsyncSession, actor: Actor, order_ids: Sequence[UUID]
) -> dict[UUID, tuple[bool | None, bool | None]]:
    """Of those of the orders that are in sight, whether the store was shut, and whether it goes to another city."""
    found = await session.execute(
        select(
            col(Order.id),
            col(Order.placed_at),
            col(Order.city),
            col(Store.opening_hours),
            col(Store.time_zone),
            col(Store.city).label("store_city"),
        )
        .join(Store, and_(col(Store.brand_id) == col(Order.brand_id), col(Store.id) == col(Order.store_id)))
        .where(visible_to(actor), col(Order.id).in_(order_ids))
    )
    return {
        row.id: (
            is_off_hours(row.opening_hours, row.time_zone, row.placed_at),
            is_cross_city(row.store_city, row.city),
        )
        for row in found
    }


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    return (
        select(
            *_COLUMNS,
            col(Order.number).label("order_number"),
            col(Order.amount).label("order_amount"),
            col(Order.state).label("order_state"),
            col(Order.currency),
            col(Order.placed_at),
            _article().label("article"),
            _refunded().label("refunded"),
        )
        .join(Order, _OF_ORDER)
        .where(credits_visible_to(actor))
    )


def _article() -> Any:
    """What the order's first line of goods is called."""
    return (
        select(col(OrderLine.name))
        .where(
            col(OrderLine.brand_id) == col(Credit.brand_id),
            col(OrderLine.order_id) == col(Credit.order_id),
            col(OrderLine.kind) == LineKind.GOODS,
        )
        .order_by(col(OrderLine.line))
        .limit(1)
        .correlate(Credit)
        .scalar_subquery()
    )


def _refunded() -> Any:
    """What of the part was given back: refunds are borne in the parts of the credit."""
    return (
        select(cast(func.coalesce(func.sum(col(RefundCharge.amount)), 0), BigInteger))
        .join(
            Refund,
            and_(col(Refund.brand_id) == col(RefundCharge.brand_id), col(Refund.id) == col(RefundCharge.refund_id)),
        )
        .where(
            col(Refund.brand_id) == col(Credit.brand_id),
            col(Refund.order_id) == col(Credit.order_id),
            col(Refund.is_void).is_(False),
            col(RefundCharge.part) == col(Credit.part),
        )
        .correlate(Credit)
        .scalar_subquery()
    )


def _grouped(rows: Sequence[CreditRow]) -> dict[UUID, list[CreditRow]]:
    groups: dict[UUID, list[CreditRow]] = defaultdict(list)
    for row in rows:
        groups[row.order_id].append(row)
    return dict(groups)
