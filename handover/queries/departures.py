"""Reads of departures: who is leaving, and what they still hold."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col

from customers.models import Relationship
from customers.policy import is_live
from directory.models import Account, Staff, StaffState
from handover.models import IN_FLIGHT, Handover, HandoverKind, HandoverSetting, Telling
from handover.policy import departures_visible_to
from kernel.actor import Actor
from kernel.pages import Key, Page, paged
from mall.models import OPEN_STATES, Order
from tasks.models import Task, TaskState

DepartureRow = Row[*tuple[Any, ...]]


async def departures(session: AsyncSession, actor: Actor, page: Page) -> Sequence[DepartureRow]:
    """The leavers in sight by number, with how much their accounts hold; one row more when there is a next page."""
    rows = select(
        col(Staff.id),
        col(Staff.number),
        _held(Relationship, col(Relationship.holder_id), is_live()).label("relationships"),
        _held(Task, col(Task.account_id), col(Task.state) == TaskState.PENDING).label("open_tasks"),
        _held(Order, col(Order.serving_account_id), col(Order.state).in_(OPEN_STATES)).label("open_orders"),
    ).where(departures_visible_to(actor))
    return (await session.execute(paged(rows, page, Key(col(Staff.number)), Key(col(Staff.id))))).all()


async def lock_in_flight(session: AsyncSession, brand_id: UUID, staff_id: UUID) -> Handover | None:
    """The one handover of what they hold because they leave that has not moved all yet, kept from other writers."""
    found: Handover | None = await session.scalar(
        select(Handover)
        .where(
            col(Handover.brand_id) == brand_id,
            col(Handover.staff_id) == staff_id,
            col(Handover.kind) == HandoverKind.RESIGNATION,
            col(Handover.state).in_(IN_FLIGHT),
        )
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return found


async def own(session: AsyncSession, actor: Actor) -> DepartureRow | None:
    """The actor's own `last_day`, if they are leaving and their brand tells leavers so."""
    found = await session.execute(
        select(col(Staff.last_day))
        .join(HandoverSetting, col(HandoverSetting.brand_id) == col(Staff.brand_id))
        .where(
            col(Staff.brand_id) == actor.brand_id,
            col(Staff.id) == actor.staff_id,
            col(Staff.state) == StaffState.LEAVING,
            col(Staff.access_closed_at).is_(None),
            col(HandoverSetting.telling) == Telling.GENTLY,
        )
    )
    return found.one_or_none()


def _held(model: type[SQLModel], account_id: Any, *conditions: ColumnElement[bool]) -> Any:
    table: Any = model
    return (
        select(func.count())
        .select_from(model)
        .join(Account, (col(Account.brand_id) == col(table.brand_id)) & (col(Account.id) == account_id))
        .where(col(Account.brand_id) == col(Staff.brand_id), col(Account.staff_id) == col(Staff.id), *conditions)
        .correlate(Staff)
        .scalar_subquery()
    )
