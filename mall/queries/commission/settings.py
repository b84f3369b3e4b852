"""Reads of how a brand's commission periods lie, and of where its shops are in the day."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Store
from kernel import bulk, clock
from kernel.actor import Actor
from mall.models import CommissionPeriod, CommissionSetting
from mall.models.periods import Course, Rhythm, usual

SettingRow = Row[*tuple[Any, ...]]


async def setting(session: AsyncSession, brand_id: UUID) -> CommissionSetting | None:
    """The brand's setting, as it is now."""
    return await session.scalar(select(CommissionSetting).where(col(CommissionSetting.brand_id) == brand_id))


async def keep_open(session: AsyncSession, brand_id: UUID) -> CommissionSetting:
    """The setting of a brand that has one, kept from closing anything until the commit."""
    found = await session.scalars(
        select(CommissionSetting)
        .where(col(CommissionSetting.brand_id) == brand_id)
        .with_for_update(read=True, key_share=True)
        .execution_options(populate_existing=True)
    )
    return found.one()


async def lock(session: AsyncSession, brand_id: UUID) -> CommissionSetting:
    """The brand's setting, made if there is none, kept from everybody who posts or closes until the commit."""
    await bulk.insert_missing(
        session,
        CommissionSetting,
        [{"brand_id": brand_id, "rhythms": stored(usual(clock.now().date())), "version": 1}],
    )
    found = await session.scalars(
        select(CommissionSetting)
        .where(col(CommissionSetting.brand_id) == brand_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found.one()


def stored(course: Course) -> list[dict[str, Any]]:
    """How a course is kept."""
    return [{"from": day.isoformat(), "rhythm": Rhythm(rhythm).value} for day, rhythm in course]


async def days(session: AsyncSession, brand_id: UUID, *, ahead: timedelta = timedelta()) -> tuple[date, date]:
    """The day where it is earliest and where it is latest among the brand's stores; `ahead` of now."""
    zones: Sequence[str] = (
        await session.scalars(select(col(Store.time_zone)).where(col(Store.brand_id) == brand_id).distinct())
    ).all()
    there = [clock.store_day(clock.now() + ahead, zone) for zone in zones or ["UTC"]]
    return min(there), max(there)


async def closed(session: AsyncSession, actor: Actor, period_id: UUID) -> SettingRow | None:
    """The closed period of that id."""
    found = await session.execute(
        select(*CommissionPeriod.__table__.columns).where(  # type: ignore[attr-defined]  # set by SQLModel
            col(CommissionPeriod.brand_id) == actor.brand_id, col(CommissionPeriod.id) == period_id
        )
    )
    return found.first()


async def closed_by_days(session: AsyncSession, actor: Actor, first_days: Sequence[date]) -> dict[date, SettingRow]:
    """The closed periods that begin on these days."""
    found = await session.execute(
        select(*CommissionPeriod.__table__.columns).where(  # type: ignore[attr-defined]  # set by SQLModel
            col(CommissionPeriod.brand_id) == actor.brand_id, col(CommissionPeriod.first_day).in_(first_days)
        )
    )
    return {row.first_day: row for row in found}
