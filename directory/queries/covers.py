"""Reads of covers: who serves for whom who is away."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Cover, CoverState, Staff, StaffState
from directory.policy import covers_visible_to
from kernel import clock
from kernel.actor import Actor, Covered
from kernel.db import UtcDateTime
from kernel.errors import NotFound
from kernel.pages import Key, Page, paged

CoverRow = Row[*tuple[Any, ...]]

MOST_DUE = 200  # of a brand in one look: the others have their turn


def in_force(at: Any) -> tuple[ColumnElement[bool], ...]:
    """What makes a cover count at that instant, given the delegate as `Staff`.

    Whoever works elsewhere by then, or is leaving, serves for nobody here, whatever was arranged.
    """
    return (
        col(Cover.starts_at) <= at,
        col(Cover.ends_at) > at,
        col(Cover.state) != CoverState.CANCELLED,
        col(Cover.store_id) == col(Staff.store_id),
        col(Staff.state) == StaffState.ACTIVE,
    )


# Asked every second for those who are connected: put together once.
_COVERED = (
    select(col(Cover.delegate_id), col(Cover.account_id), col(Cover.staff_id))
    .join(Staff, and_(col(Staff.brand_id) == col(Cover.brand_id), col(Staff.id) == col(Cover.delegate_id)))
    .where(
        col(Cover.brand_id) == bindparam("brand_id"),
        *in_force(bindparam("now", type_=UtcDateTime())),
    )
)


async def covered(session: AsyncSession, brand_id: UUID) -> dict[UUID, tuple[Covered, ...]]:
    """What each delegate of the brand covers at this moment; whoever covers nothing is left out."""
    found = await session.execute(_COVERED, {"brand_id": brand_id, "now": clock.now()})
    by_delegate: dict[UUID, set[Covered]] = {}
    for delegate_id, account_id, staff_id in found:
        by_delegate.setdefault(delegate_id, set()).add(Covered(account_id, staff_id))
    return {delegate_id: tuple(sorted(theirs)) for delegate_id, theirs in by_delegate.items()}


async def lock(session: AsyncSession, actor: Actor, cover_id: UUID) -> Cover:
    """The cover, kept from other writers until the commit. `NOT_FOUND` if it isn't in sight."""
    cover = await session.scalar(
        select(Cover)
        .where(col(Cover.id) == cover_id, covers_visible_to(actor))
        .with_for_update(key_share=True)
        # It may have been read before it was locked.
        .execution_options(populate_existing=True)
    )
    if cover is None:
        raise NotFound
    return cover


async def get(session: AsyncSession, actor: Actor, cover_id: UUID) -> CoverRow:
    """The cover as it was a moment ago. `NOT_FOUND` if it isn't in sight."""
    found = (await by_ids(session, actor, [cover_id])).get(cover_id)
    if found is None:
        raise NotFound
    return found


async def by_ids(session: AsyncSession, actor: Actor, cover_ids: Sequence[UUID]) -> dict[UUID, CoverRow]:
    """Those of the covers that are in sight."""
    found = await session.execute(_rows(actor).where(col(Cover.id).in_(cover_ids)))
    return {row.id: row for row in found}


async def page(
    session: AsyncSession,
    actor: Actor,
    page: Page,
    *,
    store_id: UUID | None = None,
    staff_id: UUID | None = None,
    is_open: bool = False,
) -> Sequence[CoverRow]:
    """Covers in sight, those that begin last first; one more than asked for when there is a next page.

    `staff_id` is of either of the two people; `is_open` leaves out what is over or was cancelled.
    """
    rows = _rows(actor)
    if store_id is not None:
        rows = rows.where(col(Cover.store_id) == store_id)
    if staff_id is not None:
        rows = rows.where(or_(col(Cover.staff_id) == staff_id, col(Cover.delegate_id) == staff_id))
    if is_open:
        rows = rows.where(*_open(clock.now()))
    keys = (Key(col(Cover.starts_at), descending=True), Key(col(Cover.id), descending=True))
    return (await session.execute(paged(rows, page, *keys))).all()


async def open_of(session: AsyncSession, actor: Actor, staff_ids: Sequence[UUID]) -> dict[UUID, list[CoverRow]]:
    """The covers in sight, not over yet, that each of these people is part of; what begins first comes first."""
    found = await session.execute(
        _rows(actor)
        .where(
            or_(col(Cover.staff_id).in_(staff_ids), col(Cover.delegate_id).in_(staff_ids)),
            *_open(clock.now()),
        )
        .order_by(col(Cover.starts_at), col(Cover.id))
    )
    by_staff: dict[UUID, list[CoverRow]] = {staff_id: [] for staff_id in staff_ids}
    for row in found:
        for person in {row.staff_id, row.delegate_id} & by_staff.keys():
            by_staff[person].append(row)
    return by_staff


async def around(
    session: AsyncSession, brand_id: UUID, staff_ids: Collection[UUID], starts_at: datetime, ends_at: datetime
) -> Sequence[Cover]:
    """The covers that any of these people is part of in some of that time; the caller has locked the people."""
    found = await session.scalars(
        select(Cover).where(
            col(Cover.brand_id) == brand_id,
            or_(col(Cover.staff_id).in_(staff_ids), col(Cover.delegate_id).in_(staff_ids)),
            col(Cover.starts_at) < ends_at,
            *_open(starts_at),
        )
    )
    return found.all()


async def lock_open_of(session: AsyncSession, brand_id: UUID, staff_id: UUID) -> Sequence[Cover]:
    """The covers, not over yet, that somebody is part of, locked in the order of their keys."""
    found = await session.scalars(
        select(Cover)
        .where(
            col(Cover.brand_id) == brand_id,
            or_(col(Cover.staff_id) == staff_id, col(Cover.delegate_id) == staff_id),
            *_open(clock.now()),
        )
        .order_by(col(Cover.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return found.all()


async def due(session: AsyncSession, brand_id: UUID, at: datetime, most: int = MOST_DUE) -> Sequence[UUID]:
    """The covers of which is to be said that they have begun, or are over; the earliest first."""
    begun = and_(col(Cover.state) == CoverState.PLANNED, col(Cover.starts_at) <= at)
    over = and_(col(Cover.state) == CoverState.ACTIVE, col(Cover.ends_at) <= at)
    found = await session.scalars(
        select(col(Cover.id))
        .where(col(Cover.brand_id) == brand_id, or_(begun, over))
        .order_by(col(Cover.starts_at), col(Cover.id))
        .limit(most)
    )
    return found.all()


def _open(at: datetime) -> tuple[ColumnElement[bool], ...]:
    return col(Cover.ends_at) > at, col(Cover.state) != CoverState.CANCELLED


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    return select(*Cover.__table__.columns).where(covers_visible_to(actor))  # type: ignore[attr-defined]  # set by SQLModel
