"""Undo a handover: another one gives back what it moved, except where somebody has acted since."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from customers import commands as customers
from customers.commands.moving import Move
from customers.models import HoldingReason
from customers.queries import relationships
from directory import commands as directory
from directory.models import StaffState
from directory.queries import staff
from handover.commands import giving_back, noting
from handover.commands.leasing import MOVE
from handover.errors import HandoverInFlight
from handover.models import (
    Handover,
    HandoverAccount,
    HandoverItem,
    HandoverKind,
    HandoverState,
    HeldHere,
    ItemReason,
    Strategy,
)
from handover.policy import require_manager
from handover.queries import approvals, undoing
from handover.queries import moving as queries
from handover.queries.moving import Turn
from kernel import audit, bulk, clock, ids
from kernel.db import flush_or_refuse
from kernel.errors import require_version
from kernel.work import Work
from mall import commands as mall
from tasks import commands as tasks

AT_ONCE = 500


async def undo(work: Work, handover_id: UUID, *, expected_version: int | None = None) -> Handover:
    """End a handover, and begin another one that gives back what had moved; returns the one that begins.

    What hadn't moved never does. Whoever had departed is leaving again. Where somebody has acted since, it is kept by
    the takeover guide and listed. A handover that gives back isn't undone itself. For whoever could approve it. Raises
    `NOT_FOUND`, `FORBIDDEN`, `OWN_HANDOVER`, `STALE_VERSION`, `HANDOVER_MOVED_ON`, `UNDO_WINDOW_OVER`,
    `HANDOVER_IN_FLIGHT`.
    """
    require_manager(work.actor)
    handover = await approvals.lock_whole(work.session, work.actor, handover_id)
    require_version(handover, expected_version)
    at = clock.now()
    handover.undo(at)
    handover.release()
    await work.session.flush()
    if await undoing.is_in_flight(work.session, handover):
        raise HandoverInFlight
    back = Handover(
        brand_id=handover.brand_id,
        id=ids.new(),
        kind=handover.kind,
        state=HandoverState.APPROVED,
        staff_id=handover.staff_id,
        store_id=handover.store_id,
        strategy=Strategy.BY_HAND,
        planned_at=at,
        undoes_id=handover.id,
        started_by_id=work.actor.staff_id,
        started_at=at,
        approved_by_id=work.actor.staff_id,
        approved_at=at,
    )
    work.session.add(back)
    await flush_or_refuse(work.session, "handover", HandoverInFlight())
    for each in await queries.accounts(work.session, handover.brand_id, handover.id):
        its = {"brand_id": each.brand_id, "account_id": each.account_id, "store_id": each.store_id}
        work.session.add(HandoverAccount(handover_id=back.id, **its))
    await _hold_again(work, handover)
    await audit.write(work.session, work.actor, "handover.undone", "handover", handover.id)
    work.later(MOVE, handover_id=str(back.id))
    return back


async def gather(work: Work, handover: Handover) -> int:
    """Write down up to 500 of the relationships that are to go back; says how many. The handover is locked."""
    rows = await undoing.to_give_back(work.session, handover, AT_ONCE)
    lines = [
        HandoverItem(
            brand_id=handover.brand_id,
            handover_id=handover.id,
            relationship_id=row.relationship_id,
            from_account_id=row.to_account_id,
            to_account_id=row.from_account_id,
            reason=ItemReason.GIVEN_BACK,
        ).model_dump()
        for row in rows
    ]
    await bulk.insert_rows(work.session, HandoverItem, lines)
    return len(lines)


async def give_back(work: Work, handover: Handover, turns: Sequence[Turn]) -> None:
    """Let these relationships go back with their open tasks and orders, where nobody has acted since."""
    asked = [turn.relationship_id for turn in turns]
    if handover.kind is HandoverKind.CLOSING:
        await _reopen(work, handover, asked)
        return
    # Locked before the look: who acts now waits, and acts for whoever holds it then.
    await relationships.lock_many(work.session, handover.brand_id, asked)
    acted = await undoing.acted_since(work.session, handover, asked)
    moved = await customers.move_many(
        work,
        [
            Move(turn.relationship_id, turn.from_account_id, turn.to_account_id)
            for turn in turns
            if turn.relationship_id not in acted
        ],
        reason=HoldingReason.HANDOVER,
        by_actor_id=handover.approved_by_id or work.actor.id,
        to_leavers=True,
    )
    holders = {each.relationship_id: each.to_account_id for each in moved}
    await tasks.cancel_welcomes(work, list(holders))
    await tasks.move_open_many(work, holders)
    await mall.move_serving_many(work, holders)
    await noting.note_moved(work, handover, moved)
    await _note(work, handover, list(holders), HeldHere.UNDONE, None)
    await _keep(work, handover, [each for each in asked if each in acted], noting.ACTED)
    rest = [each for each in asked if each not in acted and each not in holders]
    await _keep(work, handover, rest, noting.HELD_BY_ANOTHER)


async def give_back_rest(work: Work, handover: Handover, most: int) -> int:
    """Give back open tasks about no customer that went to the managers' desk, and nobody touched; says how many."""
    accounts = [each.account_id for each in await queries.accounts(work.session, handover.brand_id, handover.id)]
    undone = await queries.lock(work.session, handover.brand_id, handover.undoes_id) if handover.undoes_id else None
    if undone is None or undone.approved_at is None:
        return 0
    return await tasks.give_back_rest(work, accounts, undone.approved_at, most)


async def _reopen(work: Work, handover: Handover, relationship_ids: Sequence[UUID]) -> None:
    """The same where a store had closed: what ended lives again."""
    undone = await queries.get(work.session, handover.brand_id, handover.undoes_id or handover.id)
    lines = await queries.items(work.session, undone, relationship_ids)
    await giving_back.give_back(work, undone, lines)
    await work.session.flush()
    for here in (HeldHere.UNDONE, HeldHere.KEPT):
        alike: dict[str | None, list[UUID]] = defaultdict(list)
        for line in lines:
            if line.here is here:
                alike[line.why].append(line.relationship_id)
        for why, keys in alike.items():
            await noting.write(work, handover, keys, {"here": here, "why": why})


async def _keep(work: Work, handover: Handover, relationship_ids: Sequence[UUID], why: str) -> None:
    """They stay with the takeover guide, and both handovers say why."""
    await noting.write(work, handover, relationship_ids, {"here": HeldHere.KEPT, "why": why})
    await _note(work, handover, relationship_ids, HeldHere.KEPT, why)


async def _note(
    work: Work, handover: Handover, relationship_ids: Sequence[UUID], here: HeldHere, why: str | None
) -> None:
    """The same beside them in the handover that is undone."""
    values = {"here": here, "why": why}
    await noting.write(work, handover, relationship_ids, values, of=handover.undoes_id, here=HeldHere.MOVED)


async def _hold_again(work: Work, handover: Handover) -> None:
    """Whoever gets something back has not departed."""
    if handover.staff_id is None:
        return
    person = await staff.lock(work.session, work.actor, handover.staff_id)
    if person.state is StaffState.DEPARTED:
        await directory.hold_again(work, person)
