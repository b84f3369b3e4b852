"""Reads that decide whether a plan may be edited or approved: whose it is, and what it gives to whom."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Account
from directory.policy import in_sight
from directory.queries import stores
from handover.errors import OwnHandover
from handover.models import Handover, HandoverAccount, HandoverItem, HandoverKind
from handover.models.planning.options import options_of
from handover.queries import handovers, seats
from kernel.actor import Actor, Role
from kernel.errors import Forbidden, NotFound


async def lock(session: AsyncSession, actor: Actor, handover_id: UUID) -> Handover:
    """The handover, locked, for whoever may decide on it. Raises `NOT_FOUND`, `OWN_HANDOVER` for the leaver."""
    try:
        handover = await handovers.lock(session, actor, handover_id)
    except NotFound:
        # A manager who is handed over doesn't see it; whoever has its id is told why not.
        own = exists().where(
            col(Handover.brand_id) == actor.brand_id,
            col(Handover.id) == handover_id,
            col(Handover.staff_id) == actor.staff_id,
        )
        if actor.role is not Role.GUIDE and actor.staff_id and await session.scalar(select(own)):
            raise OwnHandover from None
        raise
    if actor.staff_id and await _holds_some(session, actor, handover_id):
        raise OwnHandover
    return handover


async def lock_whole(session: AsyncSession, actor: Actor, handover_id: UUID) -> Handover:
    """The same for whoever answers for all stores that it touches. Raises `NOT_FOUND`, `OWN_HANDOVER`, `FORBIDDEN`."""
    handover = await lock(session, actor, handover_id)
    if not await is_all_in_sight(session, actor, handover):
        raise Forbidden
    return handover


async def _holds_some(session: AsyncSession, actor: Actor, handover_id: UUID) -> bool:
    mine = select(col(Account.id)).where(
        col(Account.brand_id) == actor.brand_id, col(Account.staff_id) == actor.staff_id
    )
    found = exists().where(
        col(HandoverItem.brand_id) == actor.brand_id,
        col(HandoverItem.handover_id) == handover_id,
        col(HandoverItem.from_account_id).in_(mine),
    )
    return bool(await session.scalar(select(found)))


async def is_all_in_sight(session: AsyncSession, actor: Actor, handover: Handover) -> bool:
    """Whether the actor answers for every store that the handover touches, those that take over a store included."""
    if actor.role in (Role.HQ, Role.SYSTEM):
        return True
    beyond = exists().where(
        col(HandoverAccount.brand_id) == actor.brand_id,
        col(HandoverAccount.handover_id) == handover.id,
        ~in_sight(actor, col(HandoverAccount.brand_id), col(HandoverAccount.store_id)),
    )
    if await session.scalar(select(beyond)):
        return False
    taking = options_of(handover.options).store_ids if handover.kind is HandoverKind.CLOSING else ()
    return len(await stores.by_ids(session, actor, taking)) == len(taking)


async def shares(session: AsyncSession, handover: Handover) -> dict[UUID | None, int]:
    """How many relationships go to each account beyond those that are known there; under none, those without one."""
    found = await session.execute(
        select(col(HandoverItem.to_account_id), func.count())
        .where(
            col(HandoverItem.brand_id) == handover.brand_id,
            col(HandoverItem.handover_id) == handover.id,
            col(HandoverItem.is_merged).is_(False),
        )
        .group_by(col(HandoverItem.to_account_id))
    )
    return dict(found.all())


async def items_in_sight(
    session: AsyncSession, actor: Actor, handover_id: UUID, relationship_ids: Sequence[UUID]
) -> dict[UUID, Row[*tuple[Any, ...]]]:
    """The items of these relationships whose store is in sight, each with that store."""
    found = await session.execute(
        select(col(HandoverItem.relationship_id), col(HandoverItem.is_merged), col(Account.store_id))
        .join(
            Account,
            (col(Account.brand_id) == col(HandoverItem.brand_id))
            & (col(Account.id) == col(HandoverItem.from_account_id)),
        )
        .where(
            col(HandoverItem.brand_id) == actor.brand_id,
            col(HandoverItem.handover_id) == handover_id,
            col(HandoverItem.relationship_id).in_(relationship_ids),
            in_sight(actor, col(Account.brand_id), col(Account.store_id)),
        )
    )
    return {row.relationship_id: row for row in found}


async def held_by(session: AsyncSession, brand_id: UUID, staff_ids: Sequence[UUID]) -> dict[UUID, tuple[int, int]]:
    """How many relationships each of them holds, and may hold."""
    held = await seats.held_by_staff(session, brand_id, staff_ids)
    capacities = await seats.capacities_of(session, brand_id, staff_ids)
    return {staff_id: (held.get(staff_id, 0), capacities[staff_id]) for staff_id in staff_ids}
