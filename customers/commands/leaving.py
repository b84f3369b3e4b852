"""Let people and stores go, knowing what they still hold: the directory can't, which knows no customers."""

from uuid import UUID

from customers.queries import relationships
from directory import commands as directory
from directory.models import Staff, Store
from directory.queries import staff, stores
from kernel.actor import Role
from kernel.work import Work


async def close_access(work: Work, staff_id: UUID, *, expected_version: int | None = None) -> Staff:
    """Shut somebody out at once: leaving while they hold a relationship, departed if they hold none.

    Raises `NOT_FOUND`, `FORBIDDEN`, `OWN_ACCESS`, `STALE_VERSION`, `ACCESS_CLOSED`.
    """
    holds = await _held_by(work, staff_id)
    return await directory.close_access(work, staff_id, holds=holds, expected_version=expected_version)


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
