"""A store closes: its relationships end and go on in successor stores, chunk by chunk; then the store closes too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Row, func, select, update
from sqlmodel import col

import mall.commands.succeeding
import tagging.commands.succeeding
import tasks.commands.succeeding
from customers.commands import succeeding
from customers.commands.succeeding import Locked, Merged
from customers.events import RelationshipSucceeded
from directory.models import Account, Staff
from directory.queries import staff, stores
from handover.errors import PlanMissing, TakeoverUnfit
from handover.models import Handover, HandoverItem, HeldHere, ItemReason, Merger
from handover.models.merging import joined, kept_as
from handover.queries import succession
from kernel import bulk, clock, ids
from kernel.work import Work
from mall.models import Order, Refund
from tagging.models import AuditItem
from tasks.models import Task

ENDED, OTHER_STORE, GONE = "ENDED", "OTHER_STORE", "GONE"
"""Why a relationship had nothing to succeed when its turn came."""

KnownRow = Row[*tuple[Any, ...]]
_OF_A_CLOSED_STORE = {"why": "it is in the store that closes.", "why_zh": "该账号属于即将关闭的门店。"}


class Turn(Protocol):
    """A relationship whose turn it is, and the account that the plan names: an item of a handover, or a row of it."""

    @property
    def relationship_id(self) -> UUID: ...
    @property
    def to_account_id(self) -> UUID | None: ...


@dataclass(frozen=True, slots=True)
class _Going:
    """A relationship that ends, and the one in which it goes on, as it will be then."""

    row: KnownRow
    successor_id: UUID
    holder_id: UUID
    version: int
    is_merged: bool
    is_fallback: bool


@dataclass(slots=True)
class _Chunk:
    """What is to be written; `elsewhere` says why of those that don't go on."""

    at: datetime
    going: list[_Going] = field(default_factory=list)
    elsewhere: dict[str, list[UUID]] = field(default_factory=dict)
    begun: list[dict[str, Any]] = field(default_factory=list)
    merged: list[Merged] = field(default_factory=list)
    mergers: dict[UUID, KnownRow] = field(default_factory=dict)
    remarks: list[tuple[UUID, UUID, str]] = field(default_factory=list)

    @property
    def heirs(self) -> dict[UUID, UUID]:
        """By each relationship that ends the one in which it goes on."""
        return {each.row.id: each.successor_id for each in self.going}


async def succeed(work: Work, handover: Handover, turns: Sequence[Turn]) -> None:
    """End these relationships of a store that closes; each goes on in the store of the account that the plan names.

    Where the customer has a relationship there it is merged into that one, whose holder stays; or else one is made.
    An account that can't take anything any more gives way to the public one of its store. All that hangs on a
    relationship goes with it, but revenue, visits and what is done stay of the store where they were made. What has
    gone elsewhere meanwhile is left out and says why; whose turn has come already is passed over. At most 1,000 at
    once. Raises `PLAN_MISSING`, `TAKEOVER_UNFIT`, `STORE_CLOSED`.
    """
    if not turns:
        return
    locked = await succeeding.lock(work, [turn.relationship_id for turn in turns])
    takers = await _takers(work, handover, turns)
    chunk = _Chunk(clock.now())
    there = {(row.customer_id, row.store_id): row for row in locked.rows.values() if row.ended_at is None}
    for turn in sorted(turns, key=lambda turn: turn.relationship_id):
        _place(chunk, store_of(handover), turn, locked.rows.get(turn.relationship_id), takers, there)
    for why, relationship_ids in chunk.elsewhere.items():
        await _note_elsewhere(work, handover, relationship_ids, why)
    if chunk.going:
        await _write(work, handover, chunk, locked)


def store_of(handover: Handover) -> UUID:
    """The store that closes."""
    if handover.store_id is None:
        raise LookupError(f"handover {handover.id} closes no store")
    return handover.store_id


async def _takers(work: Work, handover: Handover, turns: Sequence[Turn]) -> Mapping[UUID | None, Account]:
    """The account that takes over for each that the plan names; their owners and stores stay so until the commit."""
    named = {turn.to_account_id for turn in turns}
    if None in named:
        raise PlanMissing
    account_ids = sorted(each for each in named if each is not None)
    found = await work.session.scalars(
        select(Account).where(col(Account.brand_id) == handover.brand_id, col(Account.id).in_(account_ids))
    )
    accounts = {account.id: account for account in found}
    if any(account.store_id == handover.store_id for account in accounts.values()):
        raise TakeoverUnfit(**_OF_A_CLOSED_STORE)
    owners = await staff.lock_owners(work.session, handover.brand_id, account_ids)
    store_ids = sorted({account.store_id for account in accounts.values()})
    for store_id in store_ids:
        await stores.hold_open(work.session, work.actor, store_id)
    found = await work.session.scalars(
        select(Account).where(
            col(Account.brand_id) == handover.brand_id,
            col(Account.store_id).in_(store_ids),
            col(Account.staff_id).is_(None),
        )
    )
    public = {account.store_id: account for account in found}
    return {
        key: account if _fits(owners.get(key), account) else public[account.store_id]
        for key, account in accounts.items()
    }


def _fits(owner: Staff | None, account: Account) -> bool:
    return owner is None or owner.can_hold_in(account.store_id)


def _place(
    chunk: _Chunk,
    store_id: UUID,
    turn: Turn,
    row: KnownRow | None,
    takers: Mapping[UUID | None, Account],
    there: Mapping[tuple[UUID, UUID], KnownRow],
) -> None:
    """Say of a relationship where it goes on, or why it doesn't."""
    if row is None or row.ended_at is not None or row.store_id != store_id:
        why = GONE if row is None else ENDED if row.ended_at is not None else OTHER_STORE
        chunk.elsewhere.setdefault(why, []).append(turn.relationship_id)
        return
    taker = takers[turn.to_account_id]
    present = there.get((row.customer_id, taker.store_id))
    if present is not None:
        _merge(chunk, row, present)
    else:
        _begin(chunk, row, taker, is_fallback=taker.id != turn.to_account_id)


def _begin(chunk: _Chunk, row: KnownRow, taker: Account, *, is_fallback: bool) -> None:
    """Make a successor that is as the one that ends."""
    going = _Going(row, ids.new(), taker.id, 1, is_merged=False, is_fallback=is_fallback)
    names = ("customer_id", "is_primary", "remark", "last_contact_at", "created_at")
    chunk.going.append(going)
    chunk.begun.append(
        {name: getattr(row, name) for name in names}
        | {"id": going.successor_id, "store_id": taker.store_id, "holder_id": taker.id, "touched_at": chunk.at}
    )


def _merge(chunk: _Chunk, row: KnownRow, present: KnownRow) -> None:
    """Let the one that ends be part of the one that is there."""
    both = joined(present, row)
    chunk.going.append(
        _Going(row, present.id, present.holder_id, present.version + 1, is_merged=True, is_fallback=False)
    )
    chunk.mergers[row.id] = present
    chunk.merged.append(Merged(present.id, both.remark, both.last_contact_at, both.is_primary))
    if both.lost_remark is not None:
        chunk.remarks.append((row.id, row.store_id, both.lost_remark))


async def _write(work: Work, handover: Handover, chunk: _Chunk, locked: Locked) -> None:
    heirs = chunk.heirs
    # A remark that has no room hangs on what ends, as a note, and goes with its other notes.
    await succeeding.note_remarks(work, chunk.remarks, chunk.at)
    await _remember(work, handover, chunk)
    have_succeeded = any(row.succeeded_by_id in heirs for row in locked.rows.values())
    await succeeding.end(work, heirs, chunk.at, have_succeeded=have_succeeded)
    await succeeding.begin(work, chunk.begun, chunk.at)
    await succeeding.rewrite(work, chunk.merged, chunk.at)
    await hand_on(work, heirs)
    await _note_moved(work, handover, chunk)
    for each in chunk.going:
        work.record(
            RelationshipSucceeded(
                relationship_id=each.row.id,
                customer_id=each.row.customer_id,
                customer_version=locked.versions[each.row.customer_id],
                from_account_id=each.row.holder_id,
                version=each.row.version + 1,
                successor_id=each.successor_id,
                to_account_id=each.holder_id,
                successor_version=each.version,
            )
        )


async def _note_moved(work: Work, handover: Handover, chunk: _Chunk) -> None:
    """Write beside each where it has gone."""
    rows = [
        {
            "relationship_id": each.row.id,
            "from_account_id": each.row.holder_id,
            "to_account_id": each.holder_id,
            "reason": ItemReason.FALLBACK if each.is_fallback else None,
            "successor_id": each.successor_id,
            "is_merged": each.is_merged,
            "version_after": each.version,
        }
        for each in chunk.going
    ]
    new = bulk.listed(work.session, HandoverItem, rows)
    await work.session.execute(
        update(HandoverItem)
        .where(
            col(HandoverItem.brand_id) == handover.brand_id,
            col(HandoverItem.handover_id) == handover.id,
            col(HandoverItem.relationship_id) == new.c.relationship_id,
        )
        .values(
            {name: new.c[name] for name in rows[0] if name != "relationship_id"}
            | {"reason": func.coalesce(new.c.reason, col(HandoverItem.reason))}
            | {"here": HeldHere.MOVED, "moved_at": chunk.at, "why": None}
        )
        .execution_options(synchronize_session=False)
    )


async def _note_elsewhere(work: Work, handover: Handover, relationship_ids: Sequence[UUID], why: str) -> None:
    await work.session.execute(
        update(HandoverItem)
        .where(
            col(HandoverItem.brand_id) == handover.brand_id,
            col(HandoverItem.handover_id) == handover.id,
            col(HandoverItem.relationship_id).in_(relationship_ids),
            col(HandoverItem.here) == HeldHere.PENDING,
        )
        .values(here=HeldHere.ELSEWHERE, why=why)
        .execution_options(synchronize_session=False)
    )


async def hand_on(work: Work, heirs: Mapping[UUID, UUID]) -> None:
    """Let all that hangs on these relationships hang on their successors, which are written already."""
    if not heirs:
        return
    # Most hang on many of them, or on none: nothing is written, nor locked, of what isn't there.
    there = await succession.hanging(work.session, work.actor.brand_id, list(heirs))
    await succeeding.hand_on_records(work, heirs, there)
    if there & {Order, Refund}:
        await mall.commands.succeeding.hand_on(work, heirs, there)
    if Task in there:
        await tasks.commands.succeeding.hand_on(work, heirs)
    if AuditItem in there:
        await tagging.commands.succeeding.hand_on(work, heirs)


async def _remember(work: Work, handover: Handover, chunk: _Chunk) -> None:
    """Write down what it takes to tell those that are merged apart again."""
    if not chunk.mergers:
        return
    keys = list(chunk.mergers)
    parts: dict[str, Mapping[UUID, Sequence[UUID]]] = {
        **await succeeding.records_of(work, keys),
        **await mall.commands.succeeding.of_relationships(work, keys),
        "tasks": await tasks.commands.succeeding.of_relationships(work, keys),
        "questions": await tagging.commands.succeeding.of_relationships(work, keys),
        "relationships": await succeeding.predecessors(work, keys),
    }
    rows = [
        {
            "brand_id": handover.brand_id,
            "handover_id": handover.id,
            "relationship_id": key,
            "before": kept_as(present),
            "parts": {kind: [str(each) for each in of.get(key, ())] for kind, of in parts.items()},
        }
        for key, present in chunk.mergers.items()
    ]
    await bulk.insert_rows(work.session, Merger, rows)
