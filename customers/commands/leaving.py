"""Let people and stores go, knowing what they still hold: the directory can't, which knows no customers."""

from datetime import date
from uuid import UUID

from customers.events import DepartureReported
from customers.queries import relationships
from directory import commands as directory
from directory.models import Staff, StaffState, Store
from directory.queries import staff, stores
from kernel import clock
from kernel.actor import Role
from kernel.work import Work


async def close_access(work: Work, staff_id: UUID, *, expected_version: int | None = None) -> Staff:
    """Shut somebody out at once: leaving while they hold a relationship, departed if they hold none.

    Raises `NOT_FOUND`, `FORBIDDEN`, `OWN_ACCESS`, `STALE_VERSION`, `ACCESS_CLOSED`.
    """
    holds = await _held_by(work, staff_id)
    return await directory.close_access(work, staff_id, holds=holds, expected_version=expected_version)


async def report_leaving(
    work: Work, staff_id: UUID, *, last_day: date | None = None, has_left: bool = False
) -> Staff | None:
    """Note what the staff file or the partner says: somebody is leaving, or has left, and then is shut out.

    Without a last day the one that is known stays; one that is over is the same as having left. Returns nothing if
    all of it is known. Raises `INVALID` for a last day over a year ahead.
    """
    person = await staff.lock(work.session, work.actor, staff_id)
    if not person.serves:
        return None
    today = clock.store_day(clock.now(), await staff.zone_of(work.session, person))
    before, was_at_work, last_day = person.version, person.state is StaffState.ACTIVE, last_day or person.last_day
    has_left = has_left or (last_day is not None and last_day < today)
    if not has_left or was_at_work:
        await directory.begin_leaving(work, staff_id, last_day=None if has_left else last_day)
    if has_left:
        await close_access(work, staff_id)
    if person.version == before:
        return None
    if was_at_work or has_left:
        work.record(DepartureReported(staff_id=person.id, version=person.version))
    return person


async def close_after_last_day(work: Work, staff_id: UUID) -> bool:
    """Shut out whoever has had their last day where they work; says whether they had, and were not shut out before."""
    person = await staff.lock(work.session, work.actor, staff_id)
    today = clock.store_day(clock.now(), await staff.zone_of(work.session, person))
    if not person.serves or person.last_day is None or person.last_day >= today:
        return False
    await close_access(work, staff_id)
    return True


async def move_staff(
    work: Work,
    staff_id: UUID,
    *,
    role: Role,
    store_id: UUID | None = None,
    region_id: UUID | None = None,
    expected_version: int | None = None,
) -> Staff:
    """Give somebody another role or place, once they hold no relationship.

    Raises as `directory.commands.move_staff` does.
    """
    holds = await _held_by(work, staff_id)
    return await directory.move_staff(
        work,
        staff_id,
        role=role,
        store_id=store_id,
        region_id=region_id,
        holds=holds,
        expected_version=expected_version,
    )


async def close_store(work: Work, store_id: UUID, *, expected_version: int | None = None) -> Store:
    """Close a store that owns no relationship any more.

    Raises as `directory.commands.close_store` does.
    """
    # Locked before the count: whoever would bring a relationship in now waits for us, and then finds it closed.
    store = await stores.lock(work.session, work.actor, store_id)
    holds = await relationships.count_of_store(work.session, store.brand_id, store.id)
    return await directory.close_store(work, store_id, holds=holds, expected_version=expected_version)


async def _held_by(work: Work, staff_id: UUID) -> int:
    # Locked before the count: whoever would give them a relationship now waits for us, and then finds them gone.
    person = await staff.lock(work.session, work.actor, staff_id)
    return await relationships.count_held_by(work.session, person.brand_id, person.id)
