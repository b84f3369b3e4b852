"""Who sees which stores and people: the sight that the other domains build on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, bindparam, false, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.errors import OwnAccess
from directory.events import CoverEvent, RegionEvent, StaffEvent, StaffMoved, StoreEvent
from directory.models import Account, Cover, Region, Staff, StaffState, Store
from kernel import feed
from kernel.actor import Actor, Role, Scope
from kernel.db import OneOf
from kernel.errors import Forbidden

STORE = "store"
STAFF = "staff"


def regions_under(actor: Actor) -> Select[UUID]:
    """The ids of a regional manager's region and of all below it."""
    return select(col(Region.id)).where(
        col(Region.brand_id) == actor.brand_id,
        col(Region.path).startswith(actor.region_path or "\x00", autoescape=True),
    )


def stores_under(actor: Actor) -> Select[UUID]:
    """The ids of the stores that a manager answers for."""
    stores = select(col(Store.id)).where(col(Store.brand_id) == actor.brand_id)
    if actor.role is Role.REGIONAL_MANAGER:
        return stores.where(col(Store.region_id).in_(regions_under(actor)))
    return stores.where(col(Store.id) == actor.store_id)


def in_sight(actor: Actor, brand_id: Any, store_id: Any) -> ColumnElement[bool]:
    """Rows of the actor's brand, and for staff below HQ of the stores they work in or answer for."""
    ours: ColumnElement[bool] = brand_id == actor.brand_id
    match actor.role:
        case Role.HQ | Role.SERVICE | Role.SYSTEM:
            return ours
        case Role.REGIONAL_MANAGER:
            return and_(ours, store_id.in_(stores_under(actor)))
        case Role.STORE_MANAGER | Role.GUIDE:
            # One store: said plainly, so that the index on it serves.
            return and_(ours, store_id == actor.store_id) if actor.store_id else and_(ours, false())


def stores_visible_to(actor: Actor) -> ColumnElement[bool]:
    return in_sight(actor, col(Store.brand_id), col(Store.id))


def accounts_visible_to(actor: Actor) -> ColumnElement[bool]:
    return in_sight(actor, col(Account.brand_id), col(Account.store_id))


def staff_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Colleagues of the stores in sight; a regional manager also sees who works over those regions.

    Stores, regions and accounts are open to any machine of the brand, which names them; people are not.
    """
    if not actor.may(Scope.DIRECTORY_READ, Scope.DIRECTORY_WRITE):
        return and_(col(Staff.brand_id) == actor.brand_id, false())
    of_stores = in_sight(actor, col(Staff.brand_id), col(Staff.store_id))
    own = and_(col(Staff.brand_id) == actor.brand_id, col(Staff.id) == actor.id)
    if actor.role is Role.REGIONAL_MANAGER:
        over = and_(col(Staff.brand_id) == actor.brand_id, col(Staff.region_id).in_(regions_under(actor)))
        return or_(of_stores, over, own)
    return or_(of_stores, own)


def covers_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Managers see the covers of the stores they answer for; everybody sees those that they are part of."""
    ours = col(Cover.brand_id) == actor.brand_id
    if actor.role in (Role.GUIDE, Role.SERVICE):
        return and_(ours, or_(col(Cover.staff_id) == actor.id, col(Cover.delegate_id) == actor.id))
    return in_sight(actor, col(Cover.brand_id), col(Cover.store_id))


def unspoken(actor: Actor) -> ColumnElement[bool]:
    """Of whom the actor doesn't read that they are leaving, as long as they still work here.

    Guides read it of nobody, and nobody of themselves: a brand that tells a leaver does so in words of its own.
    """
    quiet = and_(col(Staff.state) == StaffState.LEAVING, col(Staff.access_closed_at).is_(None))
    return quiet if actor.role is Role.GUIDE else and_(quiet, col(Staff.id) == actor.id)


def serves() -> ColumnElement[bool]:
    """As `Staff.serves` says: that somebody still works here, be it that they are leaving."""
    return and_(col(Staff.state) != StaffState.DEPARTED, col(Staff.access_closed_at).is_(None))


def regions_visible_to(actor: Actor) -> ColumnElement[bool]:
    """HQ sees the tree, a regional manager their part of it, the others the region of their store."""
    ours = col(Region.brand_id) == actor.brand_id
    match actor.role:
        case Role.HQ | Role.SERVICE | Role.SYSTEM:
            return ours
        case Role.REGIONAL_MANAGER:
            return and_(ours, col(Region.id).in_(regions_under(actor)))
        case Role.STORE_MANAGER | Role.GUIDE:
            region = select(col(Store.region_id)).where(
                col(Store.brand_id) == actor.brand_id, col(Store.id) == actor.store_id
            )
            return and_(ours, col(Region.id).in_(region))


def require_may_arrange(actor: Actor) -> None:
    """Regions and stores are arranged by HQ, by regional managers within what they see, and by machines that may."""
    if actor.role not in (Role.HQ, Role.SYSTEM, Role.REGIONAL_MANAGER) and not _may_write(actor):
        raise Forbidden


def require_headquarters(actor: Actor) -> None:
    """What holds for the whole brand is said by headquarters, and by the product's own commands."""
    if actor.role not in (Role.HQ, Role.SYSTEM):
        raise Forbidden


def require_above(actor: Actor, region: Region) -> None:
    """A regional manager changes what is below their region, not the region itself."""
    require_may_arrange(actor)
    if actor.role is Role.REGIONAL_MANAGER and region.path == actor.region_path:
        raise Forbidden


def require_may_appoint(actor: Actor, role: Role, region: Region | None) -> None:
    """HQ appoints anybody, a regional manager whoever works below them, a store manager guides, a machine all but HQ.

    `region` is the one that a regional manager is to answer for, or does. The place is in sight already.
    """
    match actor.role:
        case Role.HQ | Role.SYSTEM:
            return
        case Role.REGIONAL_MANAGER if role in (Role.GUIDE, Role.STORE_MANAGER):
            return
        case Role.REGIONAL_MANAGER if role is Role.REGIONAL_MANAGER and region and region.path != actor.region_path:
            return
        case Role.STORE_MANAGER if role is Role.GUIDE:
            return
        case Role.SERVICE if role is not Role.HQ and _may_write(actor):
            return
    raise Forbidden


def require_may_cover(actor: Actor) -> None:
    """Who is covered by whom is said by those who answer for the store; the people are in sight already."""
    if actor.role not in (Role.STORE_MANAGER, Role.REGIONAL_MANAGER, Role.HQ, Role.SYSTEM):
        raise Forbidden


def require_other(actor: Actor, staff_id: UUID) -> None:
    """Nobody changes their own role, or closes their own access."""
    if actor.staff_id == staff_id:
        raise OwnAccess


@dataclass(frozen=True, slots=True)
class Watchers:
    """The feeds that hear of what an account holds: its owner's, if it has one, and the managers' desk."""

    own: UUID | None
    desk: UUID

    def entries(self, entity_type: str, entity_id: UUID, version: int, op: feed.Op = feed.Op.PUT) -> list[feed.Entry]:
        """The entity's present state is news for all of them."""
        feeds = [self.desk] if self.own is None else [self.own, self.desk]
        return [feed.Entry(feed_id, entity_type, entity_id, version, op) for feed_id in feeds]


# Made once: it goes with nearly everything that is written.
_OWNERS = select(col(Account.id), col(Account.staff_id), col(Account.store_id)).where(
    col(Account.brand_id) == bindparam("brand_id"), OneOf(col(Account.id), "account_ids")
)


async def watchers(session: AsyncSession, brand_id: UUID, account_ids: Iterable[UUID]) -> dict[UUID, Watchers]:
    """Who hears of what these accounts hold."""
    found = await session.execute(_OWNERS, {"brand_id": brand_id, "account_ids": sorted(set(account_ids))})
    return {
        account_id: Watchers(own=feed.of_staff(staff_id) if staff_id else None, desk=feed.of_desk(store_id))
        for account_id, staff_id, store_id in found
    }


async def headquarters(session: AsyncSession, brand_id: UUID) -> list[UUID]:
    """The feeds of everybody at headquarters.

    Also of who may not sign in at present: should they come back, their phone goes on from where it was.
    """
    found = await session.scalars(
        select(col(Staff.id)).where(col(Staff.brand_id) == brand_id, col(Staff.role) == Role.HQ).order_by(col(Staff.id))
    )
    return [feed.of_staff(staff_id) for staff_id in found]


async def seen_by_nobody(session: AsyncSession, brand_id: UUID, events: Sequence[RegionEvent]) -> list[feed.Entry]:
    """The tree is no news to a phone: it is read when a page shows it."""
    return []


async def store_seen_by(session: AsyncSession, brand_id: UUID, events: Sequence[StoreEvent]) -> list[feed.Entry]:
    """Everybody who works in the store, and its managers' desk."""
    return [
        feed.Entry(feed_id, STORE, event.store_id, event.version)
        for event in events
        for feed_id in _of_place(event.store_id)
    ]


async def staff_seen_by(session: AsyncSession, brand_id: UUID, events: Sequence[StaffEvent]) -> list[feed.Entry]:
    """The person, their colleagues and the desk; those whom the person leaves behind forget them."""
    entries: list[feed.Entry] = []
    for event in events:
        left = event.from_store_id if isinstance(event, StaffMoved) else None
        if left != event.store_id:
            entries += [
                feed.Entry(feed_id, STAFF, event.staff_id, event.version, feed.Op.DEL) for feed_id in _of_place(left)
            ]
        feeds = [feed.of_staff(event.staff_id), *_of_place(event.store_id)]
        entries += [feed.Entry(feed_id, STAFF, event.staff_id, event.version) for feed_id in feeds]
    return entries


async def covers_seen_by(session: AsyncSession, brand_id: UUID, events: Sequence[CoverEvent]) -> list[feed.Entry]:
    """The two people, and the managers' desk: of whoever is away.

    A phone keeps no copy of covers, and asks for them anew when it is told of its owner. What the delegate sees from
    then on, or no more, isn't told by entries: they follow other feeds, so that their phone starts over.
    """
    people = {person for event in events for person in (event.staff_id, event.delegate_id)}
    found = await session.execute(
        select(col(Staff.id), col(Staff.version)).where(col(Staff.brand_id) == brand_id, col(Staff.id).in_(people))
    )
    versions: dict[UUID, int] = dict(found.all())
    told = [
        (feed_id, person)
        for event in events
        for feed_id, person in (
            (feed.of_staff(event.staff_id), event.staff_id),
            (feed.of_staff(event.delegate_id), event.delegate_id),
            (feed.of_desk(event.store_id), event.staff_id),
        )
    ]
    return [feed.Entry(feed_id, STAFF, person, versions[person]) for feed_id, person in told]


def _may_write(actor: Actor) -> bool:
    return actor.role is Role.SERVICE and Scope.DIRECTORY_WRITE in actor.scopes


def _of_place(store_id: UUID | None) -> list[UUID]:
    return [feed.of_store(store_id), feed.of_desk(store_id)] if store_id else []
