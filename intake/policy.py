"""Who sees imports: headquarters. What an import brings is told to nobody row by row: phones start over, once."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory import policy as directory
from intake.events import ImportApplied, ImportEvent, ImportForgotten
from intake.models import ImportRun
from kernel import feed
from kernel.actor import Actor, Role

IMPORT_RUN = "import_run"


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """An import concerns the whole brand: nobody below headquarters, and no machine, has a part of it."""
    ours = col(ImportRun.brand_id) == actor.brand_id
    if actor.role in (Role.HQ, Role.SYSTEM):
        return ours
    return and_(ours, false())


async def seen_by(session: AsyncSession, brand_id: UUID, events: Sequence[ImportEvent]) -> list[feed.Entry]:
    """Everybody at headquarters; nobody as long as the brand isn't there."""
    feeds = await directory.headquarters(session, brand_id)
    return [
        feed.Entry(
            feed_id,
            IMPORT_RUN,
            event.run_id,
            event.version,
            feed.Op.DEL if isinstance(event, ImportForgotten) else feed.Op.PUT,
        )
        for event in events
        for feed_id in feeds
    ]


async def seen_by_nobody(session: AsyncSession, brand_id: UUID, events: Sequence[ImportApplied]) -> list[feed.Entry]:
    """No entries: `feed.new_epoch` has been called in the same commit."""
    return []
