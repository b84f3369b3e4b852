"""Who sees who is leaving, and handovers: those who answer for the stores."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from directory.models import Account, Region, Staff, StaffState, Store
from directory.policy import STAFF, accounts_visible_to, in_sight, staff_visible_to
from handover.events import AlertEvent
from handover.models import Alert, Handover, HandoverAccount, HandoverItem
from kernel import feed
from kernel.actor import Actor, Role
from kernel.errors import Forbidden

_MANAGERS = (Role.STORE_MANAGER, Role.REGIONAL_MANAGER, Role.HQ, Role.SYSTEM)


def departures_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Managers see the leavers of the stores they answer for, but never themselves; guides and machines see none."""
    if actor.role not in _MANAGERS:
        return and_(col(Staff.brand_id) == actor.brand_id, false())
    return and_(staff_visible_to(actor), col(Staff.state) == StaffState.LEAVING, col(Staff.id) != actor.id)


def handovers_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Managers see the handovers of accounts of the stores they answer for; nobody sees their own.

    Of somebody who never had an account those who answer for where they work see it: HQ always.
    """
    ours = col(Handover.brand_id) == actor.brand_id
    if actor.role not in _MANAGERS:
        return and_(ours, false())
    its = exists().where(
        col(HandoverAccount.brand_id) == col(Handover.brand_id), col(HandoverAccount.handover_id) == col(Handover.id)
    )
    touched = its.where(in_sight(actor, col(HandoverAccount.brand_id), col(HandoverAccount.store_id)))
    there = and_(~its, in_sight(actor, col(Handover.brand_id), col(Handover.store_id)))
    return and_(ours, or_(touched, there), not_own(actor))


def part_visible_to(actor: Actor, brand_id: Any, *account_ids: Any) -> ColumnElement[bool]:
    """Of a handover in sight: what goes from, or to, an account of a store that the actor answers for."""
    ours: ColumnElement[bool] = brand_id == actor.brand_id
    if actor.role not in (Role.REGIONAL_MANAGER, Role.STORE_MANAGER):
        return ours
    theirs = select(col(Account.id)).where(accounts_visible_to(actor))
    return and_(ours, or_(*(account_id.in_(theirs) for account_id in account_ids)))


def items_visible_to(actor: Actor) -> ColumnElement[bool]:
    """The relationships of a handover in sight that a manager answers for: of others not even the ids."""
    item = HandoverItem
    return part_visible_to(actor, col(item.brand_id), col(item.from_account_id), col(item.to_account_id))


def not_own(actor: Actor) -> ColumnElement[bool]:
    """Whoever is handed over themselves neither sees it nor decides on it, whatever their role."""
    if actor.staff_id is None:
        return true()
    return or_(col(Handover.staff_id).is_(None), col(Handover.staff_id) != actor.staff_id)


def alerts_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Store managers see those about their guides, regional managers also those about store managers, HQ all.

    Nobody sees one about themselves, and guides and machines see none.
    """
    ours = and_(col(Alert.brand_id) == actor.brand_id, col(Alert.staff_id) != actor.id)
    match actor.role:
        case Role.HQ | Role.SYSTEM:
            return ours
        case Role.REGIONAL_MANAGER | Role.STORE_MANAGER:
            below = (Role.GUIDE,) if actor.role is Role.STORE_MANAGER else (Role.GUIDE, Role.STORE_MANAGER)
            there = in_sight(actor, col(Alert.brand_id), col(Alert.store_id))
            return and_(ours, there, col(Alert.role).in_(below))
        case _:
            return and_(ours, false())


async def alerts_seen_by(session: AsyncSession, brand_id: UUID, events: Sequence[AlertEvent]) -> list[feed.Entry]:
    """Whoever is to look into it is told to look again at somebody; never the one whom it is about.

    A phone keeps no copy of alerts. The managers of a store hear of their guide; those above hear of themselves.
    """
    entries: list[feed.Entry] = []
    for event in events:
        found = await session.execute(
            select(col(Alert.role), col(Alert.store_id), col(Staff.version))
            .join(Staff, and_(col(Staff.brand_id) == col(Alert.brand_id), col(Staff.id) == col(Alert.staff_id)))
            .where(col(Alert.brand_id) == brand_id, col(Alert.id) == event.alert_id)
        )
        row = found.one()
        if row.role is Role.GUIDE:
            entries.append(feed.Entry(feed.of_desk(row.store_id), STAFF, event.staff_id, row.version))
            continue
        above = await session.execute(_above(brand_id, row.role, row.store_id).where(col(Staff.id) != event.staff_id))
        entries += [feed.Entry(feed.of_staff(key), STAFF, key, version) for key, version in above]
    return entries


def _above(brand_id: UUID, role: Role, store_id: UUID | None) -> Select[UUID, int]:
    """Who answers for a store manager: the regional managers over the store; and for those above stores: HQ."""
    people = select(col(Staff.id), col(Staff.version)).where(col(Staff.brand_id) == brand_id).order_by(col(Staff.id))
    if role is not Role.STORE_MANAGER:
        return people.where(col(Staff.role) == Role.HQ)
    theirs, around = aliased(Region), aliased(Region)
    return (
        people.join(theirs, and_(col(theirs.brand_id) == brand_id, col(theirs.id) == col(Staff.region_id)))
        .join(Store, and_(col(Store.brand_id) == brand_id, col(Store.id) == store_id))
        .join(around, and_(col(around.brand_id) == brand_id, col(around.id) == col(Store.region_id)))
        .where(
            col(Staff.role) == Role.REGIONAL_MANAGER,
            func.substr(col(around.path), 1, func.length(col(theirs.path))) == col(theirs.path),
        )
    )


def require_manager(actor: Actor) -> None:
    """Handovers are started, changed, and approved by those who answer for the stores; these are in sight already."""
    if actor.role not in _MANAGERS:
        raise Forbidden
