"""Reads of what a store's clock and setting say of its tasks' times."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Store
from kernel import clock
from tasks.models import PlanSetting
from tasks.models.hours import Times, heard_from, times
from tasks.queries.settings import settings_of


@dataclass(frozen=True, slots=True)
class StoreHours:
    """A store's clock, and how it plans."""

    time_zone: str
    setting: PlanSetting

    def day_of(self, moment: datetime) -> date:
        """The store's day."""
        return clock.store_day(moment, self.time_zone)

    def heard_from(self, moment: datetime, priority: int) -> datetime:
        """When phones may make themselves heard of something from that moment on."""
        return heard_from(self.setting, self.time_zone, moment, priority)

    def escalates_at(self, due_at: datetime) -> datetime:
        """When something that is due then concerns the manager."""
        return due_at + timedelta(hours=self.setting.escalates_after_hours)

    def times(self, day: date, now: datetime, priority: int) -> Times:
        """The times of a task that a machine makes for that day."""
        return times(self.setting, self.time_zone, day, now, priority)


async def of_store(session: AsyncSession, brand_id: UUID, store_id: UUID) -> StoreHours:
    """The hours of one store."""
    return (await of_stores(session, brand_id, [store_id]))[store_id]


async def of_stores(session: AsyncSession, brand_id: UUID, store_ids: Collection[UUID]) -> dict[UUID, StoreHours]:
    """The hours of several, in two statements."""
    wanted = sorted(set(store_ids))
    zones = await session.execute(
        select(col(Store.id), col(Store.time_zone)).where(col(Store.brand_id) == brand_id, col(Store.id).in_(wanted))
    )
    settings = await settings_of(session, brand_id, wanted)
    return {store_id: StoreHours(time_zone, settings[store_id]) for store_id, time_zone in zones}
