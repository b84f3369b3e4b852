"""Who sees an event, which jobs react to it, and what runs a job: one plain table."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kernel import feed, jobs
from kernel.work import Event


class _Wiring:
    async def seen_by(self, session: AsyncSession, brand_id: UUID, events: Sequence[Event]) -> list[feed.Entry]:
        return []

    def reactions(self, events: Sequence[Event]) -> list[jobs.Request]:
        return []


wiring = _Wiring()

HANDLERS: dict[str, jobs.Handler] = {}
