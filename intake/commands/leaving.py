"""See to imports that nobody is at any more: say so, and don't let phones go without what they had applied."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from intake.commands import telling
from intake.events import ImportLeftBehind
from intake.models import APPLYING, ImportRun
from kernel import clock
from kernel.work import Work

# Whoever means to go on with it has done so by then; going on later costs the phones one more start.
LONG = timedelta(minutes=15)


async def let_go(work: Work, run: ImportRun) -> None:
    """Give up an import that this process was at, so that the next one needn't wait for the lease to end."""
    found = await _locked(work, run.id)
    if found is not None and found.token == run.token:
        found.lease_until = clock.now()
        await telling.tell(work, found, ImportLeftBehind)


async def see_to(work: Work, run_id: UUID) -> None:
    """Tell that an import was left behind; if that was long ago, send the brand's phones back to the start, once.

    What its steps have changed so far is in no feed: it would have been said at the end.
    """
    run, at = await _locked(work, run_id), clock.now()
    if run is None or run.lease_until > at:
        return
    if run.left_behind_at is None:
        await telling.tell(work, run, ImportLeftBehind)
    if run.started_over_at is None and run.lease_until <= at - LONG and run.phase in APPLYING:
        run.started_over_at = at
        if run.has_news:
            await telling.send_back(work)


async def _locked(work: Work, run_id: UUID) -> ImportRun | None:
    """The import, unless it is over, or somebody is at it this very moment."""
    return await work.session.scalar(
        select(ImportRun)
        .where(
            col(ImportRun.brand_id) == work.actor.brand_id,
            col(ImportRun.id) == run_id,
            col(ImportRun.finished_at).is_(None),
        )
        .with_for_update(skip_locked=True)
    )
