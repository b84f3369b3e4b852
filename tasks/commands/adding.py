"""Give many people something to do at once, on a machine's behalf."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from customers.queries import relationships
from kernel import bulk, clock, ids
from kernel.work import Work
from tasks.commands.changing import of
from tasks.commands.telling import tell
from tasks.events import TaskAdded
from tasks.models import Task

MOST_AT_ONCE = 500

Rows = Sequence[Mapping[str, Any]]


async def add_made(work: Work, rows: Rows) -> list[UUID]:
    """Make tasks that a machine thought of, at most 500 a call; returns the ids of those that were made, in order.

    A row names columns of `Task`: at least `kind`, `title`, `due_at`, `source`, and `relationship_id`, or the
    `store_id` and `account_id` of a task about nobody. A task about a relationship is kept by whoever holds it by
    now. Without an `id` one is made. Left out is what is there already: the same id or `source_key`, or a claim of
    the customer for the same `contact_day`; and what is about a relationship that has gone.
    """
    if len(rows) > MOST_AT_ONCE:
        raise ValueError(f"{len(rows)} tasks at once: at most {MOST_AT_ONCE}")
    tasks = await _kept_by_holders(work, rows)
    # In one order of what is unique, so that two stores that claim the same customers find each other in turn.
    tasks.sort(key=lambda task: (str(task.customer_id), str(task.contact_day), task.source_key or "", task.id))
    made = await bulk.insert_missing(work.session, Task, [task.model_dump() for task in tasks])
    known = {task.id: task for task in tasks}
    added = [known[task_id] for task_id in sorted(row.id for row in made)]
    await tell(work, *(of(task, TaskAdded) for task in added))
    return [task.id for task in added]


async def _kept_by_holders(work: Work, rows: Rows) -> list[Task]:
    brand_id, at = work.actor.brand_id, clock.now()
    about = {row["relationship_id"] for row in rows if row.get("relationship_id")}
    held = await relationships.hold_many(work.session, brand_id, about)
    tasks = []
    for row in rows:
        whose: dict[str, UUID] = {}
        if row.get("relationship_id"):
            found = held.get(row["relationship_id"])
            if found is None:
                continue
            whose = {"store_id": found.store_id, "account_id": found.holder_id, "customer_id": found.customer_id}
        values: dict[str, Any] = {"id": ids.new(), "created_at": at, **row, **whose, "brand_id": brand_id}
        tasks.append(Task(**values))
    return tasks
