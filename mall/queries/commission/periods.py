"""Reads of periods: those that are closed, and those that are open."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel.actor import Actor
from mall.models import CommissionEntry
from mall.models.periods import Course, Rhythm, Span, period_of, usual
from mall.queries.commission import settings

MOST_PERIODS = 240


@dataclass(frozen=True, slots=True)
class Period:
    """A period as it stands; what is closed has an id and, soon after, a digest."""

    first_day: date
    last_day: date
    id: UUID | None = None
    closed_at: datetime | None = None
    frozen_at: datetime | None = None
    digest: str | None = None


async def course(session: AsyncSession, brand_id: UUID) -> Course:
    """How a brand's periods lie; months where nobody has said anything."""
    setting = await settings.setting(session, brand_id)
    if setting is not None:
        return setting.course
    _, today = await settings.days(session, brand_id)
    return usual(today)


@dataclass(frozen=True, slots=True)
class Shown:
    """The setting as it is looked at; version 0 is that of a brand which has none yet."""

    id: UUID
    version: int
    rhythm: Rhythm
    rhythm_from: date
    closed_until: date | None

    @property
    def _mapping(self) -> dict[str, Any]:
        """As a row has it."""
        return asdict(self)


async def setting_shown(session: AsyncSession, actor: Actor) -> Shown:
    """How the brand's periods lie."""
    setting = await settings.setting(session, actor.brand_id)
    since, rhythm = (await course(session, actor.brand_id))[-1]
    version, closed_until = (setting.version, setting.closed_until) if setting else (0, None)
    return Shown(actor.brand_id, version, rhythm, since, closed_until)


async def of_day(session: AsyncSession, actor: Actor, day: date) -> Period:
    """The period of a day."""
    span = period_of(day, await course(session, actor.brand_id))
    return (await _as_they_stand(session, actor, [span]))[0]


async def of_id(session: AsyncSession, actor: Actor, period_id: UUID) -> Period | None:
    """A closed period by its id."""
    row = await settings.closed(session, actor, period_id)
    return None if row is None else _closed(row)


async def latest(session: AsyncSession, actor: Actor) -> list[Period]:
    """From the first that has postings, or is closed, to that of today, the newest first; at most 240."""
    how = await course(session, actor.brand_id)
    _, today = await settings.days(session, actor.brand_id)
    first = await session.scalar(
        select(func.min(col(CommissionEntry.period))).where(col(CommissionEntry.brand_id) == actor.brand_id)
    )
    spans = list(_back_to(first or today, today, how))
    return await _as_they_stand(session, actor, spans)


def _back_to(first: date, today: date, how: Course) -> Iterator[Span]:
    span = period_of(today, how)
    for _ in range(MOST_PERIODS):
        yield span
        if span.first_day <= first:
            return
        span = period_of(span.first_day - timedelta(days=1), how)


async def _as_they_stand(session: AsyncSession, actor: Actor, spans: list[Span]) -> list[Period]:
    closed = await settings.closed_by_days(session, actor, [span.first_day for span in spans])
    found = []
    for span in spans:
        row = closed.get(span.first_day)
        found.append(Period(span.first_day, span.last_day) if row is None else _closed(row))
    return found


def _closed(row: settings.SettingRow) -> Period:
    digest = row.digest if row.frozen_at else None
    return Period(row.first_day, row.last_day, row.id, row.closed_at, row.frozen_at, digest)
