"""Let a plan be carried out, or give a handover up."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import exists, insert, literal, select
from sqlmodel import col

from customers.models import Relationship
from handover.commands.fitness import require_fit, require_room
from handover.commands.leasing import MOVE
from handover.errors import PlanMissing
from handover.models import Handover, HandoverItem, HandoverState, HeldHere, ItemReason, LinkedThere
from handover.policy import require_manager
from handover.queries import approvals, scopes
from handover.queries.settings import setting_of
from kernel import audit, clock
from kernel.db import Json, enum_of
from kernel.errors import Forbidden, require_version
from kernel.work import Work


async def approve(work: Work, handover_id: UUID, *, expected_version: int | None = None) -> Handover:
    """Let everything move as planned; from now on the plan stays as it is, and the undo window runs.

    For whoever answers for all stores that it touches. What has come to the leaver since the plan was made goes to the
    store's public account. Raises `NOT_FOUND`, `FORBIDDEN`, `OWN_HANDOVER`, `STALE_VERSION`, `HANDOVER_MOVED_ON`,
    `PLAN_MISSING`, `TAKEOVER_UNFIT`, `TAKEOVER_FULL`.
    """
    require_manager(work.actor)
    handover = await approvals.lock_whole(work.session, work.actor, handover_id)
    require_version(handover, expected_version)
    handover.require(HandoverState.DRAFT)
    given = await approvals.shares(work.session, handover)
    if handover.planned_at is None or None in given:
        raise PlanMissing
    takers = await require_fit(work, handover, sorted(each for each in given if each is not None))
    await require_room(work, handover, takers)
    await _take_arrivals(work, handover)
    setting = await setting_of(work.session, handover.brand_id)
    handover.approve(work.actor.staff_id, clock.now(), timedelta(hours=setting.undo_hours))
    await audit.write(work.session, work.actor, "handover.approved", "handover", handover.id)
    work.later(MOVE, handover_id=str(handover.id))
    return handover


async def cancel(work: Work, handover_id: UUID, *, expected_version: int | None = None) -> Handover:
    """Give a handover up before anything has moved; the leaver goes on leaving until that is withdrawn.

    One that is approved is cancelled by whoever could approve it. Raises `NOT_FOUND`, `FORBIDDEN`, `OWN_HANDOVER`,
    `STALE_VERSION`, `HANDOVER_MOVED_ON`.
    """
    require_manager(work.actor)
    handover = await approvals.lock(work.session, work.actor, handover_id)
    is_draft = handover.state is HandoverState.DRAFT
    if not is_draft and not await approvals.is_all_in_sight(work.session, work.actor, handover):
        raise Forbidden
    require_version(handover, expected_version)
    handover.cancel(clock.now())
    await audit.write(work.session, work.actor, "handover.cancelled", "handover", handover.id)
    return handover


async def _take_arrivals(work: Work, handover: Handover) -> None:
    """Note where those go who came to the accounts since the plan was made: nobody is left behind."""
    scope = await scopes.scope_of(work.session, handover)
    homes = await scopes.homes_of(work.session, scope)
    is_planned = exists().where(
        col(HandoverItem.brand_id) == handover.brand_id,
        col(HandoverItem.handover_id) == handover.id,
        col(HandoverItem.relationship_id) == col(Relationship.id),
    )
    for store_id, home in sorted(homes.items()):
        arrived = select(
            literal(handover.brand_id),
            literal(handover.id),
            col(Relationship.id),
            col(Relationship.holder_id),
            literal(home),
            literal(ItemReason.OVERFLOW, enum_of(ItemReason)),
            literal({"has_arrived": True}, Json),
            literal(0),
            literal(HeldHere.PENDING, enum_of(HeldHere)),
            literal(LinkedThere.NOT_LINKED, enum_of(LinkedThere)),
            literal(False),
        ).where(
            scopes.of_accounts(handover.brand_id, scope.account_ids),
            col(Relationship.store_id) == store_id,
            ~is_planned,
        )
        columns = (
            "brand_id handover_id relationship_id from_account_id to_account_id reason because score here there "
            "is_merged"
        )
        await work.session.execute(insert(HandoverItem).from_select(columns.split(), arrived))
