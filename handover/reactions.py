"""What follows for handovers when something happens below."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from customers.events import DepartureReported, PhoneRevealed, ReachLost
from handover.commands import departing, watching
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
    ReachLost: AlertKind.DELETIONS,
    TagsTakenOff: AlertKind.DELETIONS,
}


async def watch(work: Work, events: Sequence[Any]) -> None:
    """Ask for the job that warns managers, where what was done in this commit crosses the line."""
    if not work.actor.is_staff:
        return
    # Nearly always it doesn't, and a job costs more than looking.
    brand_id, at = work.actor.brand_id, clock.now()
    for kind, staff_id in sorted({(WATCHED[type(event)], event.actor_id) for event in events}):
        found = await queries.doing(work.session, brand_id, staff_id, kind, at)
        if found is None or not found.is_too_much:
            continue
        if await queries.raised_since(work.session, brand_id, staff_id, kind, found.since) is None:
            work.requests.append(jobs.Request(watching.RAISE, {"staff_id": str(staff_id), "kind": kind.value}))


def on_departure_reported(event: DepartureReported) -> jobs.Request:
    """What they hold is to go to others."""
    return jobs.Request(departing.PREPARE, {"staff_id": str(event.staff_id), "version": event.version})


async def prepare(work: Work, staff_id: str, version: int) -> None:
    await departing.prepare(work, UUID(staff_id), version)


async def raise_alert(work: Work, staff_id: str, kind: str) -> None:
    await watching.raise_alert(work, UUID(staff_id), AlertKind(kind))
