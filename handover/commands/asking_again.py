"""Ask the partner once more, by a person's word: what came to nothing is never asked for again by machine."""

from dataclasses import replace
from uuid import UUID

from handover.commands import attempting
from handover.commands.attempting import Wanted
from handover.commands.preparing import decided, known_of
from handover.commands.settling import SETTLE
from handover.errors import NothingToAskAgain
from handover.models import Handover, HandoverState
from handover.models.settlement import AGAIN
from handover.policy import require_manager
from handover.queries import handovers
from handover.queries import preparing as queries
from kernel.errors import NotFound
from kernel.work import Work


async def ask_again(work: Work, handover_id: UUID, relationship_id: UUID) -> Handover:
    """Begin another attempt for a customer who declined, or who came to nothing otherwise; for managers.

    Whoever holds the relationship by now is asked for. Raises `NOT_FOUND`, `FORBIDDEN`, `HANDOVER_MOVED_ON` before
    everything has moved here, `NOTHING_TO_ASK_AGAIN` while it isn't settled, or where there is no contact to hand over.
    """
    handover = await handovers.lock(work.session, work.actor, handover_id)
    require_manager(work.actor)
    handover.require(HandoverState.SETTLING, HandoverState.DONE)
    row = await queries.moved(work.session, work.actor.brand_id, handover.id, relationship_id)
    if row is None:
        raise NotFound
    if row.there not in AGAIN:
        raise NothingToAskAgain(there=row.there.value)
    verdict = decided(handover, row, await known_of(work, [row]))
    if not isinstance(verdict, Wanted):
        raise NothingToAskAgain(there=verdict.value)
    if not await attempting.begin(work, [replace(verdict, by_staff_id=work.actor.staff_id)]):
        raise NothingToAskAgain(there=row.there.value)
    work.later(SETTLE, handover_id=str(handover.id))
    return handover
