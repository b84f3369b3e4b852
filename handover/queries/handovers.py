"""Reads of handovers and of what they do with each relationship."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from handover.models import Handover, HandoverItem, HandoverState, HeldHere, LinkedThere
from handover.policy import handovers_visible_to, items_visible_to
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.pages import Key, Page, paged

HandoverRow = Row[*tuple[Any, ...]]
ItemRow = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """Which relationships of a handover: all that is given must hold."""

    to_account_id: UUID | None = None
    here: HeldHere | None = None
    there: LinkedThere | None = None


async def lock(session: AsyncSession, actor: Actor, handover_id: UUID) -> Handover:
    """The handover, kept from other writers until the commit. `NOT_FOUND` if it isn't in sight."""
    handover = await session.scalar(
        select(Handover)
        .where(col(Handover.id) == handover_id, handovers_visible_to(actor))
        .with_for_update(key_share=True)
        # It may have been read before it was locked.
        .execution_options(populate_existing=True)
    )
    if handover is None:
        raise NotFound
    return handover


async def by_ids(session: AsyncSession, actor: Actor, handover_ids: Sequence[UUID]) -> dict[UUID, HandoverRow]:
    """Those of the handovers that are in sight."""
    found = await session.execute(_rows(actor).where(col(Handover.id).in_(handover_ids)))
    return {row.id: row for row in found}


async def page(
    session: AsyncSession,
    actor: Actor,
    page: Page,
    *,
    states: Sequence[HandoverState] = (),
    staff_id: UUID | None = None,
) -> Sequence[HandoverRow]:
    """Handovers in sight, the newest first; one more than asked for when there is a next page."""
    rows = _rows(actor)
    if states:
        rows = rows.where(col(Handover.state).in_(states))
    if staff_id is not None:
        rows = rows.where(col(Handover.staff_id) == staff_id)
    keys = (Key(col(Handover.started_at), descending=True), Key(col(Handover.id), descending=True))
    return (await session.execute(paged(rows, page, *keys))).all()


async def items(
    session: AsyncSession, actor: Actor, handover_id: UUID, page: Page, narrowed: ItemFilter | None = None
) -> Sequence[ItemRow]:
    """What a handover in sight does with each relationship, by the relationship's id; of the stores in sight."""
    narrowed = narrowed or ItemFilter()
    rows = select(*HandoverItem.__table__.columns).where(  # type: ignore[attr-defined]  # set by SQLModel
        items_visible_to(actor),
        col(HandoverItem.handover_id).in_(
            select(col(Handover.id)).where(col(Handover.id) == handover_id, handovers_visible_to(actor))
        ),
    )
    if narrowed.to_account_id is not None:
        rows = rows.where(col(HandoverItem.to_account_id) == narrowed.to_account_id)
    if narrowed.here is not None:
        rows = rows.where(col(HandoverItem.here) == narrowed.here)
    if narrowed.there is not None:
        rows = rows.where(col(HandoverItem.there) == narrowed.there)
    return (await session.execute(paged(rows, page, Key(col(HandoverItem.relationship_id))))).all()


async def progress(
    session: AsyncSession, actor: Actor, handover_ids: Sequence[UUID]
) -> dict[UUID, dict[HeldHere, int]]:
    """How many relationships of each handover, of the stores in sight, are in which state; without any: left out."""
    found = await session.execute(
        select(col(HandoverItem.handover_id), col(HandoverItem.here), func.count())
        .where(items_visible_to(actor), col(HandoverItem.handover_id).in_(handover_ids))
        .group_by(col(HandoverItem.handover_id), col(HandoverItem.here))
    )
    counted: dict[UUID, dict[HeldHere, int]] = {handover_id: {} for handover_id in handover_ids}
    for handover_id, here, count in found:
        counted[handover_id][here] = count
    return counted


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    return select(*Handover.__table__.columns).where(handovers_visible_to(actor))  # type: ignore[attr-defined]  # set by SQLModel
