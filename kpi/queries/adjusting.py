"""What takeover guides have from those who left: taken off, their figures compare with others' (交接调整).

A relationship counts as handed from when it came to an account by a handover until 30 days later, unless the account
had held it before. Of the rows of accounts these are left out, by the guide whose account it is:

* tasks about such a relationship that are due before the 30 days are over, be it before it came, as long as they were
  open then: `tasks_due`, `tasks_done`, `tasks_on_time`, `contacts_due`, `contacts_reached`, `contacts_bought`;
* parts of orders credited because the guide held the relationship, paid within the 30 days: `orders`, `gross`, `units`;
* refunds borne of these parts, and such that name no order, given back within the 30 days: `refund_count`, `refunds`.

What came through links, and all else, stays as it is. Cost: the relationships that were handed over from 30 days before
the range on, and the tasks, orders and refunds of these; rows of figures are not read.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    String,
    and_,
    cast,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from customers.models import Holding, HoldingReason
from customers.queries.settling_in import SETTLING_IN
from directory.models import Account, Store
from kernel import bulk, clock
from kernel.days import moment_after
from kernel.db import OneOf, UtcDateTime, enum_of
from kpi.models import Days
from kpi.queries.counted.tasked import TASKS
from kpi.queries.reading import Summed
from kpi.queries.scoping import Scope
from mall.models import COUNTED_STATES, Credit, CreditReason, LineKind, Order, OrderLine, Refund, RefundCharge
from tasks.models import Task, TaskState

TAKEN_OFF = (
    "orders",
    "gross",
    "units",
    "refund_count",
    "refunds",
    "tasks_due",
    "tasks_done",
    "tasks_on_time",
    "contacts_due",
    "contacts_reached",
    "contacts_bought",
)
"""The columns that are adjusted; the others are the same in both views."""

_OWNER: Any = col(Account.staff_id)


async def handed(session: AsyncSession, scope: Scope, days: Days) -> Summed:
    """What is to be taken off, by staff id; whoever has nothing of the kind is left out.

    As far as the scope goes: of its stores, accounts, channel and source. Columns that come to nothing are left out.
    """
    zones = await _zones(session, scope, days)
    if not zones:
        return {}
    lasts = bulk.tabled(session, _ZONE, zones)
    since = min(zone["since"] for zone in zones) - SETTLING_IN
    taken = _taken(scope, since).cte("taken")
    parts = [_orders(scope, days, taken), *_refunds(scope, days, taken)]
    if scope.channel is None and scope.source is None:
        parts.append(_tasks(scope, lasts, taken))
    each = union_all(*parts).subquery("part")
    sums = [cast(func.sum(each.c[name]), BigInteger) for name in TAKEN_OFF]
    found = await session.execute(
        select(_OWNER, *sums)
        .join(Account, and_(col(Account.brand_id) == scope.brand_id, col(Account.id) == each.c.account_id))
        .where(_OWNER.is_not(None))
        .group_by(_OWNER),
        {
            name: list(ids)
            for name, ids in (("store_ids", scope.store_ids), ("account_ids", scope.account_ids))
            if ids is not None
        },
    )
    return {
        row[0]: {name: int(value) for name, value in zip(TAKEN_OFF, row[1:], strict=True) if value} for row in found
    }


def less(found: Summed, taken_off: Summed) -> Summed:
    """The sums without what was handed over; what a row of a moment ago doesn't have yet can't be taken off it."""
    return {
        key: {
            name: max(0, value - taken_off[key].get(name, 0)) if key in taken_off else value
            for name, value in sums.items()
        }
        for key, sums in found.items()
    }


_ZONE: Mapping[str, Any] = {"zone": String(), "since": UtcDateTime(), "until": UtcDateTime()}


async def _zones(session: AsyncSession, scope: Scope, days: Days) -> Sequence[dict[str, Any]]:
    """From when to when the days last, in each time zone that the brand has stores in."""
    zones = await session.scalars(select(col(Store.time_zone)).where(col(Store.brand_id) == scope.brand_id).distinct())
    return [
        {
            "zone": zone,
            "since": clock.day_bounds(days.first, zone)[0],
            "until": clock.day_bounds(days.last, zone)[1],
        }
        for zone in sorted(zones)
    ]


def _taken(scope: Scope, since: datetime) -> Select[*tuple[Any, ...]]:
    """Relationships that came to an account by a handover, from when on, and until when that counts."""
    before = aliased(Holding)
    had_it = exists().where(
        col(before.brand_id) == scope.brand_id,
        col(before.relationship_id) == col(Holding.relationship_id),
        col(before.account_id) == col(Holding.account_id),
        col(before.from_at) < col(Holding.from_at),
    )
    conditions: list[Any] = [
        col(Holding.brand_id) == scope.brand_id,
        # As the index says it.
        col(Holding.reason) == literal(HoldingReason.HANDOVER, enum_of(HoldingReason), literal_execute=True),
        col(Holding.from_at) > since,
        ~had_it,
    ]
    if scope.account_ids is not None:
        conditions.append(OneOf(col(Holding.account_id), "account_ids"))
    until = moment_after(col(Holding.from_at), literal(SETTLING_IN // timedelta(days=1)))
    return select(
        col(Holding.relationship_id), col(Holding.account_id), col(Holding.from_at), until.label("until")
    ).where(*conditions)


def _line(taken: CTE, values: Mapping[str, Any]) -> Select[*tuple[Any, ...]]:
    named = (values.get(name, literal(0)).label(name) for name in TAKEN_OFF)
    return select(taken.c.account_id, *named).select_from(taken)


def _orders(scope: Scope, days: Days, taken: CTE) -> Select[*tuple[Any, ...]]:
    units: Any = (
        select(func.coalesce(func.sum(col(OrderLine.quantity)), 0))
        .where(
            col(OrderLine.brand_id) == scope.brand_id,
            col(OrderLine.order_id) == col(Order.id),
            col(OrderLine.kind) == LineKind.GOODS,
        )
        .correlate(Order)
        .scalar_subquery()
    )
    return (
        _line(taken, {"orders": literal(1), "gross": col(Credit.amount), "units": units})
        .join(Order, and_(col(Order.brand_id) == scope.brand_id, col(Order.relationship_id) == taken.c.relationship_id))
        .join(Credit, _credited(scope, taken))
        .where(
            col(Order.day) >= days.first,
            col(Order.day) <= days.last,
            col(Order.state).in_(COUNTED_STATES),
            *_within(scope, Order),
            *_by(col(Order.channel), scope.channel),
            *_by(col(Order.source), scope.source),
        )
    )


def _refunds(scope: Scope, days: Days, taken: CTE) -> tuple[Select[*tuple[Any, ...]], Select[*tuple[Any, ...]]]:
    """Of handed orders, whenever they were given back, and such that name no order."""
    values = {"refund_count": literal(1), "refunds": col(RefundCharge.amount)}
    borne = and_(
        col(RefundCharge.brand_id) == scope.brand_id,
        col(RefundCharge.refund_id) == col(Refund.id),
        col(RefundCharge.account_id) == taken.c.account_id,
    )
    conditions = [
        col(Refund.day) >= days.first,
        col(Refund.day) <= days.last,
        col(Refund.is_void).is_(False),
        *_within(scope, Refund),
        *_by(col(Refund.source), scope.source),
    ]
    credited = exists().where(_credited(scope, taken)).correlate(taken, Order)
    of_orders = (
        _line(taken, values)
        .join(Order, and_(col(Order.brand_id) == scope.brand_id, col(Order.relationship_id) == taken.c.relationship_id))
        .join(Refund, and_(col(Refund.brand_id) == scope.brand_id, col(Refund.order_id) == col(Order.id)))
        .join(RefundCharge, borne)
        .where(credited, *conditions, *_by(col(Order.channel), scope.channel))
    )
    of_none = (
        _line(taken, values)
        .join(
            Refund,
            and_(
                col(Refund.brand_id) == scope.brand_id,
                col(Refund.relationship_id) == taken.c.relationship_id,
                col(Refund.order_id).is_(None),
                col(Refund.placed_at) >= taken.c.from_at,
                col(Refund.placed_at) < taken.c.until,
            ),
        )
        .join(RefundCharge, borne)
        .where(*conditions)
    )
    # What names no order names no channel.
    return of_orders, of_none.where(false()) if scope.channel else of_none


def _tasks(scope: Scope, lasts: FromClause, taken: CTE) -> Select[*tuple[Any, ...]]:
    return (
        _line(taken, TASKS)
        .join(
            Task,
            and_(
                col(Task.brand_id) == scope.brand_id,
                col(Task.relationship_id) == taken.c.relationship_id,
                col(Task.account_id) == taken.c.account_id,
            ),
        )
        .join(Store, and_(col(Store.brand_id) == scope.brand_id, col(Store.id) == col(Task.store_id)))
        .join(lasts, lasts.c.zone == col(Store.time_zone))
        .where(
            col(Task.state) != TaskState.CANCELLED,
            col(Task.due_at) >= lasts.c.since,
            col(Task.due_at) < lasts.c.until,
            col(Task.due_at) < taken.c.until,
            # What the account had closed before was its own.
            or_(col(Task.closed_at).is_(None), col(Task.closed_at) >= taken.c.from_at),
            *_within(scope, Task),
        )
    )


def _credited(scope: Scope, taken: CTE) -> ColumnElement[bool]:
    """Because they held the relationship when it was paid, and had it but a short while."""
    paid_at = func.coalesce(col(Order.paid_at), col(Order.placed_at))
    return and_(
        col(Credit.brand_id) == scope.brand_id,
        col(Credit.order_id) == col(Order.id),
        col(Credit.account_id) == taken.c.account_id,
        col(Credit.reason) == CreditReason.HOLDER,
        paid_at >= taken.c.from_at,
        paid_at < taken.c.until,
    )


def _within(scope: Scope, model: Any) -> list[Any]:
    return [] if scope.store_ids is None else [OneOf(col(model.store_id), "store_ids")]


def _by(column: Any, value: str | None) -> list[Any]:
    return [] if value is None else [column == value]
