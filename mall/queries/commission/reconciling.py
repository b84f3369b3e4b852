"""Tie commission to what was sold: goods, discounts, refunds and what was posted, store by store, to the penny."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Store
from kernel.actor import Actor
from kernel.pages import Key, Page, paged
from mall.models import (
    COUNTED_STATES,
    CommissionEntry,
    CommissionPeriod,
    CommissionRole,
    CommissionStatement,
    LineKind,
    Order,
    OrderLine,
    Refund,
)
from mall.models.periods import Span
from mall.policy import require_accountant
from mall.queries.commission.ledger import total

MOST_DIFFERENCES = 100


@dataclass(slots=True)
class Ties:
    """A store's figures of a period, or all stores'; in minor units, days by each store's calendar.

    `goods` and `services` are above zero, so is `discounts`; goods + services − discounts = `orders`, orders −
    refunds = `net`. `guides` and `managers` add up to `commission`, which is what the entries say and what the
    statements do. `borne` is above zero: what the stores bear of commission that was taken back after whoever had
    earned it had left and been paid for the last time; it is in none of these.
    """

    order_count: int = 0
    goods: int = 0
    discounts: int = 0
    services: int = 0
    orders: int = 0
    refunds: int = 0
    guide_basis: int = 0
    manager_basis: int = 0
    guides: int = 0
    managers: int = 0
    statements: int = 0
    borne: int = 0

    @property
    def net(self) -> int:
        return self.orders - self.refunds

    @property
    def commission(self) -> int:
        return self.guides + self.managers

    @property
    def is_tied(self) -> bool:
        """Whether all of it adds up."""
        return self.goods + self.services - self.discounts == self.orders and self.commission == self.statements


@dataclass(frozen=True, slots=True)
class StoreTies:
    """The same of one store."""

    store_id: UUID
    code: str
    name: str
    ties: Ties


@dataclass(frozen=True, slots=True)
class Untied:
    """An order whose lines don't add up to it."""

    order_id: UUID
    source: str
    number: str
    lines: int
    amount: int


async def in_all(session: AsyncSession, actor: Actor, span: Span) -> Ties:
    """The brand's figures. `FORBIDDEN` for who isn't of HQ, nor a machine that reports."""
    require_accountant(actor)
    stores = select(col(Store.id)).where(col(Store.brand_id) == actor.brand_id)
    ties = Ties()
    for each in (await _ties(session, actor, span, stores)).values():
        for name in (field.name for field in fields(Ties)):
            setattr(ties, name, getattr(ties, name) + getattr(each, name))
    return ties


async def by_store(session: AsyncSession, actor: Actor, span: Span, page: Page) -> list[StoreTies]:
    """The figures of stores by code; one store more than asked for if there is one. `FORBIDDEN`."""
    require_accountant(actor)
    columns = select(col(Store.id), col(Store.code), col(Store.name)).where(col(Store.brand_id) == actor.brand_id)
    rows = (await session.execute(paged(columns, page, Key(col(Store.code)), Key(col(Store.id))))).all()
    found = await _ties(session, actor, span, [row.id for row in rows])
    return [StoreTies(row.id, row.code, row.name, found.get(row.id, Ties())) for row in rows]


async def untied(session: AsyncSession, actor: Actor, span: Span) -> list[Untied]:
    """Orders of the period whose lines don't add up to what was paid; at most 100. There are none. `FORBIDDEN`."""
    require_accountant(actor)
    lines = total(col(OrderLine.amount))
    keys = (col(Order.id), col(Order.source), col(Order.number), col(Order.amount))
    found = await session.execute(
        select(*keys, lines.label("lines"))
        .outerjoin(OrderLine, _of_order())
        .where(*_counted(actor, span))
        .group_by(*keys)
        .having(func.coalesce(func.sum(col(OrderLine.amount)), 0) != col(Order.amount))
        .order_by(col(Order.id))
        .limit(MOST_DIFFERENCES)
    )
    return [Untied(row.id, row.source, row.number, row.lines, row.amount) for row in found]


def _of_order() -> ColumnElement[bool]:
    return and_(col(OrderLine.brand_id) == col(Order.brand_id), col(OrderLine.order_id) == col(Order.id))


def _counted(actor: Actor, span: Span) -> tuple[ColumnElement[bool], ...]:
    return (
        col(Order.brand_id) == actor.brand_id,
        col(Order.day) >= span.first_day,
        col(Order.day) <= span.last_day,
        col(Order.state).in_(COUNTED_STATES),
    )


async def _ties(session: AsyncSession, actor: Actor, span: Span, stores: Any) -> dict[UUID, Ties]:
    """By store; four statements, however many stores."""
    found: dict[UUID, Ties] = {}

    def at(store_id: UUID) -> Ties:
        return found.setdefault(store_id, Ties())

    for row in await _sold(session, actor, span, stores):
        ties = at(row.store_id)
        ties.goods, ties.discounts, ties.services = row.goods, -row.discounts, row.services
    for row in await _paid(session, actor, span, stores):
        at(row.store_id).order_count, at(row.store_id).orders = row.order_count, row.orders
    for row in await _given_back(session, actor, span, stores):
        at(row.store_id).refunds = row.refunds
    for row in await _posted(session, actor, span, stores):
        ties = at(row.store_id)
        ties.borne -= row.borne
        if row.role is CommissionRole.GUIDE:
            ties.guide_basis, ties.guides = row.basis, row.amount
        else:
            ties.manager_basis, ties.managers = row.basis, row.amount
    frozen = await _frozen(session, actor, span, stores)
    for store_id, ties in found.items():
        ties.statements = ties.commission if frozen is None else frozen.get(store_id, 0)
    return found


async def _sold(session: AsyncSession, actor: Actor, span: Span, stores: Any) -> Sequence[Row[*tuple[Any, ...]]]:
    amount, is_goods = col(OrderLine.amount), col(OrderLine.kind) == LineKind.GOODS
    found = await session.execute(
        select(
            col(Order.store_id),
            total(case((is_goods, amount), else_=0)).label("goods"),
            total(case((and_(~is_goods, amount < 0), amount), else_=0)).label("discounts"),
            total(case((and_(~is_goods, amount > 0), amount), else_=0)).label("services"),
        )
        .join(OrderLine, _of_order())
        .where(*_counted(actor, span), col(Order.store_id).in_(stores))
        .group_by(col(Order.store_id))
    )
    return found.all()


async def _paid(session: AsyncSession, actor: Actor, span: Span, stores: Any) -> Sequence[Row[*tuple[Any, ...]]]:
    found = await session.execute(
        select(col(Order.store_id), func.count().label("order_count"), total(col(Order.amount)).label("orders"))
        .where(*_counted(actor, span), col(Order.store_id).in_(stores))
        .group_by(col(Order.store_id))
    )
    return found.all()


async def _given_back(session: AsyncSession, actor: Actor, span: Span, stores: Any) -> Sequence[Row[*tuple[Any, ...]]]:
    found = await session.execute(
        select(col(Refund.store_id), total(col(Refund.amount)).label("refunds"))
        .where(
            col(Refund.brand_id) == actor.brand_id,
            col(Refund.day) >= span.first_day,
            col(Refund.day) <= span.last_day,
            col(Refund.is_void).is_(False),
            col(Refund.store_id).in_(stores),
        )
        .group_by(col(Refund.store_id))
    )
    return found.all()


async def _posted(session: AsyncSession, actor: Actor, span: Span, stores: Any) -> Sequence[Row[*tuple[Any, ...]]]:
    entry, is_borne = CommissionEntry, col(CommissionEntry.is_borne_by_store)
    found = await session.execute(
        select(
            col(entry.store_id),
            col(entry.role),
            total(case((~is_borne, col(entry.basis)), else_=0)).label("basis"),
            total(case((~is_borne, col(entry.amount)), else_=0)).label("amount"),
            total(case((is_borne, col(entry.amount)), else_=0)).label("borne"),
        )
        .where(
            col(entry.brand_id) == actor.brand_id,
            col(entry.period) == span.first_day,
            col(entry.store_id).in_(stores),
        )
        .group_by(col(entry.store_id), col(entry.role))
    )
    return found.all()


async def _frozen(session: AsyncSession, actor: Actor, span: Span, stores: Any) -> dict[UUID, int] | None:
    """What the frozen statements say by store; nothing as long as the period's aren't frozen."""
    statement = CommissionStatement
    is_frozen = await session.scalar(
        select(col(CommissionPeriod.id)).where(
            col(CommissionPeriod.brand_id) == actor.brand_id,
            col(CommissionPeriod.first_day) == span.first_day,
            col(CommissionPeriod.frozen_at).is_not(None),
        )
    )
    if is_frozen is None:
        return None
    found = await session.execute(
        select(col(statement.store_id), total(col(statement.amount)))
        .where(
            col(statement.brand_id) == actor.brand_id,
            col(statement.period) == span.first_day,
            col(statement.store_id).in_(stores),
        )
        .group_by(col(statement.store_id))
    )
    return {store_id: int(amount) for store_id, amount in found}
