"""What a departure means for handovers: one is drafted when others say so, and called off when somebody stays."""

from contextlib import suppress
from uuid import UUID

from customers import commands as customers
from customers.queries import relationships
from directory import commands as directory
from directory.models import Staff, StaffState
from directory.queries import staff
from handover.commands.managers import ask_managers
from handover.commands.starting import start
from handover.errors import HandoverInFlight
from handover.models import HandoverKind, HandoverState, Strategy
from handover.queries import departures
from kernel import audit, clock
from kernel.work import Work
from tasks.models import Task

PREPARE = "handover.prepare"
NOTE_LEFT = "handover.note_left"
_TITLES = {False: "{name} 即将离职，请确认交接方案", True: "{name} 已离职，请确认交接方案"}
_REASON = "名下还有 {count} 位顾客，需要交接给同事。"


async def prepare(work: Work, staff_id: UUID, version: int) -> Task | None:
    """Draft the handover of a guide who was reported to leave, and have the managers of their store look at it.

    Once for each report, which `version` of the guide stands for. Nothing, where nothing is held; where a handover is
    under way already it is the one to look at.
    """
    person = await staff.lock(work.session, work.actor, staff_id)
    count = await relationships.count_held_by(work.session, person.brand_id, person.id)
    if person.state is not StaffState.LEAVING or person.store_id is None or not count:
        return None
    with suppress(HandoverInFlight):
        async with work.session.begin_nested():
            await start(work, kind=HandoverKind.RESIGNATION, staff_id=person.id, strategy=Strategy.AFFINITY)
    return await ask_managers(
        work,
        person.store_id,
        title=_TITLES[person.access_closed_at is not None].format(name=person.name),
        reason=_REASON.format(count=count),
        source_key=f"departure:{person.id}:{version}",
    )


async def note_left(work: Work, staff_id: UUID) -> None:
    """Take note that somebody is no member of the partner any more: they are leaving, and a handover is drafted.

    Their access stays as it is: whether they still work here is for their managers to say.
    """
    await customers.report_leaving(work, staff_id)
    person = await staff.lock(work.session, work.actor, staff_id)
    await prepare(work, person.id, person.version)


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
    await audit.write(work.session, work.actor, "handover.cancelled", "handover", handover.id)
