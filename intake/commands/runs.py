"""Begin an import, hold on to it, take over one that was left behind, and clear up after it."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel, col

from intake.commands import telling
from intake.errors import ImportBusy, ImportLost
from intake.events import ImportBegun, ImportForgotten, ImportMovedOn, ImportTakenOver
from intake.models import (
    ImportedPlace,
    ImportRun,
    Kind,
    Phase,
    StagedCustomer,
    StagedInvoice,
    StagedMember,
    StagedPiece,
)
from kernel import clock, ids
from kernel.work import Work

LEASE = timedelta(seconds=10)
_AT_ONCE = 500
_STAGING: Sequence[tuple[type[SQLModel], str]] = (
    (StagedPiece, "number"),
    (StagedInvoice, "number"),
    (StagedMember, "customer_key"),
    (StagedCustomer, "customer_key"),
)


async def begin(
    work: Work,
    *,
    brand_code: str,
    kind: Kind,
    source: str,
    file_name: str,
    fingerprint: str,
    mapping: dict[str, Any],
    as_of: date | None,
) -> ImportRun:
    """Open an import; its brand may not exist yet. Raises `IMPORT_BUSY` when one is open in the brand."""
    at = clock.now()
    run = ImportRun(
        brand_id=work.actor.brand_id,
        id=ids.new(),
        brand_code=brand_code,
        kind=kind,
        source=source,
        file_name=file_name,
        fingerprint=fingerprint,
        mapping=mapping,
        as_of=as_of,
        phase=Phase.STAGING,
        counts={},
        token=uuid4(),
        lease_until=at + LEASE,
        started_at=at,
        told_at=at,
    )
    insert = sqlite.insert if work.session.get_bind().dialect.name == "sqlite" else postgresql.insert
    begun = await work.session.scalar(
        insert(ImportRun).values(**run.model_dump()).on_conflict_do_nothing().returning(col(ImportRun.id))
    )
    if begun is None:
        raise ImportBusy
    work.record(ImportBegun(run_id=run.id, version=run.version))
    return run


async def take_over(work: Work, run_id: UUID) -> ImportRun | None:
    """Go on with an import that somebody left behind; `None` when it is over. Raises `IMPORT_BUSY` while it is held."""
    at = clock.now()
    run = await _locked(work, run_id)
    if run is None or run.finished_at is not None:
        return None
    if run.lease_until > at:
        raise ImportBusy
    run.token, run.lease_until = uuid4(), at + LEASE
    await telling.tell(work, run, ImportTakenOver)
    return run


async def hold(work: Work, run: ImportRun) -> ImportRun:
    """The import as it is now, locked, its lease renewed. Raises `IMPORT_LOST` when somebody took it over."""
    found = await _locked(work, run.id)
    if found is None or found.token != run.token:
        raise ImportLost
    found.lease_until = clock.now() + LEASE
    return found


async def clear(work: Work, run: ImportRun) -> bool:
    """Delete some of what the import has staged; true when nothing is left."""
    await renew(work, run)
    for table, key in _STAGING:
        column = col(getattr(table, key))
        mine = (col(table.brand_id) == run.brand_id, col(table.run_id) == run.id)  # type: ignore[attr-defined]  # each has both
        some = select(column).where(*mine).order_by(column).limit(_AT_ONCE)
        if await work.session.scalar(select(column).where(*mine).limit(1)) is not None:
            await work.session.execute(delete(table).where(*mine, column.in_(some)))
            return False
    return True


async def forget(work: Work, run: ImportRun) -> None:
    """Delete an import that came to nothing, after its staging was cleared."""
    await work.session.execute(
        delete(ImportedPlace).where(col(ImportedPlace.brand_id) == run.brand_id, col(ImportedPlace.run_id) == run.id)
    )
    version = await work.session.scalar(
        delete(ImportRun)
        .where(col(ImportRun.brand_id) == run.brand_id, col(ImportRun.id) == run.id)
        .returning(col(ImportRun.version))
    )
    if version is not None:
        work.record(ImportForgotten(run_id=run.id, version=version + 1))


async def advance(work: Work, run: ImportRun, phase: Phase, position: str = "") -> None:
    """Write down how far the import is; in the transaction of what was done."""
    is_entered = phase is not run.phase
    run.phase, run.position = phase, position
    if phase is Phase.DONE:
        run.finished_at = clock.now()
    await work.session.flush()
    if is_entered or telling.is_due(run):
        await telling.tell(work, run, ImportMovedOn)


async def show_staging(
    work: Work, run: ImportRun, phase: Phase, counts: Callable[[], dict[str, Any]], done: int, total: int
) -> ImportRun:
    """Let the staging be seen when it is time; returns the import to go on with. In a transaction that has renewed it.

    `counts` is asked only when they are told.
    """
    if phase is run.phase and not telling.is_due(run):
        return run
    held = await hold(work, run)
    held.phase, held.counts = phase, counts()
    await telling.tell(work, held, ImportMovedOn, {"done": min(done, total), "total": total})
    return held


async def renew(work: Work, run: ImportRun) -> None:
    """Say that this process is still at it."""
    kept = await work.session.execute(
        update(ImportRun)
        .where(col(ImportRun.brand_id) == run.brand_id, col(ImportRun.id) == run.id, col(ImportRun.token) == run.token)
        .values(lease_until=clock.now() + LEASE)
        .returning(col(ImportRun.left_behind_at))
    )
    found = kept.one_or_none()
    if found is None:
        raise ImportLost
    run.left_behind_at = found.left_behind_at  # by somebody who thought so


async def _locked(work: Work, run_id: UUID) -> ImportRun | None:
    return await work.session.scalar(
        select(ImportRun)
        .where(col(ImportRun.brand_id) == work.actor.brand_id, col(ImportRun.id) == run_id)
        .with_for_update()
    )
