"""Hire, rename and move staff."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from directory.commands import covers
from directory.commands.stores import checked_code
from directory.errors import CodeTaken, PlaceMismatch, StillHolds
from directory.events import StaffHired, StaffMoved, StaffRenamed
from directory.models import Account, AccountKind, Assignment, Region, Staff, Store
from directory.policy import require_may_appoint, require_other
from directory.queries import accounts, regions, staff, stores
from kernel import audit, clock, feed, ids
from kernel.actor import Role
from kernel.db import flush_or_refuse
from kernel.errors import require_text, require_version
from kernel.work import Work

LONGEST_NAME = 60


async def hire(
    work: Work,
    *,
    number: str,
    name: str,
    role: Role,
    store_id: UUID | None = None,
    region_id: UUID | None = None,
    password_hash: str | None = None,
) -> Staff:
    """Take somebody on. A guide gets an account in the store.

    Without a password (see `passwords.hashed`) they can't sign in until one is set. Raises `NOT_FOUND`,
    `FORBIDDEN`, `INVALID`, `CODE_TAKEN`, `PLACE_MISMATCH`, `STORE_CLOSED`.
    """
    place = await _place(work, role, store_id, region_id)
    require_may_appoint(work.actor, role, place.region)
    person = Staff(
        brand_id=work.actor.brand_id,
        id=ids.new(),
        number=checked_code("number", number),
        name=require_text("name", name, longest=LONGEST_NAME),
        role=role,
        store_id=store_id,
        region_id=region_id,
        password_hash=password_hash,
        hired_at=clock.now(),
    )
    work.session.add(person)
    await flush_or_refuse(work.session, "number", CodeTaken(value=person.number))
    await feed.open_feeds(work.session, person.brand_id, (feed.of_staff(person.id),))
    await begin_assignment(work, person, person.hired_at)
    work.record(StaffHired(staff_id=person.id, store_id=store_id, version=person.version))
    return person


async def rename(work: Work, staff_id: UUID, *, name: str, expected_version: int | None = None) -> Staff:
    """Correct somebody's name.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `INVALID`.
    """
    person = await staff.lock(work.session, work.actor, staff_id)
    await require_may_manage(work, person)
    require_version(person, expected_version)
    person.name = require_text("name", name, longest=LONGEST_NAME)
    person.version += 1
    work.record(StaffRenamed(staff_id=person.id, store_id=person.store_id, version=person.version))
    return person


async def move_staff(
    work: Work,
    staff_id: UUID,
    *,
    role: Role,
    store_id: UUID | None = None,
    region_id: UUID | None = None,
    holds: int,
    expected_version: int | None = None,
) -> Staff:
    """Give somebody another role or place, from now on; a guide who comes back gets the old account again.

    `holds` is how many relationships they hold; whoever counts them has locked the staff member before.
    Raises `NOT_FOUND`, `FORBIDDEN`, `OWN_ACCESS`, `STALE_VERSION`, `PLACE_MISMATCH`, `STORE_CLOSED`,
    `ACCESS_CLOSED`, `STILL_HOLDS`.
    """
    person = await staff.lock(work.session, work.actor, staff_id)
    require_other(work.actor, person.id)
    await require_may_manage(work, person)
    place = await _place(work, role, store_id, region_id)
    require_may_appoint(work.actor, role, place.region)
    require_version(person, expected_version)
    former = (person.role, person.store_id, person.region_id)
    if former == (role, store_id, region_id):
        return person
    if holds:
        raise StillHolds(count=holds)
    await covers.end_of(work, person)
    person.move(role, store_id, region_id)
    at = clock.now()
    await end_assignment(work, person, at)
    await begin_assignment(work, person, at)
    await audit.write(work.session, work.actor, "staff.moved", "staff", person.id, {"role": role.value})
    work.record(StaffMoved(staff_id=person.id, from_store_id=former[1], store_id=store_id, version=person.version))
    return person


async def require_may_manage(work: Work, person: Staff) -> None:
    """Refuse whoever doesn't stand above the person as they are now."""
    region = await regions.get(work.session, work.actor, person.region_id) if person.region_id else None
    require_may_appoint(work.actor, person.role, region)


async def begin_assignment(work: Work, person: Staff, at: datetime) -> None:
    """Write down where the person works from then on, and give a guide an account there."""
    work.session.add(
        Assignment(
            brand_id=person.brand_id,
            id=ids.new(),
            staff_id=person.id,
            role=person.role,
            store_id=person.store_id,
            region_id=person.region_id,
            starts_at=at,
        )
    )
    if person.role is not Role.GUIDE or person.store_id is None:
        return
    if await accounts.of_staff_in(work.session, person, person.store_id) is None:
        work.session.add(
            Account(
                brand_id=person.brand_id,
                id=ids.new(),
                store_id=person.store_id,
                kind=AccountKind.GUIDE,
                staff_id=person.id,
            )
        )


async def end_assignment(work: Work, person: Staff, at: datetime) -> None:
    """Write down when the person's present work ended."""
    present = await staff.open_assignment(work.session, person)
    if present is not None:
        present.ends_at = at
        await work.session.flush()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where somebody is to work."""

    store: Store | None = None
    region: Region | None = None


async def _place(work: Work, role: Role, store_id: UUID | None, region_id: UUID | None) -> _Place:
    match role:
        case Role.GUIDE | Role.STORE_MANAGER if store_id is not None and region_id is None:
            return _Place(store=await stores.hold_open(work.session, work.actor, store_id))
        case Role.REGIONAL_MANAGER if region_id is not None and store_id is None:
            return _Place(region=await regions.get(work.session, work.actor, region_id))
        case Role.HQ if store_id is None and region_id is None:
            return _Place()
    raise PlaceMismatch
