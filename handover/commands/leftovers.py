"""Find what a handover's accounts still hold when its plan is carried out, so that nothing is left with anybody."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col

from directory.queries import accounts as directory
from handover.commands import undoing
from handover.commands.leasing import hold
from handover.models import Handover, HandoverItem, HandoverKind, HeldHere, ItemReason
from handover.models.routing import least_loaded
from handover.queries import moving as queries
from kernel import bulk
from kernel.db import OneOf
from kernel.work import Work

AT_ONCE = 500


async def gather(work: Work, handover_id: UUID, token: UUID) -> int:
    """Plan for up to 500 relationships that came to the accounts since the handover started; says how many.

    Each goes to the guide of the plan, in its store, who holds least and has room; without one, to the store's public
    account.
    Raises `LeaseLost`.
    """
    handover = await hold(work, handover_id, token)
    if handover.undoes_id is not None:
        return await undoing.gather(work, handover)
    if handover.kind is HandoverKind.CLOSING:
        return 0  # where they go is for `shutting.finish` to say
    found = await work.session.execute(queries.still_held(handover.brand_id, handover.id).limit(AT_ONCE))
    by_account: dict[UUID, list[UUID]] = defaultdict(list)
    for relationship_id, account_id in found:
        by_account[account_id].append(relationship_id)
    for each in await queries.accounts(work.session, handover.brand_id, handover.id):
        if each.account_id in by_account:
            await _plan(work, handover, each.store_id, each.account_id, by_account[each.account_id])
    return sum(map(len, by_account.values()))


async def _plan(work: Work, handover: Handover, store_id: UUID, account_id: UUID, relationship_ids: list[UUID]) -> None:
    loads = await queries.loads(work.session, handover.brand_id, handover.id, store_id)
    rooms = await queries.rooms(work.session, handover.brand_id, loads)
    takers = least_loaded(len(relationship_ids), loads, rooms)
    rest = relationship_ids[len(takers) :]
    if takers:
        placed = dict(zip(relationship_ids, takers, strict=False))
        await _write(work, handover, account_id, placed, ItemReason.BALANCED)
    if rest:
        public = (await directory.public_of(work.session, handover.brand_id, [store_id]))[store_id]
        await _write(work, handover, account_id, dict.fromkeys(rest, public), ItemReason.OVERFLOW)


async def _write(
    work: Work, handover: Handover, account_id: UUID, takers: Mapping[UUID, UUID], reason: ItemReason
) -> None:
    """Give each a line of the plan, or its line another turn: it was elsewhere, and has come back."""
    rows: list[dict[str, Any]] = [
        {
            "brand_id": handover.brand_id,
            "handover_id": handover.id,
            "relationship_id": relationship_id,
            "from_account_id": account_id,
            "to_account_id": taker,
            "reason": reason,
        }
        for relationship_id, taker in takers.items()
    ]
    new = await bulk.insert_missing(work.session, HandoverItem, [HandoverItem(**row).model_dump() for row in rows])
    to = bulk.paired(work.session, takers)
    await work.session.execute(
        update(HandoverItem)
        .where(
            col(HandoverItem.brand_id) == handover.brand_id,
            col(HandoverItem.handover_id) == handover.id,
            col(HandoverItem.relationship_id) == to.c.key,
            OneOf(col(HandoverItem.relationship_id), "known"),
        )
        .values(from_account_id=account_id, to_account_id=to.c.value, reason=reason, here=HeldHere.PENDING, why=None)
        .execution_options(synchronize_session=False),
        {"known": sorted(set(takers) - {row.relationship_id for row in new})},
    )
