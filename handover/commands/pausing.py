"""Stop a handover between two chunks, and let it go on."""

from uuid import UUID

from handover.commands.leasing import MOVE
from handover.models import Handover
from handover.policy import require_manager
from handover.queries import approvals
from kernel import audit
from kernel.errors import require_version
from kernel.work import Work


async def pause(work: Work, handover_id: UUID, *, expected_version: int | None = None) -> Handover:
    """Move nothing more from the commit of this on; what has moved stays where it is.

    For whoever could approve it. Raises `NOT_FOUND`, `FORBIDDEN`, `OWN_HANDOVER`, `STALE_VERSION`, `HANDOVER_MOVED_ON`.
    """
    handover = await _lock(work, handover_id, expected_version)
    handover.pause()
    handover.release()
    await audit.write(work.session, work.actor, "handover.paused", "handover", handover.id)
    return handover


async def resume(work: Work, handover_id: UUID, *, expected_version: int | None = None) -> Handover:
    """Go on from where it was paused; raises as `pause` does."""
    handover = await _lock(work, handover_id, expected_version)
    handover.resume()
    await audit.write(work.session, work.actor, "handover.resumed", "handover", handover.id)
    work.later(MOVE, handover_id=str(handover.id))
    return handover


async def _lock(work: Work, handover_id: UUID, expected_version: int | None) -> Handover:
    require_manager(work.actor)
    handover = await approvals.lock_whole(work.session, work.actor, handover_id)
    require_version(handover, expected_version)
    return handover
