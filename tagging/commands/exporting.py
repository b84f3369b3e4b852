"""Write down who takes customers away as a file."""

from uuid import UUID

from kernel import audit
from kernel.work import Work
from tagging.events import MembersExported
from tagging.queries.exporting import EXPORTED


async def note_export(work: Work, segment_id: UUID) -> None:
    """Note that the members of a segment go out as a file; `exporting.begin` has said whether they may."""
    await audit.write(work.session, work.actor, EXPORTED, "segment", segment_id)
    work.record(MembersExported(actor_id=work.actor.id))
