"""Days of stores as tables for a statement: from when to when each lasted, and what the store's place and hours say."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BindParameter,
    Boolean,
    Date,
    FromClause,
    Select,
    String,
    Uuid,
    and_,
    bindparam,
    case,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Account, AccountKind, Store
from kernel import bulk, clock
from kernel.db import UtcDateTime
from mall.models import COUNTED_STATES, Order
from mall.models.flags import is_cross_city, is_off_hours

StoreDay = tuple[UUID, date]

BRAND = "of_brand"
"""The parameter of all these statements that says whose rows they are about."""

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
    """The days to be counted; which cities are other ones; of which orders the hours are known by themselves.

    They are without their rows, which `values` gives: statements are made once.
    """

    days: FromClause
    cities: FromClause
    late: FromClause


def tables(dialect: str) -> Tables:
    """The tables of statements about days of stores."""
    return Tables(
        bulk.shaped(dialect, _DAYS, "days"),
        bulk.shaped(dialect, _CITIES, "cities"),
        bulk.shaped(dialect, _LATE, "late"),
    )


async def values(session: AsyncSession, brand_id: UUID, store_days: Collection[StoreDay]) -> dict[str, Any]:
    """What statements about these days are given; a store that the brand doesn't have is left out."""
    known = await places(session, brand_id, {store_id for store_id, _ in store_days})
    rows = [known[store_id].row(day) for store_id, day in sorted(store_days) if store_id in known]
    given = {BRAND: brand_id, **bulk.filled(session, _DAYS, rows, "days")}
    found = (await session.execute(_peculiar(session.get_bind().dialect.name), given)).all()
    cities, late = _cities(known, found), _late(known, found)
    return given | bulk.filled(session, _CITIES, cities, "cities") | bulk.filled(session, _LATE, late, "late")


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


def brand() -> BindParameter[UUID]:
    """Whose rows a statement is about."""
    return bindparam(BRAND, type_=Uuid())


def of_day(days: FromClause) -> Any:
    """The counted orders of these days."""
    return and_(
        col(Order.store_id) == days.c.store_id,
        col(Order.day) == days.c.day,
        col(Order.state).in_(COUNTED_STATES),
    )


@cache
def _peculiar(dialect: str) -> Select[*tuple[Any, ...]]:
    """By store, the cities that orders went to, and the orders whose own instant tells the hours, each once.

    These were paid on another day than they were placed on, whose hours are those of the day before, say; or on a day
    on which the clock is set: the one on the wall shows a time twice, or never shows it.
    """
    days = bulk.shaped(dialect, _DAYS, "days")
    is_late = or_(col(Order.placed_at) < days.c.since, col(Order.placed_at) >= days.c.until, days.c.is_even.is_(False))
    return (
        select(
            col(Order.store_id),
            col(Order.city),
            case((is_late, col(Order.id))).label("order_id"),
            case((is_late, col(Order.placed_at))).label("placed_at"),
        )
        .select_from(days)
        .join(Order, of_day(days))
        .where(col(Order.brand_id) == brand(), or_(col(Order.city).is_not(None), is_late))
        .distinct()
    )


def _cities(known: Mapping[UUID, Place], found: Sequence[Any]) -> list[dict[str, Any]]:
    cities = {(row.store_id, row.city) for row in found}
    judged = ((store_id, city, is_cross_city(known[store_id].city, city)) for store_id, city in cities)
    return [
        {"store_id": store_id, "city": city, "is_cross": is_cross}
        for store_id, city, is_cross in judged
        if is_cross is not None
    ]


def _late(known: Mapping[UUID, Place], found: Sequence[Any]) -> list[dict[str, Any]]:
    late = ((row.order_id, known[row.store_id], row.placed_at) for row in found if row.order_id is not None)
    return [
        {"order_id": order_id, "is_off": bool(is_off_hours(place.hours, place.time_zone, placed_at))}
        for order_id, place, placed_at in late
    ]
