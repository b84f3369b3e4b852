"""Let headquarters watch an import: what they see of it changes only together with its version.

Telling is in the transaction of what is told, about once a second, and always where an import begins, enters
a phase, ends, is left behind or taken over. What is done in between is seen with the next word.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlmodel import SQLModel, col

from intake.events import ImportLeftBehind, ImportMovedOn, ImportTakenOver
from intake.models import ImportRun, Phase, StagedCustomer, StagedInvoice, StagedMember
from kernel import clock, feed
from kernel.feed import Feed, Place
from kernel.work import Work

EVERY = timedelta(seconds=1)
Told = type[ImportMovedOn | ImportLeftBehind | ImportTakenOver]
_INTERNAL = "vacated"
# What a phase goes through, in the order of its keys.
_STAGED: dict[Phase, tuple[type[SQLModel], str]] = {
    Phase.MEMBERS: (StagedMember, "customer_key"),
    Phase.CUSTOMERS: (StagedCustomer, "customer_key"),
    Phase.INVOICES: (StagedInvoice, "number"),
}


def is_due(run: ImportRun) -> bool:
    """Whether it is time for another word: also when somebody thinks that nobody is at it any more."""
    return run.left_behind_at is not None or run.told_at is None or clock.now() - run.told_at >= EVERY


async def tell(work: Work, run: ImportRun, happened: Told, progress: dict[str, int] | None = None) -> None:
    """Show the import, which this transaction has locked, as it is now.

    `progress` is `done` of `total` where only the caller knows.
    """
    run.told = {
        **(await _progress(work, run) if progress is None else progress),
        "phase": run.phase.value,
        "position": run.position,
        "counts": {key: value for key, value in run.counts.items() if key != _INTERNAL},
    }
    run.told_at = clock.now()
    run.left_behind_at = run.lease_until if happened is ImportLeftBehind else None
    run.started_over_at = None
    run.version += 1
    await work.session.flush()
    work.record(happened(run_id=run.id, version=run.version))


async def send_back(work: Work) -> None:
    """Let every phone of the brand start over."""
    brand_id = work.actor.brand_id
    await feed.new_epoch(work.session, brand_id)
    heads = await work.session.execute(
        select(col(Feed.feed_id), col(Feed.epoch), col(Feed.head)).where(col(Feed.brand_id) == brand_id)
    )
    work.heads.update({row.feed_id: Place(row.epoch, row.head) for row in heads})


async def _progress(work: Work, run: ImportRun) -> dict[str, int]:
    """How many of the phase's items are done, counted on from what was told before.

    Each is counted once, however many steps were told of: the position was written with what it stands for.
    """
    told = run.told if run.told.get("phase") == run.phase else {}
    if run.phase not in _STAGED:
        return {key: told[key] for key in ("done", "total") if key in told}
    table, name = _STAGED[run.phase]
    key = col(getattr(table, name))
    mine = (col(table.brand_id) == run.brand_id, col(table.run_id) == run.id)  # type: ignore[attr-defined]  # each has both

    async def count(*which: Any) -> int:
        return await work.session.scalar(select(func.count()).select_from(table).where(*mine, *which)) or 0

    done = told.get("done", 0) + await count(key > told.get("position", ""), key <= run.position)
    return {"done": done, "total": told["total"] if "total" in told else await count()}
