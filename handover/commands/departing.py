"""What a departure means for handovers: one that isn't approved yet ends when somebody stays or comes back."""

from uuid import UUID

from directory import commands as directory
from directory.models import Staff
from handover.errors import HandoverInFlight
from handover.models import HandoverState
from handover.queries import departures
from kernel import clock
from kernel.work import Work


async def withdraw_leaving(work: Work, staff_id: UUID, *, expected_version: int | None = None) -> Staff:
    """Let somebody stay after all whose access was not closed yet; a draft of their handover is cancelled.

    Raises `NOT_FOUND`, `FORBIDDEN`, `OWN_ACCESS`, `STALE_VERSION`, `ACCESS_CLOSED`, `NOT_LEAVING`,
    `HANDOVER_IN_FLIGHT` once it is approved.
    """
    person = await directory.withdraw_leaving(work, staff_id, expected_version=expected_version)
    await _call_off(work, person)
    return person


async def reopen_access(work: Work, staff_id: UUID, *, expected_version: int | None = None) -> Staff:
    """Take a leave back, or hire somebody again; a draft of their handover is cancelled.

    What has gone to others stays with them. Raises as `directory.commands.reopen_access` does, and
    `HANDOVER_IN_FLIGHT` while a handover of theirs is approved or under way.
    """
    person = await directory.reopen_access(work, staff_id, expected_version=expected_version)
    await _call_off(work, person)
    return person


async def _call_off(work: Work, person: Staff) -> None:
    handover = await departures.lock_in_flight(work.session, person.brand_id, person.id)
    if handover is None:
        return
    if handover.state is not HandoverState.DRAFT:
        raise HandoverInFlight
    handover.cancel(clock.now())
