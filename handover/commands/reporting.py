"""Write down who takes the report of a handover away as a file."""

from uuid import UUID

from handover.events import ReportExported
from handover.queries.report import EXPORTED
from kernel import audit
from kernel.work import Work


async def note_export(work: Work, handover_id: UUID) -> None:
    """Note that a report goes out as a file; making it has said whether it may."""
    await audit.write(work.session, work.actor, EXPORTED, "handover", handover_id)
    work.record(ReportExported(actor_id=work.actor.id))
