"""Who hears of what, and what reacts to it: one plain table from event to feeds and jobs."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

import intake.policy
import tasks.policy
from intake.events import ImportApplied
from kernel import feed, jobs
from kernel.work import Event
from tasks.events import TaskAdded, TaskCompleted, TaskMoved, TaskSnoozed

SeenBy = Callable[[AsyncSession, UUID, Sequence[Any]], Awaitable[list[feed.Entry]]]
Reaction = Callable[[Any], jobs.Request]

SEEN_BY: dict[type, SeenBy] = {
    ImportApplied: intake.policy.seen_by,
    TaskAdded: tasks.policy.seen_by,
    TaskCompleted: tasks.policy.seen_by,
    TaskMoved: tasks.policy.seen_by,
    TaskSnoozed: tasks.policy.seen_by,
}

REACTIONS: dict[type, tuple[Reaction, ...]] = {}

HANDLERS: dict[str, jobs.Handler] = {}


class Table:
    """The wiring as the unit of work asks for it."""

    async def seen_by(self, session: AsyncSession, brand_id: UUID, events: Sequence[Event]) -> list[feed.Entry]:
        by_reader: dict[SeenBy, list[Event]] = defaultdict(list)
        for event in events:
            by_reader[SEEN_BY[type(event)]].append(event)
        return [entry for reader, group in by_reader.items() for entry in await reader(session, brand_id, group)]

    def reactions(self, events: Sequence[Event]) -> list[jobs.Request]:
        return [reaction(event) for event in events for reaction in REACTIONS.get(type(event), ())]


wiring = Table()
