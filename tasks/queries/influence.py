"""Reads of what came of tasks: orders that customers placed soon after somebody had turned to them.

Influenced, never caused: nothing here says that the customer would not have bought otherwise. That is what a
campaign's control group is for.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, distinct, exists, func, not_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from directory.models import Brand
from kernel.actor import Actor, Scope
from kernel.days import moment_after
from kernel.errors import Forbidden, Invalid
from mall.models import COUNTED_STATES, Order, Refund
from tasks.models import Outcome, PlanSetting, Task, TaskState
from tasks.policy import visible_to
from tasks.queries.tasks import Filter, conditions

CONTACTED = (Outcome.REACHED, Outcome.APPOINTMENT, Outcome.BOUGHT)
"""Outcomes that mean that the customer was spoken with. Who is not interested, or not reached, was not won over."""

LONGEST = timedelta(days=366)


class Influence(NamedTuple):
    """Orders that were influenced, and what they amount to less what was given back, in the minor unit.

    `within_days` is how long after the contact an order counts; `tasks` how many tasks are looked at.
    """

    orders: int
    amount: int
    currency: str
    within_days: int | None = None
    tasks: int = 1


_own, _brands = aliased(PlanSetting), aliased(PlanSetting)
_DAYS = func.coalesce(_own.influence_days, _brands.influence_days, PlanSetting.model_fields["influence_days"].default)


async def by_tasks(session: AsyncSession, actor: Actor, task_ids: Sequence[UUID]) -> dict[UUID, Influence]:
    """What came of each of these tasks in sight that reached somebody; nothing of the others.

    An order counts that the customer placed in any store at the moment of the contact or within so many times 24
    hours after it, and that wasn't cancelled; of several contacts the last one before the order has it.
    """
    if not actor.may(Scope.ORDERS_READ):
        return {}
    found = await session.execute(
        _influenced(actor, col(Task.id), func.count(col(Order.id)), _amount(), col(Brand.currency), _DAYS)
        .where(col(Task.id).in_(task_ids))
        .group_by(col(Task.id), col(Brand.currency), _DAYS)
    )
    return {
        task_id: Influence(orders, int(amount), currency, days) for task_id, orders, amount, currency, days in found
    }


async def by_campaigns(session: AsyncSession, actor: Actor, campaign_ids: Sequence[UUID]) -> dict[UUID, Influence]:
    """What came of the tasks in sight of each of these campaigns, together; each order is in one campaign once."""
    if not actor.may(Scope.ORDERS_READ):
        return {}
    contacts = func.count(distinct(col(Task.id)))
    found = await session.execute(
        _influenced(actor, col(Task.campaign_id), func.count(col(Order.id)), _amount(), col(Brand.currency), contacts)
        .where(col(Task.campaign_id).in_(campaign_ids))
        .group_by(col(Task.campaign_id), col(Brand.currency))
    )
    return {row[0]: Influence(row[1], int(row[2]), row[3], tasks=row[4]) for row in found}


async def total(
    session: AsyncSession, actor: Actor, closed_from: datetime, closed_until: datetime, narrowed: Filter | None = None
) -> Influence:
    """What came of all tasks in sight that reached somebody and were done from then until then, which is left out.

    Each order is in it once. Raises `INVALID` for more than 366 days, `FORBIDDEN` for who may not read orders.
    """
    if not actor.may(Scope.ORDERS_READ):
        raise Forbidden
    if not timedelta() < closed_until - closed_from <= LONGEST:
        reason, reason_zh = "later than closedFrom, by 366 days at most.", "应晚于 closedFrom，且不超过 366 天。"
        raise Invalid(field="closedUntil", reason=reason, reason_zh=reason_zh)
    row = (
        await session.execute(
            _influenced(actor, func.count(col(Order.id)), _amount(), func.count(distinct(col(Task.id)))).where(
                col(Task.closed_at) >= closed_from,
                col(Task.closed_at) < closed_until,
                *conditions(narrowed or Filter()),
            )
        )
    ).one()
    currency = await session.scalar(select(col(Brand.currency)).where(col(Brand.id) == actor.brand_id))
    return Influence(row[0], int(row[1]), currency or "", tasks=row[2])


def _influenced(actor: Actor, *columns: Any) -> Select[Any]:
    """Contacts in sight with the orders that each of them influenced; those without any are in it, too."""
    placed_within = and_(
        col(Order.brand_id) == col(Task.brand_id),
        col(Order.customer_id) == col(Task.customer_id),
        col(Order.state).in_(COUNTED_STATES),
        col(Order.placed_at) >= col(Task.closed_at),
        col(Order.placed_at) < moment_after(col(Task.closed_at), _DAYS),
        not_(_somebody_turned_to_them_later()),
    )
    return (
        select(*columns)
        .select_from(Task)
        .join(Brand, col(Brand.id) == col(Task.brand_id))
        .outerjoin(_own, and_(col(_own.brand_id) == col(Task.brand_id), col(_own.store_id) == col(Task.store_id)))
        .outerjoin(_brands, and_(col(_brands.brand_id) == col(Task.brand_id), col(_brands.store_id).is_(None)))
        .outerjoin(Order, placed_within)
        .where(visible_to(actor), _is_contact(Task))
    )


def _is_contact(task: Any) -> ColumnElement[bool]:
    """What a purchase closed says nothing of anybody's having turned to the customer."""
    return and_(
        col(task.state) == TaskState.DONE,
        col(task.outcome).in_(CONTACTED),
        col(task.customer_id).is_not(None),
        col(task.closed_by_order_id).is_(None),
    )


def _somebody_turned_to_them_later() -> ColumnElement[bool]:
    """Whether another contact lies between this one and the order."""
    other = aliased(Task)
    return exists(
        select(col(other.id)).where(
            col(other.brand_id) == col(Task.brand_id),
            col(other.customer_id) == col(Task.customer_id),
            _is_contact(other),
            col(other.closed_at) <= col(Order.placed_at),
            (col(other.closed_at) > col(Task.closed_at))
            | ((col(other.closed_at) == col(Task.closed_at)) & (col(other.id) > col(Task.id))),
        )
    )


def _amount() -> ColumnElement[int]:
    refunded = (
        select(func.sum(col(Refund.amount)))
        .where(col(Refund.brand_id) == col(Order.brand_id), col(Refund.order_id) == col(Order.id))
        .correlate(Order)
        .scalar_subquery()
    )
    return func.coalesce(func.sum(col(Order.amount) - func.coalesce(refunded, 0)), 0)
