"""Apply a staged import one short transaction at a time, each of which notes how far it came."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlmodel import col

from intake.commands import finish, homes, invoices, members, places, runs
from intake.models import ImportRun, Phase, StagedCustomer
from intake.models.mapping import AnyMapping, MemberMapping, OrderMapping
from kernel.work import Work
from mall.commands.catalogue import LastSold

CUSTOMERS_AT_ONCE = 100


async def step(
    work: Work, run: ImportRun, mapping: AnyMapping, stale: Sequence[LastSold] = ()
) -> tuple[ImportRun, int]:
    """Do the next bit of an import that is past staging; returns it as it is now, and how many items were dealt with.

    `stale` is what the catalogue has to learn, read beforehand for the last step.
    Raises `IMPORT_LOST` when another process has taken the import over.
    """
    run = await runs.hold(work, run)
    done = 0
    match run.phase, mapping:
        case Phase.PLACES, _:
            await places.prepare(work, run, mapping)
            following = Phase.MEMBERS if isinstance(mapping, MemberMapping) else Phase.CUSTOMERS
            await runs.advance(work, run, following)
        case Phase.MEMBERS, MemberMapping():
            last, done = await members.apply_next(work, run)
            await _go_on(work, run, last, done, Phase.CUSTOMERS)
        case Phase.CUSTOMERS, _:
            last, done = await _settle_next(work, run, mapping)
            following = Phase.INVOICES if isinstance(mapping, OrderMapping) else Phase.FINISHING
            await _go_on(work, run, last, done, following)
        case Phase.INVOICES, OrderMapping():
            last, done = await invoices.apply_next(work, run, mapping)
            await _go_on(work, run, last, done, Phase.FINISHING)
        case Phase.FINISHING, _:
            await finish.finish(work, run, stale)
    return run, done


async def _go_on(work: Work, run: ImportRun, last: str, done: int, following: Phase) -> None:
    if done:
        await runs.advance(work, run, run.phase, last)
    else:
        await runs.advance(work, run, following)


async def _settle_next(work: Work, run: ImportRun, mapping: AnyMapping) -> tuple[str, int]:
    found = await work.session.scalars(
        select(col(StagedCustomer.customer_key))
        .where(
            col(StagedCustomer.brand_id) == run.brand_id,
            col(StagedCustomer.run_id) == run.id,
            col(StagedCustomer.customer_key) > run.position,
        )
        .order_by(col(StagedCustomer.customer_key))
        .limit(CUSTOMERS_AT_ONCE)
    )
    keys = found.all()
    if not keys:
        return run.position, 0
    name = mapping.customer.name if isinstance(mapping, OrderMapping) else "{customer}"
    new = await homes.settle(work, run, name, keys)
    run.counts = {**run.counts, "new_customers": run.counts.get("new_customers", 0) + new}
    return keys[-1], len(keys)
