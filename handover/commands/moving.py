"""Move what a handover moves, chunk by chunk: each is one transaction, short, and complete in itself."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, exists, select, update
from sqlmodel import col

from customers import commands as customers
from customers.commands.moving import Move, Moved
from customers.models import HoldingReason, Relationship
from customers.queries import relationships
from directory import commands as directory
from directory.models import StaffState
from directory.queries import staff
from handover.commands.leasing import MOVE, hold
from handover.models import Handover, HandoverItem, HandoverKind, HeldHere, ItemReason
from handover.queries import moving as queries
from handover.queries import partner, wearers
from kernel import clock
from kernel.db import OneOf
from kernel.work import Work
from mall import commands as mall
from tagging import commands as tagging
from tagging.commands import Wearer
from tasks import commands as tasks

__all__ = ["GONE", "HELD_BY_ANOTHER", "MOVE", "SETTLE", "carry_tags", "finish", "move_chunk", "move_rest"]

SETTLE = "handover.settle"
GONE, HELD_BY_ANOTHER = "gone", "held_by_another"
MOST_OF_THE_REST = 500


async def move_chunk(work: Work, handover_id: UUID, token: UUID, turns: Sequence[queries.Turn]) -> None:
    """Let these relationships go where the plan says, with their open tasks and open orders.

    Whose turn has come already is passed over; what the leaver doesn't hold any more stays where it is, and is noted
    as elsewhere. A takeover guide who can't take it any more: the store's public account does. Raises `LeaseLost`.
    """
    handover = await hold(work, handover_id, token)
    moved = await customers.move_many(
        work,
        [Move(turn.relationship_id, turn.from_account_id, turn.to_account_id) for turn in turns],
        reason=HoldingReason.HANDOVER,
        by_actor_id=handover.approved_by_id or work.actor.id,
    )
    keepers = {each.relationship_id: each.to_account_id for each in moved}
    await tasks.move_open_many(work, keepers)
    await mall.move_serving_many(work, keepers)
    await note_moved(work, handover, moved, HeldHere.MOVED)
    await _note_elsewhere(
        work, handover, [each.relationship_id for each in turns if each.relationship_id not in keepers]
    )


async def carry_tags(work: Work, handover_id: UUID, token: UUID, rows: Sequence[wearers.WearerRow]) -> None:
    """Let customers who have moved wear a tag of the takeover guide's own for each of the leaver's own.

    Beyond how many tags a person may have, none: the handover's ledger names what was left out. Raises `LeaseLost`.
    """
    await hold(work, handover_id, token)
    await tagging.carry_over(work, [Wearer(row.customer_id, row.tag_id, row.to_staff_id) for row in rows])


async def move_rest(work: Work, handover_id: UUID, token: UUID) -> int:
    """Give the managers' desk up to 500 of the open tasks and orders that are about no customer; says how many.

    Nothing is forgotten: what isn't bound to a relationship has no takeover guide. Raises `LeaseLost`.
    """
    handover = await hold(work, handover_id, token)
    if handover.kind is HandoverKind.CLOSING:
        return 0  # there is no desk to give it to
    accounts = [each.account_id for each in await queries.accounts(work.session, handover.brand_id, handover.id)]
    given = await tasks.move_rest(work, accounts, MOST_OF_THE_REST)
    return given + await mall.move_serving_rest(work, accounts, MOST_OF_THE_REST)


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
    left = queries.still_held(handover.brand_id, handover.id).limit(1)
    if handover.undoes_id is None and (await work.session.execute(left)).first() is not None:
        return False
    is_tied = await partner.is_tied(work.session, handover.brand_id)
    handover.have_moved(clock.now(), is_settled=not is_tied)
    handover.release()
    if is_tied:
        work.later(SETTLE, handover_id=str(handover.id))
    for person in {owner.id: owner for owner in owners.values()}.values():
        if person.state is StaffState.LEAVING:
            await work.session.flush()
            if await relationships.count_held_by(work.session, handover.brand_id, person.id) == 0:
                await directory.depart(work, person)
    return True


async def note_moved(work: Work, handover: Handover, moved: Sequence[Moved], here: HeldHere) -> None:
    """Write beside each relationship of the chunk that it has moved, and which version it had then."""
    at = clock.now()
    version = (
        select(col(Relationship.version))
        .where(
            col(Relationship.brand_id) == col(HandoverItem.brand_id),
            col(Relationship.id) == col(HandoverItem.relationship_id),
        )
        .scalar_subquery()
    )
    values: dict[str, Any] = {"here": here, "moved_at": at, "version_after": version}
    await _write(work, handover, [each.relationship_id for each in moved if not each.is_fallback], values)
    fallen: dict[UUID, list[UUID]] = {}
    for each in moved:
        if each.is_fallback:
            fallen.setdefault(each.to_account_id, []).append(each.relationship_id)
    for account_id, relationship_ids in fallen.items():
        public = {"to_account_id": account_id, "reason": ItemReason.FALLBACK}
        await _write(work, handover, relationship_ids, values | public)


async def _note_elsewhere(work: Work, handover: Handover, relationship_ids: Sequence[UUID]) -> None:
    is_there: ColumnElement[bool] = exists().where(
        col(Relationship.brand_id) == col(HandoverItem.brand_id),
        col(Relationship.id) == col(HandoverItem.relationship_id),
    )
    why = case((is_there, HELD_BY_ANOTHER), else_=GONE)
    await _write(work, handover, relationship_ids, {"here": HeldHere.ELSEWHERE, "why": why})


async def _write(work: Work, handover: Handover, relationship_ids: Sequence[UUID], values: dict[str, Any]) -> None:
    """Only beside those whose turn hasn't been."""
    if not relationship_ids:
        return
    await work.session.execute(
        update(HandoverItem)
        .where(
            col(HandoverItem.brand_id) == handover.brand_id,
            col(HandoverItem.handover_id) == handover.id,
            OneOf(col(HandoverItem.relationship_id), "relationship_ids"),
            col(HandoverItem.here) == HeldHere.PENDING,
        )
        .values(values)
        .execution_options(synchronize_session=False),
        {"relationship_ids": relationship_ids},
    )
