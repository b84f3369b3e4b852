"""Reads of plans: they are the brand's, for headquarters and for whoever is paid by them."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.pages import Key, Page, paged
from mall.models import CommissionPlan, CommissionPlanState
from mall.policy import commission_plans_visible_to

PlanRow = Row[*tuple[Any, ...]]

_COLUMNS = (
    *CommissionPlan.__table__.columns,  # type: ignore[attr-defined]  # set by SQLModel
    col(CommissionPlan.rates).label("said_rates"),
)
MOST_PLANS = 200


async def lock(session: AsyncSession, actor: Actor, plan_id: UUID) -> CommissionPlan:
    """The plan, kept from other writers until the commit. `NOT_FOUND` if it isn't in sight."""
    found: CommissionPlan | None = await session.scalar(
        select(CommissionPlan)
        .where(commission_plans_visible_to(actor), col(CommissionPlan.id) == plan_id)
        .with_for_update(key_share=True)
    )
    if found is None:
        raise NotFound
    return found


async def by_ids(session: AsyncSession, actor: Actor, plan_ids: Sequence[UUID]) -> dict[UUID, PlanRow]:
    """Those of the plans that are in sight."""
    found = await session.execute(
        select(*_COLUMNS).where(commission_plans_visible_to(actor), col(CommissionPlan.id).in_(plan_ids))
    )
    return {row.id: row for row in found}


async def page(session: AsyncSession, actor: Actor, page: Page) -> Sequence[PlanRow]:
    """Plans in sight, those that begin last first."""
    keys = (Key(col(CommissionPlan.from_day), descending=True), Key(col(CommissionPlan.id), descending=True))
    return (
        await session.execute(paged(select(*_COLUMNS).where(commission_plans_visible_to(actor)), page, *keys))
    ).all()


async def count(session: AsyncSession, brand_id: UUID) -> int:
    """How many plans a brand has written."""
    found = await session.scalar(
        select(func.count()).select_from(CommissionPlan).where(col(CommissionPlan.brand_id) == brand_id)
    )
    return int(found or 0)


async def in_the_way(
    session: AsyncSession, brand_id: UUID, plan_id: UUID, from_day: date, until_day: date | None
) -> CommissionPlan | None:
    """Another live plan that has one of these days; at most 200 are looked at, which is all a brand may have."""
    live = await session.scalars(
        select(CommissionPlan)
        .where(
            col(CommissionPlan.brand_id) == brand_id,
            col(CommissionPlan.state) == CommissionPlanState.LIVE,
            col(CommissionPlan.id) != plan_id,
        )
        .order_by(col(CommissionPlan.from_day))
        .limit(MOST_PLANS)
    )
    return next((other for other in live if other.overlaps(from_day, until_day)), None)
