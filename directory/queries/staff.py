"""Reads of staff."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, case, false, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Account, Assignment, Staff, StaffState, Store
from directory.policy import staff_visible_to, unspoken
from directory.queries.stores import home_zone
from kernel import clock
from kernel.actor import Actor, Role
from kernel.db import OneOf, enum_of
from kernel.errors import NotFound
from kernel.pages import Key, Page, along, paged

StaffRow = Row[*tuple[Any, ...]]

MOST_AT_ONCE = 1_000
FURTHEST_AHEAD = timedelta(hours=14)


async def lock(session: AsyncSession, actor: Actor, staff_id: UUID) -> Staff:
    """The staff member, kept from other writers until the commit. `NOT_FOUND` if they aren't in sight."""
    staff = await session.scalar(
        select(Staff).where(col(Staff.id) == staff_id, staff_visible_to(actor)).with_for_update(key_share=True)
    )
    if staff is None:
        raise NotFound
    return staff


async def lock_owners(session: AsyncSession, brand_id: UUID, account_ids: Sequence[UUID]) -> dict[UUID, Staff]:
    """Whoever the accounts belong to, by account, kept from leaving or moving until the commit; in order of ids.

    Others may keep them so beside. A store's public account belongs to nobody and is left out.
    """
    # What the caller has changed is written first, or reading the rows afresh would undo it.
    await session.flush()
    found = await session.execute(
        select(col(Account.id), Staff)
        .join(Staff, (col(Staff.brand_id) == col(Account.brand_id)) & (col(Staff.id) == col(Account.staff_id)))
        .where(col(Account.brand_id) == brand_id, OneOf(col(Account.id), "account_ids"))
        .order_by(col(Staff.id))
        .with_for_update(read=True, of=Staff)
        .execution_options(populate_existing=True),
        {"account_ids": account_ids},
    )
    return dict(found.all())


async def lock_self(session: AsyncSession, actor: Actor) -> None:
    """Let only one of the actor's own writes count at a time, where there is a limit on them."""
    await session.execute(
        select(col(Staff.id))
        .where(col(Staff.brand_id) == actor.brand_id, col(Staff.id) == actor.id)
        .with_for_update(key_share=True)
    )


async def zone_of(session: AsyncSession, staff: Staff) -> str:
    """The time zone of the days somebody works: their store's, and for those above stores the brand's."""
    zone = await session.scalar(
        select(col(Store.time_zone)).where(col(Store.brand_id) == staff.brand_id, col(Store.id) == staff.store_id)
    )
    return zone or await home_zone(session, staff.brand_id)


async def past_last_day(session: AsyncSession, brand_id: UUID, at: datetime, most: int) -> list[UUID]:
    """Some of those who may still sign in although their last day is over where they work."""
    found = await session.execute(
        select(col(Staff.id), col(Staff.last_day), col(Store.time_zone))
        .outerjoin(Store, (col(Store.brand_id) == col(Staff.brand_id)) & (col(Store.id) == col(Staff.store_id)))
        .where(
            col(Staff.brand_id) == brand_id,
            col(Staff.access_closed_at).is_(None),
            # No clock on earth is further ahead: of what is left few are not over yet.
            col(Staff.last_day) < (at + FURTHEST_AHEAD).date(),
        )
        .order_by(col(Staff.last_day), col(Staff.id))
        .limit(most)
    )
    rows = found.all()
    if not rows:
        return []
    home = await home_zone(session, brand_id)
    return [row.id for row in rows if row.last_day < clock.store_day(at, row.time_zone or home)]


async def open_assignment(session: AsyncSession, staff: Staff) -> Assignment | None:
    """Where the staff member works at present."""
    assignment: Assignment | None = await session.scalar(
        select(Assignment).where(
            col(Assignment.brand_id) == staff.brand_id,
            col(Assignment.staff_id) == staff.id,
            col(Assignment.ends_at).is_(None),
        )
    )
    return assignment


async def by_ids(session: AsyncSession, actor: Actor, staff_ids: Sequence[UUID]) -> dict[UUID, StaffRow]:
    """Those of the staff who are in sight."""
    found = await session.execute(_rows(actor).where(col(Staff.id).in_(staff_ids)))
    return {row.id: row for row in found}


async def by_numbers(session: AsyncSession, actor: Actor, numbers: Sequence[str]) -> dict[str, StaffRow]:
    """Those of the staff with these numbers who are in sight; read in parts, as a statement takes so many values."""
    found: dict[str, StaffRow] = {}
    for start in range(0, len(numbers), MOST_AT_ONCE):
        part = numbers[start : start + MOST_AT_ONCE]
        found |= {row.number: row for row in await session.execute(_rows(actor).where(col(Staff.number).in_(part)))}
    return found


async def count_without_password(session: AsyncSession, actor: Actor, numbers: Sequence[str]) -> int:
    """How many of the staff with these numbers can't sign in because they have no password."""
    total = 0
    for start in range(0, len(numbers), MOST_AT_ONCE):
        part = numbers[start : start + MOST_AT_ONCE]
        counted = await session.scalar(
            select(func.count())
            .select_from(Staff)
            .where(staff_visible_to(actor), col(Staff.number).in_(part), col(Staff.password_hash).is_(None))
        )
        total += counted or 0
    return total


async def page(
    session: AsyncSession,
    actor: Actor,
    page: Page,
    *,
    search: str | None = None,
    store_id: UUID | None = None,
    role: Role | None = None,
    state: StaffState | None = None,
) -> Sequence[StaffRow]:
    """Staff in sight, by number. `search` is a number, or part of a name."""
    rows = _rows(actor)
    if search is not None:
        rows = rows.where(_matches(search))
    if store_id is not None:
        rows = rows.where(col(Staff.store_id) == store_id)
    if role is not None:
        rows = rows.where(col(Staff.role) == role)
    if state is not None:
        rows = rows.where(_state(actor) == state)
    found = await session.execute(paged(rows, page, Key(col(Staff.number)), Key(col(Staff.id))))
    return found.all()


async def assignments(
    session: AsyncSession, actor: Actor, staff_ids: Sequence[UUID]
) -> dict[UUID, list[Row[*tuple[Any, ...]]]]:
    """Where these staff members worked, as what, from when to when; the latest first."""
    seen = select(col(Staff.id)).where(staff_visible_to(actor), col(Staff.id).in_(staff_ids))
    found = await session.execute(
        select(*Assignment.__table__.columns)  # type: ignore[attr-defined]  # set by SQLModel
        .where(col(Assignment.brand_id) == actor.brand_id, col(Assignment.staff_id).in_(seen))
        .order_by(col(Assignment.starts_at).desc(), col(Assignment.id).desc())
    )
    by_staff: dict[UUID, list[Row[*tuple[Any, ...]]]] = {staff_id: [] for staff_id in staff_ids}
    for row in found:
        by_staff[row.staff_id].append(row)
    return by_staff


async def walk(session: AsyncSession, actor: Actor, after: UUID | None, most: int) -> Sequence[StaffRow]:
    """Oneself and the colleagues of one's store by id: those whom one's feeds tell of."""
    told = col(Staff.id) == actor.id
    if actor.store_id is not None:
        told = or_(told, col(Staff.store_id) == actor.store_id)
    return (await session.execute(along(_rows(actor).where(told), col(Staff.id), after, most))).all()


def _matches(text: str) -> ColumnElement[bool]:
    if "\x00" in text:
        return false()  # PostgreSQL can't even be asked for it
    return or_(col(Staff.number) == text, col(Staff.name).icontains(text, autoescape=True))


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    """Without the password's hash, which nobody who reads has a use for, and without what is not told yet."""
    shown = {"password_hash": None, "state": _state(actor), "last_day": _last_day(actor)}
    columns = [shown.get(column.name, column) for column in Staff.__table__.columns if column.name != "password_hash"]  # type: ignore[attr-defined]  # set by SQLModel
    return select(*columns).where(staff_visible_to(actor))


def _state(actor: Actor) -> Any:
    """Whoever is leaving is at work to those who are not told: see `unspoken`."""
    at_work = literal(StaffState.ACTIVE, enum_of(StaffState))
    return case((unspoken(actor), at_work), else_=col(Staff.state)).label("state")


def _last_day(actor: Actor) -> Any:
    return case((unspoken(actor), None), else_=col(Staff.last_day)).label("last_day")
