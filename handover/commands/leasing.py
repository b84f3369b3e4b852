"""Let one worker at a time move a handover: whoever was silent for too long finds another one's token, and stops."""

from uuid import UUID

from handover.models import Handover, HandoverState
from handover.queries import moving as queries
from kernel import clock
from kernel.work import Work

MOVE = "handover.move"


class LeaseLost(Exception):
    """Another worker moves the handover by now, or nobody is to: what this one was about to do is rolled back."""


async def take(work: Work, handover_id: UUID, token: UUID) -> bool:
    """Begin, or go on, to move a handover; says whether it is there to be moved, and nobody else is at it."""
    handover = await queries.lock(work.session, work.actor.brand_id, handover_id)
    at = clock.now()
    if handover is None or handover.is_leased(at):
        return False
    if handover.state not in (HandoverState.APPROVED, HandoverState.MOVING):
        return False
    handover.begin_moving()
    handover.lease(token, at)
    return True


async def hold(work: Work, handover_id: UUID, token: UUID) -> Handover:
    """The handover, locked until the commit and leased anew. Raises `LeaseLost` for whoever isn't to go on."""
    handover = await queries.lock(work.session, work.actor.brand_id, handover_id)
    handover = _moved_by(token, handover)
    handover.lease(token, clock.now())
    return handover


async def hold_beside(work: Work, handover_id: UUID, token: UUID) -> Handover:
    """The handover, kept as it is until the commit; other chunks of whoever has the token may be written beside.

    Its lease isn't prolonged. Raises `LeaseLost` for whoever isn't to go on.
    """
    return _moved_by(token, await queries.lock(work.session, work.actor.brand_id, handover_id, is_shared=True))


def _moved_by(token: UUID, handover: Handover | None) -> Handover:
    if handover is None or handover.lease_token != token or handover.state is not HandoverState.MOVING:
        raise LeaseLost
    return handover


async def pass_on(work: Work, handover_id: UUID, token: UUID) -> None:
    """Let go of a handover that isn't finished, and ask for somebody to go on with it."""
    (await hold(work, handover_id, token)).release()
    work.later(MOVE, handover_id=str(handover_id))


async def revive(work: Work, handover_id: UUID) -> bool:
    """Ask for somebody to move a handover that nobody is at any more; says whether that was so."""
    handover = await queries.lock(work.session, work.actor.brand_id, handover_id)
    if handover is None or handover.is_leased(clock.now()):
        return False
    if handover.state not in (HandoverState.APPROVED, HandoverState.MOVING):
        return False
    handover.release()
    work.later(MOVE, handover_id=str(handover_id))
    return True
