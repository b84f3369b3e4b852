"""Let people in, and shut them out."""

import asyncio
from datetime import date, timedelta
from uuid import UUID

from directory.commands import covers, passwords, sign_in
from directory.commands.staff import begin_assignment, end_assignment, require_may_manage
from directory.events import (
    PasswordReset,
    StaffAccessClosed,
    StaffAccessReopened,
    StaffDeparted,
    StaffLeaving,
    StaffStays,
)
from directory.models import Staff, StaffState
from directory.policy import require_other
from directory.queries import staff, stores
from kernel import audit, clock
from kernel.errors import Invalid, require_version
from kernel.work import Work

FURTHEST = timedelta(days=366)


async def hashed(password: str) -> str:
    """What is stored of a password of 8 to 128 characters. Slow on purpose: call it with no work open.

    Raises `PASSWORD_LENGTH`.
    """
    return await asyncio.to_thread(passwords.hash_password, password)


async def reset_password(
    work: Work, staff_id: UUID, *, password_hash: str, expected_version: int | None = None
) -> Staff:
    """Set somebody's password (see `hashed`); whoever is signed in as them has to sign in again.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`.
    """
    person = await staff.lock(work.session, work.actor, staff_id)
    await require_may_manage(work, person)
    require_version(person, expected_version)
    person.password_hash = password_hash
    person.version += 1
    await sign_in.end_all_of(work, person.id)
    await audit.write(work.session, work.actor, "staff.password_reset", "staff", person.id)
    work.record(PasswordReset(staff_id=person.id, store_id=person.store_id, version=person.version))
    return person


async def close_access(work: Work, staff_id: UUID, *, holds: int, expected_version: int | None = None) -> Staff:
    """Shut somebody out at once, whatever they hold: they are leaving until that has gone to others.

    `holds` is how many relationships they hold; whoever counts them has locked the staff member before.
    Raises `NOT_FOUND`, `FORBIDDEN`, `OWN_ACCESS`, `STALE_VERSION`, `ACCESS_CLOSED`.
    """
    person = await staff.lock(work.session, work.actor, staff_id)
    require_other(work.actor, person.id)
    await require_may_manage(work, person)
    require_version(person, expected_version)
    person.close_access(clock.now())
    await covers.end_of_delegate(work, person)
    await sign_in.end_all_of(work, person.id)
    await audit.write(work.session, work.actor, "staff.access_closed", "staff", person.id)
    work.record(StaffAccessClosed(staff_id=person.id, store_id=person.store_id, version=person.version))
    if not holds:
        await depart(work, person)
    return person


async def depart(work: Work, person: Staff) -> None:
    """Let somebody who is leaving, and holds nothing any more, be gone. The caller has locked and counted.

    Whoever may still sign in is at work until their access is closed.
    """
    if person.state is not StaffState.LEAVING or person.access_closed_at is None:
        return
    person.depart()
    await covers.end_of(work, person)
    await end_assignment(work, person, clock.now())
    work.record(StaffDeparted(staff_id=person.id, store_id=person.store_id, version=person.version))


async def begin_leaving(
    work: Work, staff_id: UUID, *, last_day: date | None = None, expected_version: int | None = None
) -> Staff:
    """Note that somebody is going to leave: they get no new customers, and may sign in until access is closed.

    That comes by itself when `last_day` is over where they work: today at the earliest, in a year at the latest. Of
    somebody who is leaving already only the last day changes. Raises `NOT_FOUND`, `FORBIDDEN`, `OWN_ACCESS`,
    `STALE_VERSION`, `INVALID`, `ACCESS_CLOSED`.
    """
    person = await staff.lock(work.session, work.actor, staff_id)
    require_other(work.actor, person.id)
    await require_may_manage(work, person)
    require_version(person, expected_version)
    if last_day is not None:
        _require_ahead(last_day, clock.store_day(clock.now(), await staff.zone_of(work.session, person)))
    if not person.begin_leaving(last_day):
        return person
    await covers.end_of_delegate(work, person)
    await audit.write(work.session, work.actor, "staff.leaving", "staff", person.id)
    work.record(StaffLeaving(staff_id=person.id, store_id=person.store_id, version=person.version))
    return person


async def withdraw_leaving(work: Work, staff_id: UUID, *, expected_version: int | None = None) -> Staff:
    """Let somebody stay after all whose access was not closed yet.

    Raises `NOT_FOUND`, `FORBIDDEN`, `OWN_ACCESS`, `STALE_VERSION`, `ACCESS_CLOSED`, `NOT_LEAVING`.
    """
    person = await staff.lock(work.session, work.actor, staff_id)
    require_other(work.actor, person.id)
    await require_may_manage(work, person)
    require_version(person, expected_version)
    person.withdraw_leaving()
    await audit.write(work.session, work.actor, "staff.stays", "staff", person.id)
    work.record(StaffStays(staff_id=person.id, store_id=person.store_id, version=person.version))
    return person


async def hold_again(work: Work, person: Staff) -> None:
    """Let somebody who had departed be leaving again, because what they held comes back. The caller has locked them."""
    if person.state is not StaffState.DEPARTED:
        return
    person.hold_again()
    await begin_assignment(work, person, clock.now())
    work.record(StaffLeaving(staff_id=person.id, store_id=person.store_id, version=person.version))


async def reopen_access(work: Work, staff_id: UUID, *, expected_version: int | None = None) -> Staff:
    """Take a leave back, or hire somebody again, in the same role and place, with the account of old.

    Raises `NOT_FOUND`, `FORBIDDEN`, `OWN_ACCESS`, `STALE_VERSION`, `ACCESS_OPEN`, `STORE_CLOSED`.
    """
    person = await staff.lock(work.session, work.actor, staff_id)
    require_other(work.actor, person.id)
    await require_may_manage(work, person)
    require_version(person, expected_version)
    had_departed = person.state is StaffState.DEPARTED
    person.reopen_access()
    if person.store_id is not None:
        await stores.hold_open(work.session, work.actor, person.store_id)
    if had_departed:
        await begin_assignment(work, person, clock.now())
    await audit.write(work.session, work.actor, "staff.access_reopened", "staff", person.id)
    work.record(StaffAccessReopened(staff_id=person.id, store_id=person.store_id, version=person.version))
    return person


def _require_ahead(last_day: date, today: date) -> None:
    if not today <= last_day <= today + FURTHEST:
        raise Invalid(field="lastDay", reason="from today to a year ahead.", reason_zh="应在今天至一年之内。")
