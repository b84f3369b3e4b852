"""Who is in a ranking besides those who have figures, and by what ties among them are told apart."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Staff
from directory.policy import serves
from directory.queries import regions
from directory.queries.regions import RegionRow
from kernel.actor import Actor, Role
from kernel.db import OneOf
from kpi.queries.scoping import Scope, StoreRow

_WORKS_IN: Any = col(Staff.store_id)


async def numbers(session: AsyncSession, scope: Scope, found: Collection[UUID]) -> dict[UUID, str]:
    """The numbers of the guides who work in these stores, and of whoever else has figures there.

    Where single people are asked for, of those alone, if they have figures.
    """
    listed: Select[*tuple[Any, ...]] = select(col(Staff.id), col(Staff.number)).where(
        col(Staff.brand_id) == scope.brand_id
    )
    working = listed.where(col(Staff.role) == Role.GUIDE, serves())
    if scope.store_ids is not None:
        working = working.where(OneOf(_WORKS_IN, "store_ids"))
    values = {} if scope.store_ids is None else {"store_ids": list(scope.store_ids)}
    connection = await session.connection()
    known: dict[UUID, str] = {}
    if scope.account_ids is None:
        known.update((await connection.execute(working, values)).all())
    others = [key for key in found if key not in known]
    if others:
        left = await connection.execute(listed.where(OneOf(col(Staff.id), "staff_ids")), {"staff_ids": others})
        known.update(left.all())
    return known


async def regions_of(
    session: AsyncSession, actor: Actor, region_id: UUID | None, stores: Sequence[StoreRow]
) -> dict[UUID, RegionRow]:
    """As which region each store counts: one right below the region asked for, or this one itself.

    Without one it is the topmost in sight; where there are several of these, they are the regions.
    """
    by_path = {row.path: row for row in (await regions.by_codes(session, actor)).values()}
    top = _top(by_path, region_id)
    found: dict[UUID, RegionRow] = {}
    for store in stores:
        below = store.region_path.removeprefix(top)
        found[store.id] = by_path[top + below.partition("/")[0] + "/" if below else top]
    return found


def _top(by_path: Mapping[str, RegionRow], region_id: UUID | None) -> str:
    """The path that the regions lie right below; what several trees have in common is the root that none of them is."""
    if region_id is not None:
        return next(path for path, row in by_path.items() if row.id == region_id)
    tops = [path for path in by_path if not any(path != other and path.startswith(other) for other in by_path)]
    return tops[0] if len(tops) == 1 else "/"
