"""What follows for handovers when something happens below."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from customers.events import DepartureReported, PhoneRevealed, ReachLost
from directory.queries import accounts
from handover.commands import departing, watching
from handover.events import ContactDeleted, PartnerMemberLeft, ReportExported
from handover.models import AlertKind
from handover.queries import watching as queries
from kernel import clock, jobs
from kernel.work import Work
from mall.events import CommissionExported
from tagging.events import MembersExported, TagsTakenOff

WATCHED: dict[type, AlertKind] = {
    PhoneRevealed: AlertKind.REVEALS,
    MembersExported: AlertKind.EXPORTS,
    CommissionExported: AlertKind.EXPORTS,
    ReportExported: AlertKind.EXPORTS,
    ReachLost: AlertKind.DELETIONS,
    TagsTakenOff: AlertKind.DELETIONS,
}


async def watch(work: Work, events: Sequence[Any]) -> None:
    """Ask for the job that warns managers, where what was done in this commit crosses the line."""
    if work.actor.is_staff:
        await _look(work, {(WATCHED[type(event)], event.actor_id) for event in events})


async def watch_contacts(work: Work, events: Sequence[ContactDeleted]) -> None:
    """The same for contacts that somebody deleted at the partner, who tells of it."""
    account_ids = sorted({event.account_id for event in events})
    found = await accounts.owners_of(work.session, work.actor.brand_id, account_ids)
    await _look(work, {(AlertKind.DELETIONS, staff_id) for staff_id in found.values()})


async def _look(work: Work, done: Collection[tuple[AlertKind, UUID]]) -> None:
    # Nearly always it is within the line, and a job costs more than looking.
    brand_id, at = work.actor.brand_id, clock.now()
    for kind, staff_id in sorted(done):
        found = await queries.doing(work.session, brand_id, staff_id, kind, at)
        if found is None or not found.is_too_much:
            continue
        if await queries.raised_since(work.session, brand_id, staff_id, kind, found.since) is None:
            work.requests.append(jobs.Request(watching.RAISE, {"staff_id": str(staff_id), "kind": kind.value}))


def on_departure_reported(event: DepartureReported) -> jobs.Request:
    """What they hold is to go to others."""
    return jobs.Request(departing.PREPARE, {"staff_id": str(event.staff_id), "version": event.version})


def on_member_left(event: PartnerMemberLeft) -> jobs.Request:
    """Who has left at the partner is leaving here."""
    return jobs.Request(departing.NOTE_LEFT, {"staff_id": str(event.staff_id)})


async def note_left(work: Work, staff_id: str) -> None:
    await departing.note_left(work, UUID(staff_id))


async def prepare(work: Work, staff_id: str, version: int) -> None:
    await departing.prepare(work, UUID(staff_id), version)


async def raise_alert(work: Work, staff_id: str, kind: str) -> None:
    await watching.raise_alert(work, UUID(staff_id), AlertKind(kind))
