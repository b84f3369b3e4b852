"""Load many rows at once, for imports and demo data; says nothing to phones."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from customers.events import RelationshipsLoaded
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
    say_begun(work, ((row["store_id"], row["created_at"]) for row in relationships))


def say_begun(work: Work, moments: Iterable[tuple[UUID, datetime]]) -> None:
    """Say in which stores relationships began, or were said to, and when."""
    known = frozenset(moments)
    if known:
        work.record(RelationshipsLoaded(known))
