"""Load many rows at once, for imports and demo data; says nothing to phones."""

from collections.abc import Mapping, Sequence
from typing import Any

from directory.models import Account, Assignment, Brand, Region, Staff, Store
from kernel import bulk
from kernel.work import Work

Rows = Sequence[Mapping[str, Any]]


async def load(
    work: Work,
    *,
    brands: Rows = (),
    regions: Rows = (),
    stores: Rows = (),
    staff: Rows = (),
    assignments: Rows = (),
    accounts: Rows = (),
) -> None:
    """Insert rows as they are, parents first. The caller answers for their being right and new.

    Nobody's phone is told row by row: whoever loads gives the brand's feeds a new epoch in the end.
    """
    await bulk.insert_rows(work.session, Brand, brands)
    await bulk.insert_rows(work.session, Region, regions)
    await bulk.insert_rows(work.session, Store, stores)
    await bulk.insert_rows(work.session, Staff, staff)
    await bulk.insert_rows(work.session, Assignment, assignments)
    await bulk.insert_rows(work.session, Account, accounts)
