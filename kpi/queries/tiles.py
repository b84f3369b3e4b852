"""The figures on top of a workbench: today and this month, as sums over base rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Date, Select, and_, case, func, literal, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col

from customers.models import Relationship
from customers.policy import relationships_visible_to
from directory.models import Brand, Store
from directory.policy import in_sight
from kernel import clock
from kernel.actor import Actor, Role
from kernel.db import UtcDateTime
from kpi.policy import require_reader
from mall.models import COUNTED_STATES, Credit, Order, Refund, RefundCharge
from tasks.models import Task, TaskState
from tasks.policy import visible_to as tasks_visible_to


@dataclass(frozen=True, slots=True)
class Figures:
    """What was sold in a period; amounts are in the currency's minor unit. Cancelled orders don't count.

    Refunds count on the day when the money was given back, so `net` may be below zero.
    """

    orders: int
    gross: int
    refunds: int

    @property
    def net(self) -> int:
        """Gross without refunds."""
        return self.gross - self.refunds

    @property
    def average_basket(self) -> int | None:
        """Gross per order, rounded half up to a whole minor unit; none without orders."""
        return (2 * self.gross + self.orders) // (2 * self.orders) if self.orders else None


@dataclass(frozen=True, slots=True)
class Tiles:
    """A guide's own figures, or those of the stores that a manager answers for."""

    currency: str
    today: Figures
    month: Figures
    open_tasks: int
    tasks_due_today: int
    tasks_done_today: int
    customers_held: int


@dataclass(frozen=True, slots=True)
class _Calendar:
    """What day it is in each time zone that the brand has stores in."""

    now: datetime
    zones: Sequence[str]

    def on(self, value: Callable[[date, str], Any]) -> ColumnElement[Any]:
        """What `value(today, zone)` is for the store that a row belongs to."""
        values = {zone: value(clock.store_day(self.now, zone), zone) for zone in self.zones}
        if len(set(values.values())) == 1:
            return _literal(next(iter(values.values())))
        return case(*((col(Store.time_zone) == zone, _literal(value)) for zone, value in values.items()))

    def today(self) -> ColumnElement[Any]:
        return self.on(lambda today, zone: today)

    def month_start(self) -> ColumnElement[Any]:
        return self.on(lambda today, zone: today.replace(day=1))

    def day_start(self) -> ColumnElement[Any]:
        return self.on(lambda today, zone: clock.day_bounds(today, zone)[0])

    def day_end(self) -> ColumnElement[Any]:
        return self.on(lambda today, zone: clock.day_bounds(today, zone)[1])

    def earliest_month_start(self) -> datetime:
        """No store's month began before this instant."""
        return min(clock.day_bounds(clock.store_day(self.now, zone).replace(day=1), zone)[0] for zone in self.zones)


async def tiles(session: AsyncSession, actor: Actor) -> Tiles:
    """Today and the month up to today, by each store's own calendar, as far as the actor sees.

    A guide's orders are those credited to their accounts, wherever they were made, and their refunds
    those that their accounts bear. What is to be done counts the tasks of colleagues whom they cover, too;
    what is earned and held doesn't. Managers' are those of their stores. Raises `FORBIDDEN` for a machine
    that may not read reports.
    """
    require_reader(actor)
    zones = await session.scalars(select(col(Store.time_zone)).where(col(Store.brand_id) == actor.brand_id).distinct())
    calendar = _Calendar(clock.now(), zones.all() or ["UTC"])
    row = (await session.execute(_side_by_side(actor, calendar))).one()
    return Tiles(
        currency=row.currency,
        today=Figures(row.orders_today, int(row.gross_today), int(row.refunds_today)),
        month=Figures(row.orders_month, int(row.gross_month), int(row.refunds_month)),
        open_tasks=row.open_tasks,
        tasks_due_today=row.due_today,
        tasks_done_today=row.done_today,
        customers_held=row.customers_held,
    )


def _side_by_side(actor: Actor, calendar: _Calendar) -> Select[Any]:
    """One row that has the sums of every table: one statement, each part by its own index."""
    parts = [
        _orders(actor, calendar).subquery("orders"),
        _refunds(actor, calendar).subquery("refunds"),
        _open_tasks(actor, calendar).subquery("open"),
        _done_tasks(actor, calendar).subquery("done"),
        select(func.count().label("customers_held"))
        .select_from(Relationship)
        .where(relationships_visible_to(actor.alone()))
        .subquery("held"),
    ]
    statement = select(col(Brand.currency), *(column for part in parts for column in part.c)).select_from(Brand)
    for part in parts:
        statement = statement.join(part, true())
    return statement.where(col(Brand.id) == actor.brand_id)


def _orders(actor: Actor, calendar: _Calendar) -> Select[Any]:
    today = calendar.today()
    amount = col(Credit.amount) if actor.role is Role.GUIDE else col(Order.amount)
    statement = _counted(
        calendar,
        Order,
        func.count().filter(col(Order.day) == today).label("orders_today"),
        func.coalesce(func.sum(amount).filter(col(Order.day) == today), 0).label("gross_today"),
        func.count().label("orders_month"),
        func.coalesce(func.sum(amount), 0).label("gross_month"),
    ).where(
        col(Order.brand_id) == actor.brand_id,
        col(Order.day) >= calendar.month_start(),
        col(Order.day) <= today,
        col(Order.state).in_(COUNTED_STATES),
    )
    if actor.role is not Role.GUIDE:
        return statement.where(in_sight(actor, col(Order.brand_id), col(Order.store_id)))
    return statement.join(
        Credit, and_(col(Credit.brand_id) == col(Order.brand_id), col(Credit.order_id) == col(Order.id))
    ).where(
        col(Credit.brand_id) == actor.brand_id,
        col(Credit.account_id).in_(actor.account_ids),
        # Never before the order was placed, so the index on it finds the month's.
        col(Credit.decided_at) >= calendar.earliest_month_start(),
    )


def _refunds(actor: Actor, calendar: _Calendar) -> Select[Any]:
    today = calendar.today()
    amount = col(RefundCharge.amount) if actor.role is Role.GUIDE else col(Refund.amount)
    statement = _counted(
        calendar,
        Refund,
        func.coalesce(func.sum(amount).filter(col(Refund.day) == today), 0).label("refunds_today"),
        func.coalesce(func.sum(amount), 0).label("refunds_month"),
    ).where(
        col(Refund.brand_id) == actor.brand_id,
        col(Refund.day) >= calendar.month_start(),
        col(Refund.day) <= today,
        col(Refund.is_void).is_(False),
    )
    if actor.role is not Role.GUIDE:
        return statement.where(in_sight(actor, col(Refund.brand_id), col(Refund.store_id)))
    charged = and_(col(RefundCharge.brand_id) == col(Refund.brand_id), col(RefundCharge.refund_id) == col(Refund.id))
    return statement.join(RefundCharge, charged).where(
        col(RefundCharge.brand_id) == actor.brand_id,
        col(RefundCharge.account_id).in_(actor.account_ids),
        col(RefundCharge.placed_at) >= calendar.earliest_month_start(),
    )


def _open_tasks(actor: Actor, calendar: _Calendar) -> Select[Any]:
    return _counted(
        calendar,
        Task,
        func.count().label("open_tasks"),
        func.count().filter(col(Task.due_at) < calendar.day_end()).label("due_today"),
    ).where(tasks_visible_to(actor), col(Task.state) == TaskState.PENDING)


def _done_tasks(actor: Actor, calendar: _Calendar) -> Select[Any]:
    return _counted(calendar, Task, func.count().label("done_today")).where(
        tasks_visible_to(actor),
        col(Task.state) == TaskState.DONE,
        col(Task.closed_at) >= calendar.day_start(),
        col(Task.closed_at) < calendar.day_end(),
    )


def _counted(calendar: _Calendar, model: type[SQLModel], *columns: ColumnElement[Any]) -> Select[Any]:
    """Over a table, with the store of each row where its time zone matters."""
    statement = select(*columns).select_from(model)
    if len(calendar.zones) == 1:
        return statement
    table: Any = model
    return statement.join(Store, and_(col(Store.brand_id) == col(table.brand_id), col(Store.id) == col(table.store_id)))


def _literal(value: date | datetime) -> ColumnElement[Any]:
    return literal(value, UtcDateTime() if isinstance(value, datetime) else Date())
