"""Whose the money of a handover's relationships is: split at the moment when each moved, to be added up by anyone."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, case, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Account, Staff, Store
from directory.policy import in_sight
from handover.models import HandoverAccount, HandoverItem
from kernel.actor import Actor
from mall.models import COUNTED_STATES, CommissionEntry, Credit, Order
from mall.models.commission import course_of
from mall.models.periods import period_of, usual
from mall.policy import commission_visible_to
from mall.queries.commission import settings
from mall.queries.commission.ledger import total

Rows = list[dict[str, Any]]


async def split(session: AsyncSession, actor: Actor, handover_id: UUID, started_at: datetime) -> dict[str, Any]:
    """Credit and commission of the orders on these relationships, and the statements of all concerned.

    Of orders from the first day of the commission period in which it started (without commission, of that month).
    `when` is `before` or `after` the relationship moved; what hasn't moved is before. Amounts are in minor units.
    All of it is of the stores in sight, as everywhere.
    """
    brand_id = actor.brand_id
    since = await _since(session, brand_id, started_at)
    these = _these(actor, handover_id, since)
    return {
        "since": since,
        "orders": await _orders(session, these),
        "credit": await _credit(session, brand_id, these),
        "commission": await _commission(session, actor, these),
        "statements": await _statements(session, actor, handover_id, since),
    }


async def _since(session: AsyncSession, brand_id: UUID, started_at: datetime) -> date:
    day = started_at.date()
    setting = await settings.setting(session, brand_id)
    return period_of(day, course_of(setting.rhythms) if setting else usual(day)).first_day


def _these(actor: Actor, handover_id: UUID, since: date) -> Any:
    """Orders in sight on the relationships of the handover, or on what these go on in, each with its `when`."""
    of_it = (col(HandoverItem.brand_id) == actor.brand_id, col(HandoverItem.handover_id) == handover_id)
    moved_at = col(HandoverItem.moved_at)
    theirs = union_all(
        select(col(HandoverItem.relationship_id).label("id"), moved_at.label("moved_at")).where(*of_it),
        select(col(HandoverItem.successor_id), moved_at).where(
            *of_it, col(HandoverItem.successor_id).is_not(None), ~col(HandoverItem.is_merged)
        ),
    ).subquery("theirs")
    paid_at = func.coalesce(col(Order.paid_at), col(Order.placed_at))
    is_after = and_(theirs.c.moved_at.is_not(None), paid_at >= theirs.c.moved_at)
    return (
        select(
            col(Order.id),
            col(Order.amount),
            case((is_after, literal("after")), else_=literal("before")).label("when"),
        )
        .join(theirs, theirs.c.id == col(Order.relationship_id))
        .where(
            in_sight(actor, col(Order.brand_id), col(Order.store_id)),
            col(Order.day) >= since,
            col(Order.state).in_(COUNTED_STATES),
        )
        .subquery("these")
    )


async def _orders(session: AsyncSession, these: Any) -> Rows:
    """The whole that credit adds up to."""
    sums = select(these.c.when, func.count().label("orders"), total(these.c.amount).label("amount"))
    return _said(await session.execute(sums.group_by(these.c.when).order_by(these.c.when)))


async def _credit(session: AsyncSession, brand_id: UUID, these: Any) -> Rows:
    when = these.c.when
    keys: Any = (col(Credit.account_id), col(Staff.number).label("staff"), when)
    sums = select(*keys, func.count().label("orders"), total(col(Credit.amount)).label("amount"))
    rows = (
        sums.select_from(these)
        .join(Credit, and_(col(Credit.brand_id) == brand_id, col(Credit.order_id) == these.c.id))
        .outerjoin(Account, and_(col(Account.brand_id) == brand_id, col(Account.id) == col(Credit.account_id)))
        .outerjoin(Staff, and_(col(Staff.brand_id) == brand_id, col(Staff.id) == col(Account.staff_id)))
        .group_by(col(Credit.account_id), col(Staff.number), when)
        .order_by(col(Staff.number), col(Credit.account_id), when)
    )
    return _said(await session.execute(rows))


async def _commission(session: AsyncSession, actor: Actor, these: Any) -> Rows:
    """What was posted on these orders: to whom, and what of it the stores bear (above zero)."""
    brand_id, when, entry = actor.brand_id, these.c.when, CommissionEntry
    borne = case((col(entry.is_borne_by_store), -col(entry.amount)), else_=0)
    paid = case((col(entry.is_borne_by_store), 0), else_=col(entry.amount))
    sums = select(
        col(Staff.number).label("staff"),
        col(entry.role),
        when,
        func.count().label("entries"),
        total(paid).label("amount"),
        total(borne).label("borne"),
    )
    rows = (
        sums.select_from(these)
        .join(entry, and_(col(entry.brand_id) == brand_id, col(entry.order_id) == these.c.id))
        .join(Staff, and_(col(Staff.brand_id) == brand_id, col(Staff.id) == col(entry.staff_id)))
        .where(commission_visible_to(actor))
        .group_by(col(Staff.number), col(entry.role), when)
        .order_by(col(Staff.number), col(entry.role), when)
    )
    return _said(await session.execute(rows))


async def _statements(session: AsyncSession, actor: Actor, handover_id: UUID, since: date) -> Rows:
    """The whole statements of whoever hands over or takes over, period by period: these orders and all others."""
    brand_id = actor.brand_id
    of_it = (col(HandoverItem.brand_id) == brand_id, col(HandoverItem.handover_id) == handover_id)
    givers = select(col(HandoverAccount.account_id)).where(
        col(HandoverAccount.brand_id) == brand_id, col(HandoverAccount.handover_id) == handover_id
    )
    everybody = givers.union(select(col(HandoverItem.to_account_id)).where(*of_it).distinct())
    people = select(col(Account.staff_id)).where(col(Account.brand_id) == brand_id, col(Account.id).in_(everybody))
    entry = CommissionEntry
    keys = (col(entry.period), col(Store.code), col(Staff.number))
    found = await session.execute(
        select(
            col(entry.period),
            col(Store.code).label("store"),
            col(Staff.number).label("staff"),
            total(col(entry.basis)).label("basis"),
            total(col(entry.amount)).label("amount"),
            func.count().label("entries"),
        )
        .join(Store, and_(col(Store.brand_id) == brand_id, col(Store.id) == col(entry.store_id)))
        .join(Staff, and_(col(Staff.brand_id) == brand_id, col(Staff.id) == col(entry.staff_id)))
        .where(
            commission_visible_to(actor),
            col(entry.period) >= since,
            col(entry.staff_id).in_(people),
            ~col(entry.is_borne_by_store),
        )
        .group_by(*keys)
        .order_by(*keys)
    )
    return _said(found)


def _said(found: Iterable[Any]) -> Rows:
    return [dict(row._mapping) for row in found]
