"""Reads of subscriptions, of what was sent for them, and of who is to be told at this moment."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Account, Brand, Region, Staff, StaffState, Store
from directory.queries import actors
from directory.queries.stores import home_zone
from kernel.actor import Actor
from kernel.db import OneOf
from kernel.errors import NotFound
from kernel.pages import Key, Page, paged
from kpi.models import Days, KpiMark, KpiNotice, KpiStore, KpiWatch, Side, WatchKind
from kpi.models.timing import is_quiet, last_period
from kpi.models.watching import DIGESTS
from kpi.policy import own
from kpi.queries.scoping import Asked, Scope

LOOKS_EVERY = timedelta(minutes=5)
"""Somebody who had nothing to be told of, or whose figures aren't complete, is looked at again after that."""

WatchRow = Row[*tuple[Any, ...]]
NoticeRow = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Somebody as they are today, and the clock on their wall: their store's, above stores most stores'."""

    actor: Actor
    time_zone: str


async def lock(session: AsyncSession, actor: Actor, watch_id: UUID) -> KpiWatch:
    """One's own subscription, kept from other writers until the commit. `NOT_FOUND` for any other."""
    watch = await session.scalar(
        select(KpiWatch).where(col(KpiWatch.id) == watch_id, own(actor, KpiWatch)).with_for_update()
    )
    if watch is None:
        raise NotFound
    return watch


async def count_of(session: AsyncSession, actor: Actor) -> int:
    """How many subscriptions somebody has."""
    return await session.scalar(select(func.count()).select_from(KpiWatch).where(own(actor, KpiWatch))) or 0


async def all_of(session: AsyncSession, actor: Actor) -> Sequence[WatchRow]:
    """One's own subscriptions, the oldest first."""
    found = await session.execute(_watches(actor).order_by(col(KpiWatch.created_at), col(KpiWatch.id)))
    return found.all()


async def by_ids(session: AsyncSession, actor: Actor, watch_ids: Sequence[UUID]) -> dict[UUID, WatchRow]:
    """Those of the subscriptions that are one's own."""
    found = await session.execute(_watches(actor).where(col(KpiWatch.id).in_(watch_ids)))
    return {row.id: row for row in found}


async def notices(
    session: AsyncSession, actor: Actor, page: Page, *, is_seen: bool | None = None
) -> Sequence[NoticeRow]:
    """What somebody was told, the newest first; one row more when there is a next page."""
    rows = _notices(actor)
    if is_seen is not None:
        rows = rows.where(col(KpiNotice.seen_at).is_not(None) if is_seen else col(KpiNotice.seen_at).is_(None))
    keys = (Key(col(KpiNotice.sent_at), descending=True), Key(col(KpiNotice.id), descending=True))
    return (await session.execute(paged(rows, page, *keys))).all()


async def notices_by_ids(session: AsyncSession, actor: Actor, notice_ids: Sequence[UUID]) -> dict[UUID, NoticeRow]:
    """Those of the notices that are one's own."""
    found = await session.execute(_notices(actor).where(col(KpiNotice.id).in_(notice_ids)))
    return {row.id: row for row in found}


async def lock_notices(session: AsyncSession, actor: Actor, notice_ids: Sequence[UUID]) -> Sequence[KpiNotice]:
    """One's own notices of these ids, kept from other writers until the commit."""
    found = await session.scalars(
        select(KpiNotice)
        .where(own(actor, KpiNotice), col(KpiNotice.id).in_(notice_ids))
        .order_by(col(KpiNotice.id))
        .with_for_update()
    )
    return found.all()


async def lock_of(session: AsyncSession, brand_id: UUID, staff_id: UUID, kind: WatchKind) -> Sequence[KpiWatch]:
    """Somebody's subscriptions of a kind that aren't paused; two workers who look at once do so one after the other."""
    found = await session.scalars(
        select(KpiWatch)
        .where(
            col(KpiWatch.brand_id) == brand_id,
            col(KpiWatch.staff_id) == staff_id,
            col(KpiWatch.kind) == kind,
            col(KpiWatch.is_paused).is_(False),
        )
        .order_by(col(KpiWatch.created_at), col(KpiWatch.id))
        .with_for_update()
    )
    return found.all()


async def was_told(session: AsyncSession, brand_id: UUID, staff_id: UUID, kind: WatchKind, day: date) -> bool:
    """Whether somebody was told something of that kind on that day of theirs."""
    return bool(await session.scalar(select(exists().where(*_told(brand_id, staff_id, kind, day)))))


async def brands(session: AsyncSession) -> Sequence[UUID]:
    """The brands in which somebody subscribed to anything."""
    watched = exists().where(col(KpiWatch.brand_id) == col(Brand.id), col(KpiWatch.is_paused).is_(False))
    return (await session.scalars(select(col(Brand.id)).where(watched).order_by(col(Brand.code)))).all()


async def due(session: AsyncSession, brand_id: UUID, now: datetime, most: int) -> Sequence[tuple[UUID, WatchKind]]:
    """Who is to be looked at, and for which kind: longest waiting first, and nobody for whom it is night."""
    home = await home_zone(session, brand_id)
    zones = await session.scalars(
        select(func.coalesce(col(Store.time_zone), home)).select_from(Staff).outerjoin(Store, _WORKS_IN).where(
            col(Staff.brand_id) == brand_id, _watches_anything(brand_id)
        ).distinct()
    )  # fmt: skip
    found: list[tuple[datetime, UUID, WatchKind]] = []
    for zone in sorted(zones.all()):
        local = now.astimezone(ZoneInfo(zone))
        if not is_quiet(local):
            rows = await session.execute(_due_in(brand_id, zone, home, local, now).limit(most))
            found += [(since, staff_id, kind) for staff_id, kind, since in rows]
    return [(staff_id, kind) for _, staff_id, kind in sorted(found)[:most]]


async def subscriber(session: AsyncSession, brand_id: UUID, staff_id: UUID) -> Subscriber | None:
    """Somebody with today's role, place and accounts; none if they have left, or their access is closed."""
    actor = await actors.of_staff(session, brand_id, staff_id)
    if actor is None:
        return None
    accounts = await session.scalars(
        select(col(Account.id))
        .where(col(Account.brand_id) == brand_id, col(Account.staff_id) == staff_id)
        .order_by(col(Account.id))
    )
    zone = None
    if actor.store_id is not None:
        zone = await session.scalar(
            select(col(Store.time_zone)).where(col(Store.brand_id) == brand_id, col(Store.id) == actor.store_id)
        )
    whole = replace(actor, account_ids=tuple(accounts.all()))
    return Subscriber(whole, zone or await home_zone(session, brand_id))


async def is_complete(session: AsyncSession, scope: Scope, days: Days) -> bool:
    """Whether these days are over in all stores, and all that is known of them is counted."""
    within, values = _stores_of(scope)
    under_way = (
        select(col(Store.id))
        .outerjoin(
            KpiStore, and_(col(KpiStore.brand_id) == col(Store.brand_id), col(KpiStore.store_id) == col(Store.id))
        )
        .where(
            col(Store.brand_id) == scope.brand_id,
            *within(col(Store.id)),
            or_(col(KpiStore.last).is_(None), col(KpiStore.last) <= days.last),
        )
    )
    marked = select(col(KpiMark.id)).where(
        col(KpiMark.brand_id) == scope.brand_id,
        *within(col(KpiMark.store_id)),
        col(KpiMark.first) <= days.last,
        col(KpiMark.last) >= days.first,
    )
    return not await session.scalar(select(or_(under_way.exists(), marked.exists())), values)


async def first_day(session: AsyncSession, scope: Scope) -> date | None:
    """The first day of any of these stores with anything to count."""
    within, values = _stores_of(scope)
    statement = select(func.min(col(KpiStore.first))).where(
        col(KpiStore.brand_id) == scope.brand_id, *within(col(KpiStore.store_id))
    )
    return await session.scalar(statement, values)


async def name_of(session: AsyncSession, brand_id: UUID, asked: Asked) -> str | None:
    """What the region, the store or the person is called that is asked for; none where it is all that one sees."""
    for model, key in ((Staff, asked.staff_id), (Store, asked.store_id), (Region, asked.region_id)):
        if key is not None:
            return await session.scalar(
                select(col(model.name)).where(col(model.brand_id) == brand_id, col(model.id) == key)
            )
    return None


def asked_by(watch: KpiWatch) -> Asked:
    """What a subscription is about."""
    return Asked(watch.region_id, watch.store_id, watch.of_staff_id)


_WORKS_IN = and_(col(Store.brand_id) == col(Staff.brand_id), col(Store.id) == col(Staff.store_id))


def _watches_anything(brand_id: UUID) -> ColumnElement[bool]:
    return exists().where(
        col(KpiWatch.brand_id) == brand_id, col(KpiWatch.staff_id) == col(Staff.id), col(KpiWatch.is_paused).is_(False)
    )


def _due_in(brand_id: UUID, zone: str, home: str, local: datetime, now: datetime) -> Select[UUID, WatchKind, datetime]:
    """Those for whom the clock shows that time; what was decided on, and who was told today, is left out."""
    today = local.date()
    since = func.min(col(KpiWatch.looked_at))
    day_over = last_period(WatchKind.THRESHOLD, today).last
    wanted = [
        *(and_(col(KpiWatch.kind) == kind, col(KpiWatch.sent_for) < last_period(kind, today).last) for kind in DIGESTS),
        and_(col(KpiWatch.kind).in_((WatchKind.THRESHOLD, WatchKind.UNUSUAL)), col(KpiWatch.sent_for) < day_over),
        and_(col(KpiWatch.side) == Side.ABOVE, col(KpiWatch.sent_for) < today),
        col(KpiWatch.kind) == WatchKind.DELETIONS,
    ]
    return (
        select(col(KpiWatch.staff_id), col(KpiWatch.kind), since)
        .join(Staff, and_(col(Staff.brand_id) == col(KpiWatch.brand_id), col(Staff.id) == col(KpiWatch.staff_id)))
        .outerjoin(Store, _WORKS_IN)
        .where(
            col(KpiWatch.brand_id) == brand_id,
            col(KpiWatch.is_paused).is_(False),
            col(KpiWatch.looked_at) <= now - LOOKS_EVERY,
            func.coalesce(col(Store.time_zone), home) == zone,
            col(Staff.state) != StaffState.DEPARTED,
            col(Staff.access_closed_at).is_(None),
            or_(*wanted),
            ~exists().where(*_told(brand_id, col(KpiWatch.staff_id), col(KpiWatch.kind), today)),
        )
        .group_by(col(KpiWatch.staff_id), col(KpiWatch.kind))
        .order_by(since, col(KpiWatch.staff_id), col(KpiWatch.kind))
    )


def _told(brand_id: UUID, staff_id: Any, kind: Any, day: date) -> tuple[ColumnElement[bool], ...]:
    return (
        col(KpiNotice.brand_id) == brand_id,
        col(KpiNotice.staff_id) == staff_id,
        col(KpiNotice.kind) == kind,
        col(KpiNotice.day) == day,
    )


def _stores_of(scope: Scope) -> tuple[Any, dict[str, list[UUID]]]:
    """The condition that a store is one of a scope's, for people one of those they have accounts in; and its values."""
    values = {"store_ids": scope.store_ids, "account_ids": scope.account_ids}
    theirs = select(col(Account.store_id)).where(
        col(Account.brand_id) == scope.brand_id, OneOf(col(Account.id), "account_ids")
    )

    def within(store_id: Any) -> list[Any]:
        conditions = [OneOf(store_id, "store_ids")] if scope.store_ids is not None else []
        return [*conditions, store_id.in_(theirs)] if scope.account_ids is not None else conditions

    return within, {name: list(ids) for name, ids in values.items() if ids is not None}


def _watches(actor: Actor) -> Select[*tuple[Any, ...]]:
    return select(*KpiWatch.__table__.columns).where(own(actor, KpiWatch))  # type: ignore[attr-defined]  # set by SQLModel


def _notices(actor: Actor) -> Select[*tuple[Any, ...]]:
    return select(*KpiNotice.__table__.columns).where(own(actor, KpiNotice))  # type: ignore[attr-defined]  # set by SQLModel
