"""Change who takes over whom in a plan that nobody has approved yet."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlmodel import col

from directory.queries import accounts as account_queries
from handover.commands.fitness import require_fit, require_room
from handover.errors import PlanMissing, TakeoverUnfit
from handover.models import Handover, HandoverItem, HandoverKind, HandoverState, ItemReason
from handover.policy import require_manager
from handover.queries import approvals, seats
from kernel.errors import Invalid, NotFound, require_version
from kernel.work import Work

MOST_EDITS = 500

_KNOWN = TakeoverUnfit(why="the customer is known there already.", why_zh="该顾客在接收门店已有导购。")
_OTHER_STORE = TakeoverUnfit(why="it belongs to another store than the customer.", why_zh="该账号与顾客不在同一门店。")


async def edit(
    work: Work, handover_id: UUID, *, pairs: Mapping[UUID, UUID], expected_version: int | None = None
) -> Handover:
    """Give 1 to 500 relationships of a draft to other accounts than planned.

    Raises `NOT_FOUND`, `OWN_HANDOVER`, `STALE_VERSION`, `HANDOVER_MOVED_ON`, `PLAN_MISSING` while it is being made,
    `INVALID`, `TAKEOVER_UNFIT`, `TAKEOVER_FULL`.
    """
    require_manager(work.actor)
    handover = await approvals.lock(work.session, work.actor, handover_id)
    require_version(handover, expected_version)
    handover.require(HandoverState.DRAFT)
    if handover.planned_at is None:
        raise PlanMissing
    if not 1 <= len(pairs) <= MOST_EDITS:
        raise Invalid(field="pairs", reason=f"from 1 to {MOST_EDITS}.", reason_zh=f"请填 1 到 {MOST_EDITS} 项。")
    wanted = sorted(set(pairs.values()))
    if len(await account_queries.by_ids(work.session, work.actor, wanted)) < len(wanted):
        raise NotFound
    takers = await require_fit(work, handover, wanted)
    items = await approvals.items_in_sight(work.session, work.actor, handover.id, list(pairs))
    by_account: dict[UUID, list[UUID]] = defaultdict(list)
    for relationship_id, account_id in pairs.items():
        item = items.get(relationship_id)
        if item is None:
            raise NotFound
        if item.is_merged:
            raise _KNOWN
        if handover.kind is not HandoverKind.CLOSING and takers[account_id].store_id != item.store_id:
            raise _OTHER_STORE
        by_account[account_id].append(relationship_id)
    for account_id, relationship_ids in sorted(by_account.items()):
        await _give(work, handover, account_id, relationship_ids)
    await require_room(work, handover, takers)
    handover.plan = await _retold(work, handover)
    handover.version += 1
    return handover


async def _give(work: Work, handover: Handover, account_id: UUID, relationship_ids: list[UUID]) -> None:
    await work.session.execute(
        update(HandoverItem)
        .where(
            col(HandoverItem.brand_id) == handover.brand_id,
            col(HandoverItem.handover_id) == handover.id,
            col(HandoverItem.relationship_id).in_(relationship_ids),
        )
        .values(to_account_id=account_id, reason=ItemReason.EDITED, because={}, score=0)
        .execution_options(synchronize_session=False)
    )


async def _retold(work: Work, handover: Handover) -> dict[str, Any]:
    """What the plan says of itself in total, now that it gives others what it gives."""
    session, brand_id = work.session, handover.brand_id
    given = await approvals.shares(session, handover)
    listed = {UUID(each["account_id"]): each for each in handover.plan["accounts"]}
    fresh = [account_id for account_id in given if account_id is not None and account_id not in listed]
    held = await seats.held_by_account(session, brand_id, fresh)
    told = [
        *({**each, "given": given.get(account_id, 0)} for account_id, each in listed.items()),
        *(
            {
                "account_id": str(account_id),
                "held": held.get(account_id, 0),
                "open_tasks": 0,
                "capacity": None,
                "given": given[account_id],
            }
            for account_id in sorted(fresh)
        ),
    ]
    by_reason = await _by_reason(work, handover)
    return {
        **handover.plan,
        "accounts": told,
        "overflow": by_reason.get(ItemReason.OVERFLOW, 0),
        "edited": by_reason.get(ItemReason.EDITED, 0),
        "unplaced": given.get(None, 0),
    }


async def _by_reason(work: Work, handover: Handover) -> dict[ItemReason | None, int]:
    found = await work.session.execute(
        select(col(HandoverItem.reason), func.count())
        .where(col(HandoverItem.brand_id) == handover.brand_id, col(HandoverItem.handover_id) == handover.id)
        .group_by(col(HandoverItem.reason))
    )
    return dict(found.all())
