"""Load many rows at once, for imports and demo data; says nothing to phones."""

from collections.abc import Mapping, Sequence
from typing import Any

from customers.models import Customer, Holding, Note, Relationship, Visit
from kernel import bulk
from kernel.work import Work

Rows = Sequence[Mapping[str, Any]]


async def load(
    work: Work,
    *,
    customers: Rows = (),
    relationships: Rows = (),
    holdings: Rows = (),
    visits: Rows = (),
    notes: Rows = (),
) -> None:
    """Insert rows as they are, parents first. The caller answers for their being right and new.

    Nobody's phone is told row by row: whoever loads gives the brand's feeds a new epoch in the end.
    """
    await bulk.insert_rows(work.session, Customer, customers)
    await bulk.insert_rows(work.session, Relationship, relationships)
    await bulk.insert_rows(work.session, Holding, holdings)
    await bulk.insert_rows(work.session, Visit, visits)
    await bulk.insert_rows(work.session, Note, notes)
