"""Let the next best guide take over where the one of the plan is full at the partner: there, and here too."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from customers import commands as customers
from customers.commands.moving import Move, Moved
from customers.models import HoldingReason, Relationship
from handover.commands import attempting
from handover.commands.attempting import Wanted
from handover.commands.welcoming import WELCOME
from handover.models import HandoverAttempt, HandoverItem, ItemReason, LinkedThere, Todo
from handover.models.settlement import Step
from handover.queries import rooms
from handover.queries import settling as queries
from handover.queries.rooms import Room
from kernel import clock
from kernel.work import Work
from mall import commands as mall
from tasks import commands as tasks

AT_A_TIME = 100

Full = tuple[HandoverAttempt, HandoverItem]
"""An attempt whose takeover guide was full, and the relationship that it was about."""


async def fall_back(work: Work) -> bool:
    """See to some of those whose takeover guide was full; says whether there were any.

    The next is one whom the plan names too, at work in the store, with room here, and not full there; then the store's
    public account. Whoever holds the relationship by somebody's word keeps it, and is asked for instead. Where there is
    nobody it stays `successor_full`, for people to see.
    """
    due = queries.is_due(work.actor.brand_id, Todo.FALL_BACK, clock.now())
    attempts = await queries.take(work.session, due, most=AT_A_TIME)
    if not attempts:
        return False
    await attempting.go_on(work, [(each, Step(LinkedThere.SUCCESSOR_FULL)) for each in attempts])
    by_handover: dict[UUID, list[Full]] = {}
    for full in await _concerned(work, attempts):
        by_handover.setdefault(full[0].handover_id, []).append(full)
    for handover_id in sorted(by_handover):
        await _fall_back_in(work, handover_id, by_handover[handover_id])
    return True


async def _concerned(work: Work, attempts: Sequence[HandoverAttempt]) -> list[Full]:
    """Those that are still the last word about a relationship, in handovers that weren't undone."""
    brand_id = work.actor.brand_id
    undone = await queries.undone(work.session, brand_id, {each.handover_id for each in attempts})
    pairs = {(each.handover_id, each.relationship_id) for each in attempts}
    items = await queries.items_of(work.session, brand_id, [each.id for each in attempts], pairs)
    return [(each, items[each.id]) for each in attempts if each.id in items and each.handover_id not in undone]


async def _fall_back_in(work: Work, handover_id: UUID, full: Sequence[Full]) -> None:
    brand_id = work.actor.brand_id
    held = await _held(work, [_goes_on_in(item) for _, item in full])
    places = await rooms.of_plan(work.session, brand_id, handover_id, {row.store_id for row in held.values()})
    full_there = {user_id for _, user_id in await queries.full_there(work.session, brand_id, [handover_id])}
    wanted: list[Wanted] = []
    moving: dict[UUID, tuple[Full, Move]] = {}
    for attempt, item in full:
        row = held.get(_goes_on_in(item))
        if row is None:
            continue
        fit = [room for room in places[row.store_id] if room.takes(attempt.from_user_id, full_there)]
        if row.holder_id != attempt.to_account_id:
            wanted += [_again(attempt, room) for room in fit if room.account_id == row.holder_id]
        elif fit:
            fit[0].fill()
            moving[row.id] = ((attempt, item), Move(row.id, row.holder_id, fit[0].account_id))
    by_account = {room.account_id: room for each in places.values() for room in each}
    for moved in await _move(work, [move for _, move in moving.values()]):
        attempt, item = moving[moved.relationship_id][0]
        _note(item, moved)
        if moved.to_account_id in by_account:
            wanted.append(_again(attempt, by_account[moved.to_account_id]))
    await work.session.flush()
    await attempting.begin(work, wanted)
    if moving:
        work.later(WELCOME, handover_id=str(handover_id))


async def _move(work: Work, moves: Sequence[Move]) -> list[Moved]:
    """Let them be held by the next, with their open tasks and open orders."""
    moved = await customers.move_many(work, moves, reason=HoldingReason.HANDOVER, by_actor_id=work.actor.id)
    keepers: Mapping[UUID, UUID] = {each.relationship_id: each.to_account_id for each in moved}
    await tasks.move_open_many(work, keepers)
    await mall.move_serving_many(work, keepers)
    return moved


def _note(item: HandoverItem, moved: Moved) -> None:
    item.to_account_id = moved.to_account_id
    item.reason = ItemReason.FALLBACK
    item.version_after = moved.version
    item.moved_at = clock.now()


def _again(attempt: HandoverAttempt, room: Room) -> Wanted:
    return Wanted(
        handover_id=attempt.handover_id,
        relationship_id=attempt.relationship_id,
        course=attempt.course,
        from_account_id=attempt.from_account_id,
        to_account_id=room.account_id,
        from_user_id=attempt.from_user_id,
        to_user_id=room.user_id,
        external_user_id=attempt.external_user_id,
        deadline=attempt.deadline,
    )


def _goes_on_in(item: HandoverItem) -> UUID:
    return item.successor_id or item.relationship_id


async def _held(work: Work, relationship_ids: Sequence[UUID]) -> dict[UUID, Relationship]:
    """Who holds them by now; kept from other writers until the commit."""
    found = await work.session.scalars(
        select(Relationship)
        .where(col(Relationship.brand_id) == work.actor.brand_id, col(Relationship.id).in_(relationship_ids))
        .order_by(col(Relationship.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {each.id: each for each in found}
