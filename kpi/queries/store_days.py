"""Days of stores as tables for a statement: from when to when each lasted, and what the store's place and hours say."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Boolean, Date, FromClause, String, Uuid, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Account, AccountKind, Store
from kernel import bulk, clock
from kernel.db import UtcDateTime
from mall.models import COUNTED_STATES, Order
from mall.models.flags import is_cross_city, is_off_hours

StoreDay = tuple[UUID, date]

_DAY = timedelta(days=1)

_DAYS: Mapping[str, Any] = {
    "store_id": Uuid(),
    "day": Date(),
    "public_id": Uuid(),
    "since": UtcDateTime(),
    "until": UtcDateTime(),
    "opens_at": UtcDateTime(),
    "closes_at": UtcDateTime(),
    "knows_hours": Boolean(),
    "is_even": Boolean(),
}
_CITIES: Mapping[str, Any] = {"store_id": Uuid(), "city": String(), "is_cross": Boolean()}
_LATE: Mapping[str, Any] = {"order_id": Uuid(), "is_off": Boolean()}


@dataclass(frozen=True, slots=True)
class Place:
    """What of a store decides how its orders count."""

    store_id: UUID
    public_id: UUID
    time_zone: str
    city: str | None
    hours: list[Any]

    def row(self, day: date) -> dict[str, Any]:
        """The day, with the instants between which the store was open on it: none where it was shut."""
        since, until = clock.day_bounds(day, self.time_zone)
        today = self.hours[day.weekday()] if any(self.hours) else None
        opens, closes = (self._at(day, said) for said in today) if today else (None, None)
        return {
            "store_id": self.store_id,
            "day": day,
            "public_id": self.public_id,
            "since": since,
            "until": until,
            "opens_at": opens,
            "closes_at": closes,
            "knows_hours": any(self.hours),
            "is_even": until - since == _DAY,
        }

    def _at(self, day: date, said: str) -> datetime:
        """When the clock on the wall says so; the end of a day is written 24:00."""
        hours, minutes = (int(part) for part in said.split(":"))
        midnight = datetime.combine(
            day + timedelta(days=hours // 24), time(hours % 24, minutes), ZoneInfo(self.time_zone)
        )
        return midnight.astimezone(ZoneInfo("UTC"))


@dataclass(frozen=True, slots=True)
class Tables:
    """The days to be counted; which cities are other ones; of which orders the hours are known by themselves."""

    days: FromClause
    cities: FromClause
    late: FromClause


async def places(session: AsyncSession, brand_id: UUID, store_ids: Iterable[UUID]) -> dict[UUID, Place]:
    """These stores, as far as the brand has them."""
    found = await session.execute(
        select(col(Store.id), col(Account.id), col(Store.time_zone), col(Store.city), col(Store.opening_hours))
        .join(
            Account,
            and_(
                col(Account.brand_id) == col(Store.brand_id),
                col(Account.store_id) == col(Store.id),
                col(Account.kind) == AccountKind.PUBLIC,
            ),
        )
        .where(col(Store.brand_id) == brand_id, col(Store.id).in_(sorted(set(store_ids))))
    )
    return {row[0]: Place(*row) for row in found}


async def tables(session: AsyncSession, brand_id: UUID, store_days: Collection[StoreDay]) -> Tables:
    """These days as tables; a store that the brand doesn't have is left out."""
    known = await places(session, brand_id, {store_id for store_id, _ in store_days})
    rows = [known[store_id].row(day) for store_id, day in sorted(store_days) if store_id in known]
    days = bulk.tabled(session, _DAYS, rows)
    return Tables(
        days,
        bulk.tabled(session, _CITIES, await _cities(session, brand_id, known, days)),
        bulk.tabled(session, _LATE, await _late(session, brand_id, known, days)),
    )


def of_day(days: FromClause) -> Any:
    """The counted orders of these days."""
    return and_(
        col(Order.store_id) == days.c.store_id,
        col(Order.day) == days.c.day,
        col(Order.state).in_(COUNTED_STATES),
    )


async def _cities(
    session: AsyncSession, brand_id: UUID, known: Mapping[UUID, Place], days: FromClause
) -> list[dict[str, Any]]:
    found = await session.execute(
        select(col(Order.store_id), col(Order.city))
        .join(days, of_day(days))
        .where(col(Order.brand_id) == brand_id, col(Order.city).is_not(None))
        .distinct()
    )
    judged = ((store_id, city, is_cross_city(known[store_id].city, city)) for store_id, city in found)
    return [
        {"store_id": store_id, "city": city, "is_cross": is_cross}
        for store_id, city, is_cross in judged
        if is_cross is not None
    ]


async def _late(
    session: AsyncSession, brand_id: UUID, known: Mapping[UUID, Place], days: FromClause
) -> list[dict[str, Any]]:
    """Orders paid on another day than they were placed on, whose hours are those of the day before, say.

    And those of days on which the clock is set: the one on the wall shows a time twice, or never shows it.
    """
    found = await session.execute(
        select(col(Order.id), col(Order.store_id), col(Order.placed_at))
        .join(days, of_day(days))
        .where(
            col(Order.brand_id) == brand_id,
            or_(col(Order.placed_at) < days.c.since, col(Order.placed_at) >= days.c.until, days.c.is_even.is_(False)),
        )
    )
    return [
        {"order_id": order_id, "is_off": bool(is_off_hours(place.hours, place.time_zone, placed_at))}
        for order_id, place, placed_at in ((row[0], known[row[1]], row[2]) for row in found)
    ]
