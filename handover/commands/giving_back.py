"""Take a closing back: the store opens again, and what ended with it lives again with whoever held it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

import mall.commands.succeeding
import mall.policy
import tagging.commands.succeeding
import tasks.commands.succeeding
from customers.commands import succeeding
from customers.commands.succeeding import Merged
from customers.events import PrimaryChanged, RelationshipAdded, RelationshipSucceeded, ThingsLeft
from customers.policy import NOTE, VISIT
from directory.commands import reopen_store
from directory.models import Staff, StaffState, StoreState
from directory.queries import accounts, staff, stores
from handover.commands.succeeding import hand_on
from handover.models import Handover, HandoverItem, HeldHere, Merger
from handover.models.merging import said_before
from handover.queries import succession
from kernel import clock
from kernel.work import Work

ACTED, MOVED_ON, KNOWN_ANEW = "ACTED", "MOVED_ON", "KNOWN_ANEW"
"""Why one is kept: somebody acted since, its successor has ended itself, the customer is known in the store anew."""

KnownRow = Row[*tuple[Any, ...]]


@dataclass(slots=True)
class _Chunk:
    """What goes back: each item with what ended and its successor; `holders` are to hold what lives again."""

    at: datetime
    back: list[tuple[HandoverItem, KnownRow, KnownRow]] = field(default_factory=list)
    holders: dict[UUID, UUID] = field(default_factory=dict)


async def give_back(work: Work, handover: Handover, items: Sequence[HandoverItem]) -> dict[UUID, str | None]:
    """Give back what a closing has moved: `items` are the closing's, at most 1,000 at once.

    The store opens again if it has closed. What ended lives again, held by whoever held it, or by the public account
    if they can't; what was made for it ends. Two that were merged are told apart. Where the customer or a guide has
    acted since, it is kept where it is, and says why: so does the answer, by relationship.
    """
    moved = sorted((item for item in items if item.here is HeldHere.MOVED), key=lambda item: item.relationship_id)
    if not moved or handover.store_id is None:
        return {}
    await _open_again(work, handover.store_id)
    locked = await succeeding.lock(work, [item.relationship_id for item in moved])
    acted = await succession.acted_since(work.session, moved)
    chunk = _Chunk(clock.now())
    live = {(row.customer_id, row.store_id) for row in locked.rows.values() if row.ended_at is None}
    for item in moved:
        why = _why_not(item, locked.rows, live, acted)
        item.here, item.why = (HeldHere.UNDONE, None) if why is None else (HeldHere.KEPT, why)
        if why is None and item.successor_id is not None:
            chunk.back.append((item, locked.rows[item.relationship_id], locked.rows[item.successor_id]))
    if chunk.back:
        chunk.holders = await _holders(work, handover.store_id, [item for item, *_ in chunk.back])
        await _revive(work, chunk)
        await _end_those_made(work, chunk, locked.versions)
        await _tell_apart(work, handover, chunk)
    return {item.relationship_id: item.why for item in moved}


def _why_not(
    item: HandoverItem, rows: Mapping[UUID, KnownRow], live: set[tuple[UUID, UUID]], acted: set[UUID]
) -> str | None:
    ended = rows.get(item.relationship_id)
    successor = rows.get(item.successor_id) if item.successor_id is not None else None
    if ended is None or successor is None or successor.ended_at is not None or ended.succeeded_by_id != successor.id:
        return MOVED_ON
    if (ended.customer_id, ended.store_id) in live:
        return KNOWN_ANEW
    if successor.version != item.version_after or successor.touched_at != item.moved_at or successor.id in acted:
        return ACTED
    return None


async def _open_again(work: Work, store_id: UUID) -> None:
    store = await stores.lock(work.session, work.actor, store_id)
    if store.state is StoreState.CLOSED:
        await reopen_store(work, store_id)


async def _holders(work: Work, store_id: UUID, items: Sequence[HandoverItem]) -> dict[UUID, UUID]:
    """Who is to hold each again: whoever did, also while they are leaving, or else the store's public account."""
    owners = await staff.lock_owners(
        work.session, work.actor.brand_id, sorted({item.from_account_id for item in items})
    )
    public = await accounts.public_of(work.session, work.actor.brand_id, [store_id])
    return {
        item.relationship_id: item.from_account_id
        if _fits(owners.get(item.from_account_id), store_id)
        else public[store_id]
        for item in items
    }


def _fits(owner: Staff | None, store_id: UUID) -> bool:
    if owner is None or owner.can_hold_in(store_id):
        return True
    return owner.store_id == store_id and owner.state is StaffState.LEAVING


async def _revive(work: Work, chunk: _Chunk) -> None:
    """Let what ended live again. It stays nobody's primary one for now: only one may be at a time."""
    await succeeding.revive(work, chunk.holders, chunk.at)


async def _end_those_made(work: Work, chunk: _Chunk, versions: Mapping[UUID, int]) -> None:
    """What was made for them ends, with all that hangs on it going back."""
    made = [(ended, successor) for item, ended, successor in chunk.back if not item.is_merged]
    if not made:
        return
    heirs = {successor.id: ended.id for ended, successor in made}
    await succeeding.end(work, heirs, chunk.at)
    await succeeding.rank(work, [ended.id for ended, successor in made if successor.is_primary])
    await hand_on(work, heirs)
    for ended, successor in made:
        work.record(
            RelationshipSucceeded(
                relationship_id=successor.id,
                customer_id=successor.customer_id,
                customer_version=versions[successor.customer_id],
                from_account_id=successor.holder_id,
                version=successor.version + 1,
                successor_id=ended.id,
                to_account_id=chunk.holders[ended.id],
                successor_version=ended.version + 1,
            )
        )


async def _tell_apart(work: Work, handover: Handover, chunk: _Chunk) -> None:
    """What was merged is as it was, and what had come to it goes back."""
    apart = {ended.id: (ended, successor) for item, ended, successor in chunk.back if item.is_merged}
    if not apart:
        return
    mergers = await succession.mergers(work.session, handover, list(apart))
    said = {merger.relationship_id: said_before(merger.before) for merger in mergers}
    await succeeding.rewrite(work, [Merged(apart[key][1].id, **before) for key, before in said.items()], chunk.at)
    firsts = [key for key, (_, successor) in apart.items() if successor.is_primary and not said[key]["is_primary"]]
    await succeeding.rank(work, firsts)
    homes = {
        kind: {UUID(each): merger.relationship_id for merger in mergers for each in merger.parts[kind]}
        for kind in ("notes", "visits", "orders", "refunds", "tasks", "questions", "relationships")
    }
    await succeeding.let_go_on(work, homes["relationships"])
    await succeeding.give_back_records(work, homes["notes"], homes["visits"])
    await mall.commands.succeeding.give_back(work, homes["orders"], homes["refunds"])
    await tasks.commands.succeeding.give_back(work, homes["tasks"])
    await tagging.commands.succeeding.give_back(work, homes["questions"])
    for merger in mergers:
        ended, successor = apart[merger.relationship_id]
        _tell(work, merger, ended, successor, chunk.holders[ended.id])


def _tell(work: Work, merger: Merger, ended: KnownRow, successor: KnownRow, holder_id: UUID) -> None:
    kinds = {"notes": NOTE, "visits": VISIT, "orders": mall.policy.ORDER, "refunds": mall.policy.REFUND}
    left = tuple((kind, UUID(each), 1) for name, kind in kinds.items() for each in merger.parts[name])
    work.record(RelationshipAdded(relationship_id=ended.id, account_id=holder_id, version=ended.version + 1))
    work.record(
        PrimaryChanged(relationship_id=successor.id, account_id=successor.holder_id, version=successor.version + 1)
    )
    if left:
        work.record(ThingsLeft(account_id=successor.holder_id, things=left))
