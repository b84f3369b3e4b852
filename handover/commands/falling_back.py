"""Let the next best guide take over where the one of the plan is full at the partner: there, and here too."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from customers.models import Relationship
from handover.commands import attempting
from handover.commands.attempting import Wanted
from handover.commands.reassigning import reassign
from handover.models import HandoverAttempt, HandoverItem, ItemReason, LinkedThere, Todo
from handover.models.settlement import Step
from handover.queries import rooms
from handover.queries import settling as queries
from handover.queries.rooms import Room
from kernel import clock
from kernel.work import Work

AT_A_TIME = 20


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
    undone = await queries.undone(work.session, work.actor.brand_id, {each.handover_id for each in attempts})
    items = await queries.items_of(
        work.session,
        work.actor.brand_id,
        [each.id for each in attempts],
        {(each.handover_id, each.relationship_id) for each in attempts},
    )
    await attempting.go_on(work, [(each, Step(LinkedThere.SUCCESSOR_FULL)) for each in attempts])
    full = await queries.full_there(work.session, work.actor.brand_id, {each.handover_id for each in attempts})
    concerned = [each for each in attempts if each.id in items and each.handover_id not in undone]
    relationships = await _relationships(work, [_goes_on_in(items[each.id]) for each in concerned])
    wanted = []
    for handover_id in sorted({each.handover_id for each in concerned}):
        mine = [each for each in concerned if each.handover_id == handover_id]
        places = await rooms.of_plan(
            work.session, work.actor.brand_id, handover_id, {each.store_id for each in relationships.values()}
        )
        names = {user_id for each, user_id in full if each == handover_id}
        for attempt in mine:
            item = items[attempt.id]
            relationship = relationships.get(_goes_on_in(item))
            if relationship is not None:
                next_one = await _next(work, attempt, item, relationship, places, names)
                wanted += [_again(attempt, next_one)] if next_one is not None else []
    await attempting.begin(work, wanted)
    return True


async def _next(
    work: Work,
    attempt: HandoverAttempt,
    item: HandoverItem,
    relationship: Relationship,
    places: Mapping[UUID, Sequence[Room]],
    full: set[str],
) -> Room | None:
    """Who is to have it, and holds it by then; none if there is nobody."""
    fit = [
        room
        for room in places[relationship.store_id]
        if room.user_id not in full and room.user_id != attempt.from_user_id and room.left != 0
    ]
    if relationship.holder_id != attempt.to_account_id:
        return next((room for room in fit if room.account_id == relationship.holder_id), None)
    if not fit:
        return None
    chosen = fit[0]
    moved = await reassign(work, relationship.id, to_account_id=chosen.account_id)
    item.to_account_id = chosen.account_id
    item.reason = ItemReason.FALLBACK
    item.version_after = moved.version
    item.moved_at = clock.now()
    if chosen.left is not None:
        chosen.left -= 1
    return chosen


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


async def _relationships(work: Work, relationship_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """Kept from other writers until the commit: who holds them is who is asked for."""
    found = await work.session.scalars(
        select(Relationship)
        .where(col(Relationship.brand_id) == work.actor.brand_id, col(Relationship.id).in_(relationship_ids))
        .order_by(col(Relationship.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {each.id: each for each in found}
