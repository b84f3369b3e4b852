"""Close an import: the catalogue as last sold, nothing left over, and one word to the phones."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

import mall.commands.catalogue
from customers.models import Holding, Relationship
from directory.commands import unload
from directory.models import Account, Staff
from intake.commands import runs, telling
from intake.events import ImportApplied
from intake.models import ImportedPlace, ImportRun, Phase, PlaceKind
from kernel.work import Work
from mall.commands.catalogue import LastSold
from mall.models import Credit, Order, Refund


async def finish(work: Work, run: ImportRun, stale: Sequence[LastSold]) -> None:
    """Bring the catalogue up to date, tidy up, and send every phone of the brand back to the start, once.

    When nothing was new, only headquarters hear that it is over.
    """
    if run.has_news:
        await _settle(work, run, stale)
    await runs.advance(work, run, Phase.DONE)


async def _settle(work: Work, run: ImportRun, stale: Sequence[LastSold]) -> None:
    await mall.commands.catalogue.refresh(work, stale)
    await _tidy(work, run.brand_id, run.counts.get("vacated", []))
    await telling.send_back(work)
    work.record(ImportApplied(run_id=run.id, kind=run.kind.value, source=run.source))


async def _tidy(work: Work, brand_id: UUID, vacated: Sequence[str]) -> None:
    """Take back stores and guides made by imports for customers who turned out to be at home elsewhere."""
    accounts = [UUID(place.removeprefix("account:")) for place in vacated if place.startswith("account:")]
    store_ids = [UUID(place.removeprefix("store:")) for place in vacated if place.startswith("store:")]
    for column in (
        col(Relationship.holder_id),
        col(Holding.account_id),
        col(Credit.account_id),
        col(Order.serving_account_id),
    ):
        accounts = await _unused(work, brand_id, column, accounts)
    found = await work.session.scalars(
        select(col(Staff.id))
        .join(Account, (col(Account.brand_id) == col(Staff.brand_id)) & (col(Account.staff_id) == col(Staff.id)))
        .where(col(Staff.brand_id) == brand_id, col(Account.id).in_(accounts))
    )
    await unload.guides(work, await _made_here(work, brand_id, PlaceKind.GUIDE, found.all()))
    for column in (col(Relationship.store_id), col(Order.store_id), col(Refund.store_id)):
        store_ids = await _unused(work, brand_id, column, store_ids)
    await unload.stores(work, await _made_here(work, brand_id, PlaceKind.STORE, store_ids))


async def _unused(work: Work, brand_id: UUID, column: object, keys: list[UUID]) -> list[UUID]:
    used = set(
        await work.session.scalars(
            select(column).where(column.class_.brand_id == brand_id, column.in_(keys)).distinct()  # type: ignore[attr-defined,call-overload]  # a mapped column
        )
    )
    return [key for key in keys if key not in used]


async def _made_here(work: Work, brand_id: UUID, kind: PlaceKind, keys: Sequence[UUID]) -> list[UUID]:
    found = await work.session.scalars(
        select(col(ImportedPlace.created_id)).where(
            col(ImportedPlace.brand_id) == brand_id,
            col(ImportedPlace.kind) == kind,
            col(ImportedPlace.created_id).in_(keys),
        )
    )
    return [key for key in found if key is not None]
