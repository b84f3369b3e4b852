"""Reads of stores."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Row, ScalarSelect, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Staff, StaffState, Store, StoreState
from directory.policy import stores_visible_to
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.pages import Key, Page, along, paged

StoreRow = Row[*tuple[Any, ...]]


async def lock(session: AsyncSession, actor: Actor, store_id: UUID) -> Store:
    """The store, kept from other writers until the commit. `NOT_FOUND` if it isn't in sight."""
    return await _one(session, _visible(actor, store_id).with_for_update(key_share=True))


async def hold_open(session: AsyncSession, actor: Actor, store_id: UUID) -> Store:
    """The store, kept as it is until the commit, so that it can't close under whoever comes in.

    Raises `NOT_FOUND`, `STORE_CLOSED`.
    """
    store = await _one(session, _visible(actor, store_id).with_for_update(read=True))
    store.require_open()
    return store


async def staffed(session: AsyncSession, actor: Actor, store_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many people work in each of these stores, those who are leaving included; the stores are in sight already."""
    found = await session.execute(
        select(col(Staff.store_id), func.count())
        .where(
            col(Staff.brand_id) == actor.brand_id,
            col(Staff.store_id).in_(store_ids),
            col(Staff.state) != StaffState.DEPARTED,
        )
        .group_by(col(Staff.store_id))
    )
    counted: dict[UUID, int] = dict.fromkeys(store_ids, 0)
    return counted | {store_id: count for store_id, count in found if store_id is not None}


async def count_staff(session: AsyncSession, actor: Actor, store_id: UUID) -> int:
    """The same of one store."""
    return (await staffed(session, actor, [store_id]))[store_id]


async def by_ids(session: AsyncSession, actor: Actor, store_ids: Sequence[UUID]) -> dict[UUID, StoreRow]:
    """Those of the stores that are in sight."""
    found = await session.execute(_rows(actor).where(col(Store.id).in_(store_ids)))
    return {row.id: row for row in found}


async def by_codes(session: AsyncSession, actor: Actor) -> dict[str, StoreRow]:
    """All stores in sight by code: a brand has hundreds."""
    return {row.code: row for row in await session.execute(_rows(actor))}


async def page(
    session: AsyncSession,
    actor: Actor,
    page: Page,
    region_id: UUID | None = None,
    state: StoreState | None = None,
) -> Sequence[StoreRow]:
    """Stores in sight, by code; `region_id` narrows to the stores right in one region."""
    rows = _rows(actor)
    if region_id is not None:
        rows = rows.where(col(Store.region_id) == region_id)
    if state is not None:
        rows = rows.where(col(Store.state) == state)
    found = await session.execute(paged(rows, page, Key(col(Store.code)), Key(col(Store.id))))
    return found.all()


async def walk(session: AsyncSession, actor: Actor, after: UUID | None, most: int) -> Sequence[StoreRow]:
    """Stores in sight by id."""
    return (await session.execute(along(_rows(actor), col(Store.id), after, most))).all()


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    return select(*Store.__table__.columns).where(stores_visible_to(actor))  # type: ignore[attr-defined]  # set by SQLModel


def _visible(actor: Actor, store_id: UUID) -> Select[Store]:
    return select(Store).where(col(Store.id) == store_id, stores_visible_to(actor))


async def _one(session: AsyncSession, statement: Select[Any]) -> Store:
    store: Store | None = await session.scalar(statement)
    if store is None:
        raise NotFound
    return store


async def home_zone(session: AsyncSession, brand_id: UUID) -> str:
    """The time zone of most of the brand's stores, where a day of the whole brand is meant; UTC without stores."""
    return await session.scalar(select(home_zone_of(brand_id))) or "UTC"


def home_zone_of(brand_id: UUID | BindParameter[UUID]) -> ScalarSelect[str]:
    """The same within another statement, null without stores."""
    return (
        select(col(Store.time_zone))
        .where(col(Store.brand_id) == brand_id)
        .group_by(col(Store.time_zone))
        .order_by(func.count().desc(), col(Store.time_zone))
        .limit(1)
        .scalar_subquery()
    )
