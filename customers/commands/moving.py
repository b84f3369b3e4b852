"""Move many relationships at once, each to an account of its own: what a handover does, chunk by chunk."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, case, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.events import RelationshipReassigned
from customers.models import Holding, HoldingReason, Relationship
from customers.queries import relationships
from directory.models import Account, AccountKind, Staff, StaffState
from directory.queries import staff, stores
from kernel import bulk, clock, ids
from kernel.db import OneOf
from kernel.work import Work

MOST_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Move:
    """One relationship goes from the account that is believed to hold it to another one of its store."""

    relationship_id: UUID
    from_account_id: UUID
    to_account_id: UUID


@dataclass(frozen=True, slots=True)
class Moved:
    """Where it went, which is the store's public account if the owner of the one asked for can't hold any more."""

    relationship_id: UUID
    customer_id: UUID
    store_id: UUID
    from_account_id: UUID
    to_account_id: UUID
    version: int
    is_fallback: bool


async def move_many(
    work: Work,
    moves: Sequence[Move],
    *,
    reason: HoldingReason,
    by_actor_id: UUID,
    to_leavers: bool = False,
) -> list[Moved]:
    """Give relationships to other accounts of their stores, at most 1,000 at once; asks nobody's permission.

    Left where it is, and out of the answer: what isn't held by the account that is named, or has gone. An account of
    another store, or whose owner is leaving, has left or works elsewhere, gets nothing: the store's public account does
    instead. With `to_leavers` whoever is leaving gets back what was theirs, and what can't go back stays. Open tasks
    and orders are the caller's to move in the same work. Locks the relationships, then the owners, then the stores.
    Raises `STORE_CLOSED`.
    """
    if len(moves) > MOST_AT_ONCE:
        raise ValueError(f"{len(moves)} relationships at once: at most {MOST_AT_ONCE}")
    asked = {move.relationship_id: move for move in moves if move.from_account_id != move.to_account_id}
    rows = await relationships.lock_many(work.session, work.actor.brand_id, list(asked))
    held = [row for row in rows if row.holder_id == asked[row.id].from_account_id]
    if not held:
        return []
    targets = {row.id: asked[row.id].to_account_id for row in held}
    ends = {*targets.values(), *(row.holder_id for row in held)}
    owners = await staff.lock_owners(work.session, work.actor.brand_id, sorted(ends))
    for store_id in sorted({row.store_id for row in held}):
        await stores.hold_open(work.session, work.actor, store_id)
    accounts = await _accounts(work.session, work.actor.brand_id, ends, {row.store_id for row in held})
    moved = _settled(held, targets, accounts, owners, to_leavers=to_leavers)
    await _write(work, moved, reason, by_actor_id)
    for each in moved:
        work.record(
            RelationshipReassigned(
                relationship_id=each.relationship_id,
                customer_id=each.customer_id,
                from_account_id=each.from_account_id,
                to_account_id=each.to_account_id,
                version=each.version,
            )
        )
    return moved


def can_take(owner: Staff | None, account: Account, *, to_leavers: bool = False) -> bool:
    """Whether relationships may come to an account: a public one, or of whoever is at work in its store as a guide."""
    if owner is None:
        return account.kind is AccountKind.PUBLIC
    if to_leavers and owner.store_id == account.store_id and owner.state is StaffState.LEAVING:
        return True
    return owner.can_hold_in(account.store_id)


def _settled(
    held: Sequence[Row[*tuple[Any, ...]]],
    targets: Mapping[UUID, UUID],
    accounts: Mapping[UUID, Account],
    owners: Mapping[UUID, Staff],
    *,
    to_leavers: bool,
) -> list[Moved]:
    public = {each.store_id: each.id for each in accounts.values() if each.kind is AccountKind.PUBLIC}
    moved = []
    for row in held:
        account = accounts.get(targets[row.id])
        fits = (
            account is not None
            and account.store_id == row.store_id
            and can_take(owners.get(account.id), account, to_leavers=to_leavers)
        )
        if to_leavers and not fits:
            continue
        to_account_id = targets[row.id] if fits else public[row.store_id]
        if to_account_id != row.holder_id:
            moved.append(
                Moved(
                    relationship_id=row.id,
                    customer_id=row.customer_id,
                    store_id=row.store_id,
                    from_account_id=row.holder_id,
                    to_account_id=to_account_id,
                    version=row.version + 1,
                    is_fallback=not fits,
                )
            )
    return moved


async def _accounts(
    session: AsyncSession, brand_id: UUID, account_ids: Collection[UUID], store_ids: Collection[UUID]
) -> dict[UUID, Account]:
    """These accounts, and the public ones of the stores."""
    public = (col(Account.kind) == AccountKind.PUBLIC) & OneOf(col(Account.store_id), "store_ids")
    found = await session.scalars(
        select(Account).where(col(Account.brand_id) == brand_id, OneOf(col(Account.id), "account_ids") | public),
        {"account_ids": list(account_ids), "store_ids": list(store_ids)},
    )
    return {account.id: account for account in found}


async def _write(work: Work, moved: Sequence[Moved], reason: HoldingReason, by_actor_id: UUID) -> None:
    if not moved:
        return
    brand_id, at = work.actor.brand_id, clock.now()
    to = bulk.paired(work.session, {each.relationship_id: each.to_account_id for each in moved})
    await work.session.execute(
        update(Relationship)
        .where(col(Relationship.brand_id) == brand_id, col(Relationship.id) == to.c.key)
        .values(holder_id=to.c.value, touched_at=at, version=Relationship.version + 1)
        .execution_options(synchronize_session=False)
    )
    ended = await _end_holdings(work, [each.relationship_id for each in moved], at)
    await bulk.insert_rows(
        work.session,
        Holding,
        [
            {
                "brand_id": brand_id,
                "id": ids.new(),
                "relationship_id": each.relationship_id,
                "account_id": each.to_account_id,
                "reason": reason,
                "by_actor_id": by_actor_id,
                "from_at": ended.get(each.relationship_id, at),
            }
            for each in moved
        ],
    )


async def _end_holdings(work: Work, relationship_ids: Sequence[UUID], at: datetime) -> dict[UUID, datetime]:
    """End the open lines, and say when: never before they began, whatever the clock of whoever wrote them showed."""
    began = col(Holding.from_at)
    found = await work.session.execute(
        update(Holding)
        .where(
            col(Holding.brand_id) == work.actor.brand_id,
            OneOf(col(Holding.relationship_id), "relationship_ids"),
            col(Holding.until_at).is_(None),
        )
        .values(until_at=case((began > at, began), else_=at))
        .returning(col(Holding.relationship_id), col(Holding.until_at))
        .execution_options(synchronize_session=False),
        {"relationship_ids": relationship_ids},
    )
    return {row.relationship_id: row.until_at for row in found}
