"""Give customers their relationships: new ones where they first bought, corrected ones where that was learnt late."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

import customers.commands
import mall.commands.replace
from customers.commands import rehome
from customers.commands.rehome import Move
from customers.models import Customer, HoldingReason, Relationship
from intake.commands import places
from intake.commands.places import Home
from intake.models import ImportRun
from intake.models.home import Belonging, belonging
from intake.models.rules import fill
from intake.queries import ledger
from kernel import clock, ids
from kernel.work import Work
from mall.models import Channel, Order


@dataclass(slots=True)
class Plan:
    """What has to be written for a handful of customers."""

    customers: list[dict[str, Any]] = field(default_factory=list)
    relationships: list[dict[str, Any]] = field(default_factory=list)
    holdings: list[dict[str, Any]] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    primary: list[UUID] = field(default_factory=list)
    seen: dict[UUID, datetime] = field(default_factory=dict)
    vacated: set[str] = field(default_factory=set)


async def settle(work: Work, run: ImportRun, name: str, keys: Sequence[str]) -> int:
    """See to the customers of these member numbers; returns how many are new. `name` is the template of theirs."""
    orders = await ledger.orders_of(work.session, run, keys)
    named = await ledger.named_homes(work.session, run.brand_id, keys)
    wanted = {key: belonging(orders.get(key, []), named.get(key)) for key in keys}
    pairs = [pair for belongs in wanted.values() if belongs for pair in belongs.pairs]
    homes = await places.homes(work, pairs)
    known = await _customers(work, keys)
    present = await _relationships(work, list(known.values()))
    movable = await _movable(work, [row.id for rows in present.values() for row in rows])
    plan = Plan()
    for key, belongs in wanted.items():
        if belongs is None:
            continue
        customer_id = known.get(key)
        since = belongs.since[belongs.home]
        if customer_id is None:
            customer_id = ids.new()
            plan.customers.append(_customer(run.brand_id, customer_id, key, fill(name, {"customer": key}), since))
        elif since is not None:
            plan.seen[customer_id] = since
        _plan(plan, run.brand_id, customer_id, belongs, homes, present.get(customer_id, []), movable)
    await _carry_out(work, plan)
    plan.vacated |= await _adopt(work, {row["member_number"]: row["id"] for row in plan.customers} | known)
    run.counts = {**run.counts, "vacated": sorted({*run.counts.get("vacated", []), *plan.vacated})}
    return len(plan.customers)


def _plan(
    plan: Plan,
    brand_id: UUID,
    customer_id: UUID,
    belongs: Belonging,
    homes: dict[tuple[str, str | None], Home],
    present: Sequence[Relationship],
    movable: set[UUID],
) -> None:
    """Leave alone what a person has touched; move or correct the rest; add what is missing."""
    by_store = _by_store(present)
    primary = next((row for row in present if row.is_primary), None)
    for store, guide in belongs.pairs:
        home, since = homes[store, guide], belongs.since[store]
        row = by_store.get(home.store_id)
        if row is None and store == belongs.home and primary is not None and _is_single(belongs):
            row = primary
        if row is None:
            is_primary = store == belongs.home and primary is None
            _add(plan, brand_id, customer_id, home, since or clock.now(), is_primary)
            if store == belongs.home and primary is not None and primary.id in movable:
                plan.primary.append(plan.relationships[-1]["id"])
        elif row.id in movable:
            _correct(plan, row, home, since)
            if store == belongs.home and primary is not None and primary is not row and primary.id in movable:
                plan.primary.append(row.id)


def _by_store(present: Sequence[Relationship]) -> dict[UUID, Relationship]:
    """What the customer has in each store: where that has ended with the store, its successor elsewhere."""
    live = {row.id: row for row in present if row.ended_at is None}
    succeeded = {row.store_id: live[row.succeeded_by_id] for row in present if row.succeeded_by_id in live}
    return succeeded | {row.store_id: row for row in live.values()}


def _is_single(belongs: Belonging) -> bool:
    """Whether all that the customer bought counts at home: then the one relationship moves as a whole."""
    return len(belongs.guides) == 1


def _add(plan: Plan, brand_id: UUID, customer_id: UUID, home: Home, since: datetime, is_primary: bool) -> None:
    relationship_id = ids.new()
    plan.relationships.append(
        {
            "brand_id": brand_id,
            "id": relationship_id,
            "customer_id": customer_id,
            "store_id": home.store_id,
            "holder_id": home.account_id,
            "is_primary": is_primary,
            "created_at": since,
            "version": 1,
        }
    )
    plan.holdings.append(
        {
            "brand_id": brand_id,
            "id": ids.new(),
            "relationship_id": relationship_id,
            "account_id": home.account_id,
            "reason": HoldingReason.IMPORTED,
            "by_actor_id": UUID(int=0),
            "from_at": since,
            "until_at": None,
        }
    )


def _correct(plan: Plan, row: Relationship, home: Home, since: datetime | None) -> None:
    since = since or row.created_at
    if (row.store_id, row.holder_id, row.created_at) == (home.store_id, home.account_id, since):
        return
    plan.moves.append(Move(row.id, home.store_id, home.account_id, since))
    if (row.store_id, row.holder_id) != (home.store_id, home.account_id):
        plan.vacated.update((f"account:{row.holder_id}", f"store:{row.store_id}"))


def _customer(brand_id: UUID, customer_id: UUID, key: str, name: str, since: datetime | None) -> dict[str, Any]:
    return {
        "brand_id": brand_id,
        "id": customer_id,
        "member_number": key,
        "name": name[:60],
        "do_not_contact": False,
        "joined_at": since or clock.now(),
        "version": 1,
    }


async def _carry_out(work: Work, plan: Plan) -> None:
    await customers.commands.load(work, customers=plan.customers)
    await rehome.joined_by(work, plan.seen)
    await rehome.rehome(work, plan.moves)
    await customers.commands.load(work, relationships=plan.relationships, holdings=plan.holdings)
    await rehome.make_primary(work, plan.primary)
    await mall.commands.replace.follow(work, [move.relationship_id for move in plan.moves])


async def _customers(work: Work, keys: Sequence[str]) -> dict[str, UUID]:
    found = await work.session.execute(
        select(col(Customer.member_number), col(Customer.id))
        .where(col(Customer.brand_id) == work.actor.brand_id, col(Customer.member_number).in_(keys))
        # Before their relationships, as everywhere: whoever edits one meanwhile waits, instead of both for ever.
        .order_by(col(Customer.id))
        .with_for_update(key_share=True)
    )
    return dict(found.all())


async def _relationships(work: Work, customer_ids: Sequence[UUID]) -> dict[UUID, list[Relationship]]:
    found = await work.session.scalars(
        select(Relationship)
        .where(col(Relationship.brand_id) == work.actor.brand_id, col(Relationship.customer_id).in_(customer_ids))
        .order_by(col(Relationship.id))
        .with_for_update()
    )
    rows: dict[UUID, list[Relationship]] = {}
    for row in found:
        rows.setdefault(row.customer_id, []).append(row)
    return rows


async def _movable(work: Work, relationship_ids: Sequence[UUID]) -> set[UUID]:
    """Those that only imports have dealt with: touched by nobody, and bought through no other channel."""
    lived_in = await work.session.scalars(
        select(col(Order.relationship_id))
        .where(
            col(Order.brand_id) == work.actor.brand_id,
            col(Order.relationship_id).in_(relationship_ids),
            col(Order.channel) != Channel.FILE,
        )
        .distinct()
    )
    return await rehome.movable(work, relationship_ids) - set(lived_in)


async def _adopt(work: Work, known: dict[str, UUID]) -> set[str]:
    """Refunds that came before their customer was known are theirs now, at home; returns the stores they leave."""
    waiting = await ledger.refunds_of_nobody(work.session, work.actor.brand_id, list(known))
    if not waiting:
        return set()
    present = await _relationships(work, [known[key] for key, *_ in waiting])
    primary = {row.customer_id: row for rows in present.values() for row in rows if row.is_primary}
    await mall.commands.replace.adopt(
        work,
        [
            {
                "source": source,
                "number": number,
                "customer_id": known[key],
                "relationship_id": primary[known[key]].id,
                "store_id": primary[known[key]].store_id,
            }
            for key, source, number, _ in waiting
            if known[key] in primary
        ],
    )
    return {f"store:{store_id}" for *_, store_id in waiting}
