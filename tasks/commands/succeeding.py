"""Let open tasks go on with the successors of their relationships, in another store."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import case, literal, select, update
from sqlmodel import col

from customers.models import Relationship
from kernel import bulk, clock
from kernel.db import OneOf, UtcDateTime
from kernel.work import Work
from tasks.commands.telling import tell
from tasks.events import TaskMoved
from tasks.models import Task, TaskState
from tasks.models.hours import EMERGENCY
from tasks.queries import hours
from tasks.queries import tasks as queries
from tasks.queries.tasks import TaskRow

_IDS = "ids"


async def hand_on(work: Work, heirs: Mapping[UUID, UUID]) -> int:
    """Let whoever holds the successors keep the open tasks about these relationships; returns how many there were.

    What was done stays where it was done, and so does the day for which a machine claimed the customer: that is the
    customer's, of whatever store. Part of ending the relationships, which the caller has locked and may end.
    """
    rows = await queries.lock_open(work.session, work.actor.brand_id, list(heirs))
    await _hang(work, rows, {row.id: heirs[row.relationship_id] for row in rows})
    return len(rows)


async def of_relationships(work: Work, relationship_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """The ids of the open tasks about these relationships, by relationship."""
    found: dict[UUID, list[UUID]] = {}
    for row in await queries.lock_open(work.session, work.actor.brand_id, list(relationship_ids)):
        found.setdefault(row.relationship_id, []).append(row.id)
    return found


async def give_back(work: Work, homes: Mapping[UUID, UUID]) -> None:
    """Let those of these tasks that are open go back to the relationships that they came from, which live again."""
    found = await work.session.execute(
        select(*Task.__table__.columns)  # type: ignore[attr-defined]  # set by SQLModel
        .where(
            col(Task.brand_id) == work.actor.brand_id,
            OneOf(col(Task.id), _IDS),
            col(Task.state) == TaskState.PENDING,
        )
        .order_by(col(Task.id))
        .with_for_update(key_share=True),
        {_IDS: list(homes)},
    )
    rows = found.all()
    await _hang(work, rows, {row.id: homes[row.id] for row in rows})


async def _hang(work: Work, rows: Sequence[TaskRow], homes: Mapping[UUID, UUID]) -> None:
    if not rows:
        return
    brand_id, to = work.actor.brand_id, bulk.paired(work.session, homes)
    keepers = await _keepers(work, list(homes.values()))
    heard = await _heard(work, {store_id for store_id, _ in keepers.values()})
    await work.session.execute(
        update(Task)
        .where(
            col(Task.brand_id) == brand_id,
            col(Task.id) == to.c.key,
            col(Relationship.brand_id) == brand_id,
            col(Relationship.id) == to.c.value,
        )
        .values(
            relationship_id=to.c.value,
            store_id=col(Relationship.store_id),
            account_id=col(Relationship.holder_id),
            seen_at=None,
            alert_at=case((col(Task.alert_at) > heard, col(Task.alert_at)), else_=heard),
            version=Task.version + 1,
        )
        .execution_options(synchronize_session=False)
    )
    await tell(work, *(TaskMoved(row.id, row.account_id, keepers[homes[row.id]][1], row.version + 1) for row in rows))


async def _keepers(work: Work, relationship_ids: Collection[UUID]) -> dict[UUID, tuple[UUID, UUID]]:
    """The store and the holder of each relationship."""
    found = await work.session.execute(
        select(col(Relationship.id), col(Relationship.store_id), col(Relationship.holder_id)).where(
            col(Relationship.brand_id) == work.actor.brand_id, OneOf(col(Relationship.id), _IDS)
        ),
        {_IDS: list(relationship_ids)},
    )
    return {key: (store_id, holder_id) for key, store_id, holder_id in found}


async def _heard(work: Work, store_ids: Collection[UUID]) -> Any:
    """When phones of the relationship's store may be told: not before they would have been anyway."""
    at, by_store = clock.now(), await hours.of_stores(work.session, work.actor.brand_id, store_ids)
    return case(
        *(
            (
                (col(Relationship.store_id) == store_id) & (col(Task.priority) >= EMERGENCY)
                if is_urgent
                else col(Relationship.store_id) == store_id,
                literal(there.heard_from(at, EMERGENCY if is_urgent else EMERGENCY - 1), type_=UtcDateTime()),
            )
            for store_id, there in sorted(by_store.items())
            for is_urgent in (True, False)
        )
    )
