"""Who sees imports: headquarters. What an import brings is told to nobody row by row: phones start over, once."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory import policy as directory
from directory.events import StaffMoved
from intake.events import ImportApplied, ImportEvent, ImportForgotten
from intake.models import HookMessage, HookRefusal, HookSecret, HookSource, ImportRun
from kernel import feed
from kernel.actor import Actor, Role
from kernel.errors import Forbidden

IMPORT_RUN = "import_run"

Hook = HookSource | HookSecret | HookMessage | HookRefusal


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """An import concerns the whole brand: nobody below headquarters, and no machine, has a part of it."""
    ours = col(ImportRun.brand_id) == actor.brand_id
    if actor.role in (Role.HQ, Role.SYSTEM):
        return ours
    return and_(ours, false())


def hooks_visible_to(model: type[Hook], actor: Actor) -> ColumnElement[bool]:
    """Sources, their secrets and what they sent concern the whole brand, and hold buyers' addresses: as imports."""
    ours = col(model.brand_id) == actor.brand_id
    if actor.role in (Role.HQ, Role.SYSTEM):
        return ours
    return and_(ours, false())


def require_hook_keeper(actor: Actor) -> None:
    """Headquarters connects malls, and mends what they sent. Raises `FORBIDDEN`."""
    if actor.role not in (Role.HQ, Role.SYSTEM):
        raise Forbidden


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


async def staff_moved_seen_by(session: AsyncSession, brand_id: UUID, events: Sequence[StaffMoved]) -> list[feed.Entry]:
    """As the directory says; besides, imports are news for whoever comes from a region to headquarters, or goes there.

    They follow the same feed as before, so their phone doesn't start over as it does for whoever comes from a store.
    """
    entries = await directory.staff_seen_by(session, brand_id, events)
    moved = [event.staff_id for event in events if event.store_id is None and event.from_store_id is None]
    if moved:
        found = await session.execute(
            select(col(ImportRun.id), col(ImportRun.version)).where(col(ImportRun.brand_id) == brand_id)
        )
        runs = found.all()
        entries += [
            feed.Entry(feed.of_staff(staff_id), IMPORT_RUN, run_id, version)
            for staff_id in moved
            for run_id, version in runs
        ]
    return entries


async def seen_by_nobody(session: AsyncSession, brand_id: UUID, events: Sequence[ImportApplied]) -> list[feed.Entry]:
    """No entries: `feed.new_epoch` has been called in the same commit."""
    return []
