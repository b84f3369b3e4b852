"""Move what a handover moves, chunk by chunk: each is one transaction, short, and complete in itself."""

from collections.abc import Sequence
from uuid import UUID

from customers import commands as customers
from customers.commands.moving import Move
from customers.models import HoldingReason
from customers.queries import relationships
from directory import commands as directory
from directory.models import StaffState
from directory.queries import staff
from handover.commands import noting, shutting, succeeding, undoing
from handover.commands.leasing import MOVE, hold, hold_beside
from handover.commands.settling import SETTLE
from handover.commands.welcoming import WELCOME
from handover.models import Handover, HandoverKind
from handover.queries import moving as queries
from handover.queries import partner, wearers
from kernel import clock
from kernel.work import Work
from mall import commands as mall
from tagging import commands as tagging
from tagging.commands import Wearer
from tasks import commands as tasks
from tasks.commands import campaigns

__all__ = ["MOVE", "SETTLE", "carry_tags", "finish", "move_chunk", "move_rest"]

MOST_OF_THE_REST = 500


async def move_chunk(work: Work, handover_id: UUID, token: UUID, turns: Sequence[queries.Turn]) -> None:
    """Let these relationships go where the plan says, with their open tasks and open orders.

    Whose turn has come already is passed over; what the leaver doesn't hold any more stays where it is, and is noted
    as elsewhere. A takeover guide who can't take it any more: the store's public account does. Raises `LeaseLost`.
    """
    handover = await hold_beside(work, handover_id, token)
    if handover.undoes_id is not None:
        await undoing.give_back(work, handover, turns)
        return
    if handover.kind is HandoverKind.CLOSING:
        await succeeding.succeed(work, handover, turns)
        return
    moved = await customers.move_many(
        work,
        [Move(turn.relationship_id, turn.from_account_id, turn.to_account_id) for turn in turns],
        reason=HoldingReason.HANDOVER,
        by_actor_id=handover.approved_by_id or work.actor.id,
    )
    keepers = {each.relationship_id: each.to_account_id for each in moved}
    await tasks.move_open_many(work, keepers)
    await mall.move_serving_many(work, keepers)
    await noting.note_moved(work, handover, moved)
    await noting.note_elsewhere(
        work, handover, [each.relationship_id for each in turns if each.relationship_id not in keepers]
    )


async def carry_tags(work: Work, handover_id: UUID, token: UUID, rows: Sequence[wearers.WearerRow]) -> None:
    """Let customers who have moved wear a tag of the takeover guide's own for each of the leaver's own.

    Beyond how many tags a person may have, none: the handover's ledger names what was left out. Raises `LeaseLost`.
    """
    handover = await hold_beside(work, handover_id, token)
    change = tagging.carry_over if handover.undoes_id is None else tagging.take_back
    await change(work, [Wearer(row.customer_id, row.tag_id, row.to_staff_id) for row in rows])


async def move_rest(work: Work, handover_id: UUID, token: UUID) -> int:
    """Give the managers' desk up to 500 of the open tasks that are about no customer; says how many.

    Nothing is forgotten: what isn't bound to a relationship has no takeover guide. For campaigns that wait for their
    time, and whose author leaves the brand, whoever approved the handover answers then. Raises `LeaseLost`.
    """
    handover = await hold(work, handover_id, token)
    if handover.undoes_id is not None:
        return await undoing.give_back_rest(work, handover, MOST_OF_THE_REST)
    if handover.kind is HandoverKind.CLOSING:
        return 0  # there is no desk to give it to
    accounts = [each.account_id for each in await queries.accounts(work.session, handover.brand_id, handover.id)]
    if moved := await tasks.move_rest(work, accounts, MOST_OF_THE_REST):
        return moved
    if handover.kind is not HandoverKind.RESIGNATION or handover.staff_id is None or handover.approved_by_id is None:
        return 0
    return await campaigns.pass_on(work, handover.staff_id, handover.approved_by_id, MOST_OF_THE_REST)


async def finish(work: Work, handover_id: UUID, token: UUID) -> bool:
    """End the moving, if nothing is left to move; says whether that is so. Raises `LeaseLost`.

    What the partner has to do about it comes next, if there is one. Whoever was leaving, and is shut out, has departed.
    """
    handover = await hold(work, handover_id, token)
    accounts = [each.account_id for each in await queries.accounts(work.session, handover.brand_id, handover.id)]
    # Locked before the look: whoever would give them a relationship now waits, and finds them gone.
    owners = await staff.lock_owners(work.session, handover.brand_id, accounts)
    if await queries.is_anything_pending(work.session, handover.brand_id, handover.id):
        return False
    if handover.undoes_id is None and not await _is_empty_handed(work, handover):
        return False
    is_tied = await partner.is_tied(work.session, handover.brand_id)
    handover.have_moved(clock.now(), is_settled=not is_tied)
    handover.release()
    if is_tied:
        work.later(SETTLE, handover_id=str(handover.id))
    if handover.undoes_id is None:
        work.later(WELCOME, handover_id=str(handover.id))
    for person in {owner.id: owner for owner in owners.values()}.values():
        if person.state is StaffState.LEAVING:
            await work.session.flush()
            if await relationships.count_held_by(work.session, handover.brand_id, person.id) == 0:
                await directory.depart(work, person)
    return True


async def _is_empty_handed(work: Work, handover: Handover) -> bool:
    """Whether its accounts hold nothing any more; a store that closes does so then."""
    if handover.kind is HandoverKind.CLOSING:
        return await shutting.finish(work, handover)
    left = queries.still_held(handover.brand_id, handover.id).limit(1)
    return (await work.session.execute(left)).first() is None
