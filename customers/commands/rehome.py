"""Correct where imported relationships are at home, many at once; what a person touched is not the caller's to give."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlmodel import col

from customers.commands.load import say_begun
from customers.models import Customer, Holding, HoldingReason, Relationship
from customers.policy import is_live
from kernel.work import Work


@dataclass(frozen=True, slots=True)
class Move:
    """A relationship as it should have been from the start: its store, the account that holds it, since when."""

    relationship_id: UUID
    store_id: UUID
    holder_id: UUID
    since: datetime


async def movable(work: Work, relationship_ids: Sequence[UUID]) -> set[UUID]:
    """Those that no person has touched, and that were never held for another reason than an import."""
    brand_id = work.actor.brand_id
    lived_in = select(col(Holding.relationship_id)).where(
        col(Holding.brand_id) == brand_id,
        col(Holding.relationship_id).in_(relationship_ids),
        col(Holding.reason) != HoldingReason.IMPORTED,
    )
    found = await work.session.scalars(
        select(col(Relationship.id)).where(
            col(Relationship.brand_id) == brand_id,
            col(Relationship.id).in_(relationship_ids),
            col(Relationship.touched_at).is_(None),
            is_live(),
            col(Relationship.id).not_in(lived_in),
        )
    )
    return set(found)


async def rehome(work: Work, moves: Sequence[Move]) -> None:
    """Put relationships where they belong, as if they had never been elsewhere: history is corrected, not extended."""
    if not moves:
        return
    brand_id = work.actor.brand_id
    begun = await work.session.execute(
        select(col(Relationship.store_id), col(Relationship.created_at)).where(
            col(Relationship.brand_id) == brand_id,
            col(Relationship.id).in_([move.relationship_id for move in moves]),
        )
    )
    say_begun(work, [*((row[0], row[1]) for row in begun), *((move.store_id, move.since) for move in moves)])
    connection = await work.session.connection()
    await connection.execute(
        update(Relationship.__table__)  # type: ignore[attr-defined]  # a table
        .where(col(Relationship.brand_id) == brand_id, col(Relationship.id) == bindparam("key"))
        .values(
            store_id=bindparam("store"),
            holder_id=bindparam("holder"),
            created_at=bindparam("since"),
            version=Relationship.version + 1,
        ),
        [_named(move) for move in moves],
    )
    await connection.execute(
        update(Holding.__table__)  # type: ignore[attr-defined]  # a table
        .where(
            col(Holding.brand_id) == brand_id,
            col(Holding.relationship_id) == bindparam("key"),
            col(Holding.until_at).is_(None),
        )
        .values(account_id=bindparam("holder"), from_at=bindparam("since")),
        [{key: value for key, value in _named(move).items() if key != "store"} for move in moves],
    )


def _named(move: Move) -> dict[str, Any]:
    return {"key": move.relationship_id, "store": move.store_id, "holder": move.holder_id, "since": move.since}


async def make_primary(work: Work, relationship_ids: Sequence[UUID]) -> None:
    """Let these be the primary relationships of their customers, and the customers' others not."""
    if not relationship_ids:
        return
    brand_id = work.actor.brand_id
    customers = select(col(Relationship.customer_id)).where(
        col(Relationship.brand_id) == brand_id, col(Relationship.id).in_(relationship_ids)
    )
    for chosen, is_primary in ((col(Relationship.id).not_in(relationship_ids), False), (None, True)):
        which = chosen if chosen is not None else col(Relationship.id).in_(relationship_ids)
        await work.session.execute(
            update(Relationship)
            .where(
                col(Relationship.brand_id) == brand_id,
                col(Relationship.customer_id).in_(customers),
                col(Relationship.is_primary).is_not(is_primary),
                which,
            )
            .values(is_primary=is_primary, version=Relationship.version + 1)
            .execution_options(synchronize_session=False)
        )


async def joined_by(work: Work, first_seen: Mapping[UUID, datetime]) -> None:
    """Customers have been here at least since then; an earlier date that is known stays."""
    if not first_seen:
        return
    connection = await work.session.connection()
    await connection.execute(
        update(Customer.__table__)  # type: ignore[attr-defined]  # a table
        .where(
            col(Customer.brand_id) == work.actor.brand_id,
            col(Customer.id) == bindparam("key"),
            col(Customer.joined_at) > bindparam("seen"),
        )
        .values(joined_at=bindparam("seen"), version=Customer.version + 1),
        [{"key": customer_id, "seen": seen} for customer_id, seen in first_seen.items()],
    )
