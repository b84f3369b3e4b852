"""Reads of plans: which stores have none yet, what was planned, and what is with whom for a day."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Date, Row, String, and_, case, exists, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import SQLModel, col

from customers.models import Customer, Relationship
from customers.policy import is_live
from directory.models import Store, StoreState
from kernel import clock
from kernel.actor import Actor
from kernel.pages import Key, Page, paged
from tasks.models import (
    CONTACTS,
    PlanCandidate,
    PlanRun,
    PlanSetting,
    RevisitRule,
    RevisitRuleState,
    Task,
    TaskState,
    Verdict,
)
from tasks.policy import plans_visible_to

RunRow = Row[*tuple[Any, ...]]

LATE_AFTER = timedelta(minutes=15)
CANDIDATES_KEPT = timedelta(days=30)
RUNS_KEPT = timedelta(days=400)
AT_ONCE = 2000
_LAST_MINUTE = timedelta(minutes=1)

RUN_KEYS = (Key(col(PlanRun.day), descending=True), Key(col(PlanRun.store_id)))


async def due(
    session: AsyncSession, now: datetime, most: int, brand_id: UUID | None = None
) -> Sequence[tuple[UUID, UUID, date]]:
    """Stores of any brand, or one, whose plan of today is due and isn't begun: brand, store, and the store's day.

    Open ones that plan, of brands with a rule that is live by then, where the clock shows `plans_at` or later. In
    the last minute of a day all are due, so that a day whose end the clock skips is planned, too.
    """
    has_rules = exists().where(
        col(RevisitRule.brand_id) == col(Store.brand_id),
        col(RevisitRule.state) == RevisitRuleState.LIVE,
        or_(col(RevisitRule.live_at).is_(None), col(RevisitRule.live_at) <= now),
    )
    plans = and_(col(Store.state) == StoreState.OPEN, has_rules)
    if brand_id is not None:
        plans = and_(col(Store.brand_id) == brand_id, plans)
    zones = (await session.scalars(select(col(Store.time_zone)).where(plans).distinct())).all()
    if not zones:
        return []
    today = _by_zone({zone: literal(clock.store_day(now, zone), Date()) for zone in zones})
    shown = _by_zone({zone: literal(_shown(now, zone), String()) for zone in zones})
    is_begun = exists().where(
        col(PlanRun.brand_id) == col(Store.brand_id), col(PlanRun.store_id) == col(Store.id), col(PlanRun.day) == today
    )
    own, whole = aliased(PlanSetting), aliased(PlanSetting)
    found = await session.execute(
        select(col(Store.brand_id), col(Store.id), today)
        .outerjoin(own, and_(col(own.brand_id) == col(Store.brand_id), col(own.store_id) == col(Store.id)))
        .outerjoin(whole, and_(col(whole.brand_id) == col(Store.brand_id), col(whole.store_id).is_(None)))
        .where(plans, ~is_begun, _said(own, whole, "is_on").is_(True), _said(own, whole, "plans_at") <= shown)
        .order_by(col(Store.brand_id), col(Store.id))
        .limit(most)
    )
    return [(brand_id, store_id, day) for brand_id, store_id, day in found]


async def unplanned(session: AsyncSession, brand_id: UUID, now: datetime, most: int) -> Sequence[UUID]:
    """Stores of a brand whose plan of today should have been begun some time ago, or was begun and isn't done."""
    before = now - LATE_AFTER
    late = [store_id for _, store_id, _ in await due(session, before, most, brand_id)]
    found = await session.scalars(
        select(col(PlanRun.store_id))
        .where(
            col(PlanRun.brand_id) == brand_id,
            col(PlanRun.day) >= now.date() - timedelta(days=1),
            col(PlanRun.done_at).is_(None),
            col(PlanRun.begun_at) < before,
        )
        .limit(most)
    )
    return sorted({*late, *found})


async def lock(session: AsyncSession, brand_id: UUID, store_id: UUID, day: date) -> PlanRun | None:
    """The plan of a store's day, kept from other writers until the commit."""
    return await session.scalar(
        select(PlanRun)
        .where(col(PlanRun.brand_id) == brand_id, col(PlanRun.store_id) == store_id, col(PlanRun.day) == day)
        .with_for_update()
    )


async def given(session: AsyncSession, brand_id: UUID, store_id: UUID, day: date) -> dict[UUID, int]:
    """How many customers machines gave each account of a store for a day; what was taken back doesn't count."""
    found = await session.execute(
        select(col(Task.account_id), func.count())
        .where(
            col(Task.brand_id) == brand_id,
            col(Task.store_id) == store_id,
            col(Task.contact_day) == day,
            col(Task.state) != TaskState.CANCELLED,
        )
        .group_by(col(Task.account_id))
    )
    return dict(found.all())


async def chosen(session: AsyncSession, brand_id: UUID, store_id: UUID, day: date) -> frozenset[UUID]:
    """The customers who have a task by a store's plan of the day already."""
    found = await session.scalars(
        select(col(PlanCandidate.customer_id)).where(
            col(PlanCandidate.brand_id) == brand_id,
            col(PlanCandidate.store_id) == store_id,
            col(PlanCandidate.day) == day,
            col(PlanCandidate.verdict) == Verdict.CHOSEN,
        )
    )
    return frozenset(found)


async def turned_down(
    session: AsyncSession, brand_id: UUID, holders: Mapping[UUID, tuple[UUID, UUID]]
) -> dict[UUID, Verdict]:
    """Who of the customers may not be given to the account that was thought of, as things are now; and why not.

    `holders` names the relationship and the account of each customer. All of them are locked, in the order of
    their keys: they stay as they are until the commit.
    """
    customers = await session.execute(
        select(col(Customer.id), col(Customer.do_not_contact))
        .where(col(Customer.brand_id) == brand_id, col(Customer.id).in_(holders))
        .order_by(col(Customer.id))
        .with_for_update(read=True)
    )
    left_alone = {customer_id for customer_id, asked in customers if asked}
    relationships = await session.execute(
        select(col(Relationship.id), col(Relationship.holder_id), col(Relationship.is_primary))
        .where(
            col(Relationship.brand_id) == brand_id,
            col(Relationship.id).in_([each for each, _ in holders.values()]),
            is_live(),
        )
        .order_by(col(Relationship.id))
        .with_for_update(key_share=True)
    )
    held = {row.id: row for row in relationships}
    busy = await session.scalars(
        select(col(Task.customer_id)).where(
            col(Task.brand_id) == brand_id,
            col(Task.customer_id).in_(holders),
            col(Task.state) == TaskState.PENDING,
            col(Task.kind).in_(CONTACTS),
        )
    )
    down = {customer_id: Verdict.TASK_OPEN for customer_id in busy if customer_id is not None}
    for customer_id, (relationship_id, account_id) in holders.items():
        row = held.get(relationship_id)
        if row is None or row.holder_id != account_id:
            down[customer_id] = Verdict.HOLDER_AWAY
        elif not row.is_primary:
            down[customer_id] = Verdict.NOT_PRIMARY
    return down | dict.fromkeys(left_alone, Verdict.DO_NOT_CONTACT)


async def page(
    session: AsyncSession, actor: Actor, page: Page, store_id: UUID | None = None, day: date | None = None
) -> Sequence[RunRow]:
    """Plans of stores in sight, the latest day first; one more than asked for when there is a next page."""
    rows = select(*PlanRun.__table__.columns).where(plans_visible_to(actor))  # type: ignore[attr-defined]  # set by SQLModel
    if store_id is not None:
        rows = rows.where(col(PlanRun.store_id) == store_id)
    if day is not None:
        rows = rows.where(col(PlanRun.day) == day)
    return (await session.execute(paged(rows, page, *RUN_KEYS))).all()


async def old(
    session: AsyncSession, brand_id: UUID, table: type[PlanCandidate] | type[PlanRun], before: date
) -> Sequence[Row[*tuple[Any, ...]]]:
    """The keys of some rows of days before that one."""
    keys = keys_of(table)
    found = await session.execute(
        select(*keys).where(col(table.brand_id) == brand_id, col(table.day) < before).limit(AT_ONCE)
    )
    return found.all()


def keys_of(table: type[SQLModel]) -> tuple[Any, ...]:
    """The columns of a table's key."""
    return tuple(table.__table__.primary_key.columns)  # type: ignore[attr-defined]  # set by SQLModel


def _shown(now: datetime, zone: str) -> str:
    """What the clock on the wall shows; past any hour in the last minute of the day."""
    _, end = clock.day_bounds(clock.store_day(now, zone), zone)
    return "24:00" if end - now <= _LAST_MINUTE else f"{now.astimezone(ZoneInfo(zone)):%H:%M}"


def _by_zone(values: Mapping[str, Any]) -> Any:
    return case(values, value=col(Store.time_zone))


def _said(own: type[PlanSetting], whole: type[PlanSetting], name: str) -> Any:
    """What the store's row says, or else the brand's, or else what is usual."""
    usual = literal(PlanSetting.model_fields[name].default, PlanSetting.__table__.c[name].type)  # type: ignore[attr-defined]  # set by SQLModel
    return func.coalesce(getattr(own, name), getattr(whole, name), usual)
