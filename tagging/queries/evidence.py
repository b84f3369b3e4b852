"""Read what customers did, for many of them at once, and judge them by rules.

A statement for orders, one for their lines, one for visits, one for refunds, however many rules there are. Names are
compared in Python, each distinct one once: what a rule may look for is a regular expression that no database has.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import NullType
from sqlmodel import col

from customers.models import Relationship, Visit
from directory.models import Store
from kernel import clock
from kernel.db import OneOf
from mall.models import COUNTED_STATES, LineKind, Order, OrderLine, Product, Refund
from tagging.models.judging import Finding, Judge
from tagging.models.measuring import Bought, Counter, Line, Noted, Plan, Rule, Source, Tallies

_EARLIEST = date(1970, 1, 1)
A_FEW = 50


class Judged(NamedTuple):
    """One customer: what each rule found, by its key, and what was counted."""

    findings: dict[UUID, Finding]
    tallies: Tallies


class Evidence(NamedTuple):
    """What was found, by customer, and the judges that say why."""

    judges: dict[UUID, Judge]
    customers: dict[UUID, Judged]


class _Shop(NamedTuple):
    time_zone: str
    opening_hours: Sequence[Any]


async def judge(
    session: AsyncSession, brand_id: UUID, rules: Mapping[UUID, Rule], customer_ids: Sequence[UUID], day: date
) -> Evidence:
    """What each rule says of each customer, by what they had done by the end of that day."""
    if not rules:
        return Evidence({}, {customer_id: Judged({}, {}) for customer_id in customer_ids})
    plan = Plan(rules.values())
    counter = Counter(plan, day)
    judges = {key: Judge(rule, plan, day) for key, rule in rules.items()}
    chosen = _Chosen(brand_id, customer_ids, day, plan)
    shops = await _shops(session, brand_id)
    orders = await _orders(session, chosen, shops)
    visits = await _visits(session, chosen, shops)
    refunds = await _refunds(session, chosen) if plan.reads(Source.REFUNDS) else {}
    found = {}
    for place, customer_id in enumerate(customer_ids):
        if place % A_FEW == 0:
            await asyncio.sleep(0)  # others who wait for this process have their turn
        tallies = counter.count(orders.get(customer_id, ()), visits.get(customer_id, ()), refunds.get(customer_id, ()))
        found[customer_id] = Judged({key: each.find(tallies) for key, each in judges.items()}, tallies)
    return Evidence(judges, found)


class _Chosen(NamedTuple):
    brand_id: UUID
    customer_ids: Sequence[UUID]
    day: date
    plan: Plan

    @property
    def given(self) -> dict[str, Sequence[UUID]]:
        return {"customer_ids": self.customer_ids}

    @property
    def first_day(self) -> date:
        return max(self.day - timedelta(days=self.plan.days - 1), _EARLIEST)

    def are(self, brand: Any, customer: Any) -> ColumnElement[bool]:
        return and_(brand == self.brand_id, OneOf(customer, "customer_ids"))

    def within(self, day: Any) -> ColumnElement[bool]:
        return and_(day >= self.first_day, day <= self.day)


async def _orders(session: AsyncSession, chosen: _Chosen, shops: Mapping[UUID, _Shop]) -> dict[UUID, list[Bought]]:
    found = await session.execute(
        _standing(
            chosen,
            _plain(col(Order.id)),
            col(Order.customer_id),
            col(Order.store_id),
            col(Order.day),
            col(Order.placed_at),
            col(Order.channel),
            col(Order.amount),
        ),
        chosen.given,
    )
    lines = await _lines(session, chosen) if chosen.plan.needs_lines else {}
    asks_hours = chosen.plan.asks("off_hours")
    orders: dict[UUID, list[Bought]] = defaultdict(list)
    for order_id, customer_id, store_id, day, placed_at, channel, amount in found:
        is_off = None
        if asks_hours:
            shop = shops[store_id]
            is_off = not clock.is_open(shop.opening_hours, placed_at, shop.time_zone)
        orders[customer_id].append(Bought(day, store_id, channel.value, amount, is_off, lines.get(order_id, [])))
    return orders


async def _lines(session: AsyncSession, chosen: _Chosen) -> dict[Any, list[Line]]:
    """Merchandise only."""
    asks_category = chosen.plan.asks("category")
    # Not joined: SQLite, which doesn't know how large tables are, would go through all lines of the brand.
    statement = select(
        _plain(col(OrderLine.order_id)),
        col(OrderLine.name),
        col(OrderLine.product_code),
        col(OrderLine.variant),
        col(OrderLine.quantity),
        col(OrderLine.amount),
        *((col(Product.category),) if asks_category else ()),
    ).where(
        col(OrderLine.brand_id) == chosen.brand_id,
        col(OrderLine.order_id).in_(_standing(chosen, col(Order.id))),
        col(OrderLine.kind) == LineKind.GOODS,
    )
    if asks_category:
        statement = statement.outerjoin(
            Product,
            and_(col(Product.brand_id) == col(OrderLine.brand_id), col(Product.id) == col(OrderLine.product_id)),
        )
    found = await session.execute(statement, chosen.given)
    lines: dict[Any, list[Line]] = defaultdict(list)
    for order_id, name, code, variant, quantity, amount, *category in found:
        lines[order_id].append(Line(name, code, variant, category[0] if category else None, quantity, amount))
    return lines


def _plain(key: Any) -> ColumnElement[Any]:
    """A key as the driver gives it: making an id of each line's costs more than reading it."""
    return type_coerce(key, NullType())


def _standing(chosen: _Chosen, *columns: Any) -> Select[*tuple[Any, ...]]:
    return (
        select(*columns)
        .select_from(Order)
        .where(
            chosen.are(col(Order.brand_id), col(Order.customer_id)),
            col(Order.state).in_(COUNTED_STATES),
            chosen.within(col(Order.day)),
        )
    )


async def _visits(session: AsyncSession, chosen: _Chosen, shops: Mapping[UUID, _Shop]) -> dict[UUID, list[Noted]]:
    """By the calendar of the store, so that a day more is read at either end."""
    since, _ = clock.day_bounds(max(chosen.first_day - timedelta(days=1), _EARLIEST), "UTC")
    _, until = clock.day_bounds(chosen.day + timedelta(days=1), "UTC")
    found = await session.execute(
        select(col(Relationship.customer_id), col(Visit.store_id), col(Visit.at))
        .join(
            Visit,
            and_(col(Visit.brand_id) == col(Relationship.brand_id), col(Visit.relationship_id) == col(Relationship.id)),
        )
        .where(
            chosen.are(col(Relationship.brand_id), col(Relationship.customer_id)),
            col(Visit.at) >= since,
            col(Visit.at) < until,
        ),
        chosen.given,
    )
    return _by_customer(
        (customer_id, Noted(clock.store_day(at, shops[store_id].time_zone), store_id))
        for customer_id, store_id, at in found
    )


async def _refunds(session: AsyncSession, chosen: _Chosen) -> dict[UUID, list[Noted]]:
    found = await session.execute(
        select(col(Refund.customer_id), col(Refund.day), col(Refund.store_id), col(Refund.amount)).where(
            chosen.are(col(Refund.brand_id), col(Refund.customer_id)),
            chosen.within(col(Refund.day)),
            col(Refund.is_void).is_(False),
        ),
        chosen.given,
    )
    return _by_customer(
        (customer_id, Noted(day, store_id, amount)) for customer_id, day, store_id, amount in found if customer_id
    )


async def _shops(session: AsyncSession, brand_id: UUID) -> dict[UUID, _Shop]:
    found = await session.execute(
        select(col(Store.id), col(Store.time_zone), col(Store.opening_hours)).where(col(Store.brand_id) == brand_id)
    )
    return {store_id: _Shop(*rest) for store_id, *rest in found}


def _by_customer(noted: Iterable[tuple[UUID, Noted]]) -> dict[UUID, list[Noted]]:
    found: dict[UUID, list[Noted]] = defaultdict(list)
    for customer_id, each in noted:
        found[customer_id].append(each)
    return found
