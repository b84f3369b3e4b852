"""Reads of what has to be counted anew."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Account, Brand
from kernel.db import OneOf
from kpi.models import Days, KpiMark
from kpi.queries import reading
from kpi.queries.scoping import Scope

MOST_LOOKED_AT = 10_000


@dataclass(frozen=True, slots=True)
class Waiting:
    """Days of stores that are about to be counted, and of how many stores they are."""

    days: int
    stores: int


async def newest_days(session: AsyncSession, brand_id: UUID, most: int) -> Sequence[Row[*tuple[Any, ...]]]:
    """The marks that reach to the newest days: their id, store, first and last day. The oldest mark comes before them.

    Today is looked at before last year; and what has waited longest has its turn, whatever else happens today.
    """
    marked = select(col(KpiMark.id), col(KpiMark.store_id), col(KpiMark.first), col(KpiMark.last)).where(
        col(KpiMark.brand_id) == brand_id
    )
    oldest = (await session.execute(marked.order_by(col(KpiMark.id)).limit(1))).all()
    newest = await session.execute(marked.order_by(col(KpiMark.last).desc(), col(KpiMark.id)).limit(most))
    return [*oldest, *(row for row in newest if row not in oldest)]


async def all_of(session: AsyncSession, brand_id: UUID) -> Sequence[Row[*tuple[Any, ...]]]:
    """All marks: their id, store, first and last day; by store and first day."""
    found = await session.execute(
        select(col(KpiMark.id), col(KpiMark.store_id), col(KpiMark.first), col(KpiMark.last))
        .where(col(KpiMark.brand_id) == brand_id)
        .order_by(col(KpiMark.store_id), col(KpiMark.first), col(KpiMark.id))
    )
    return found.all()


async def waiting(session: AsyncSession, scope: Scope, days: Days) -> Waiting:
    """What of these days is about to be counted in the stores of the scope, or of its accounts."""
    statement = (
        select(col(KpiMark.store_id), col(KpiMark.first), col(KpiMark.last))
        .where(
            col(KpiMark.brand_id) == scope.brand_id,
            col(KpiMark.first) <= days.last,
            col(KpiMark.last) >= days.first,
        )
        .order_by(col(KpiMark.store_id), col(KpiMark.first), col(KpiMark.id))
        .limit(MOST_LOOKED_AT)
    )
    if scope.store_ids is not None:
        statement = statement.where(OneOf(col(KpiMark.store_id), "store_ids"))
    if scope.account_ids is not None:
        its = and_(col(Account.brand_id) == scope.brand_id, OneOf(col(Account.id), "account_ids"))
        statement = statement.where(col(KpiMark.store_id).in_(select(col(Account.store_id)).where(its)))
    found = (await session.execute(statement, reading.values_of(scope))).all()
    by_store = [list(rows) for _, rows in groupby(found, attrgetter("store_id"))]
    return Waiting(sum(covered(rows, days.first, days.last) for rows in by_store), len(by_store))


def covered(marks: Iterable[Any], first: date, last: date) -> int:
    """How many days from `first` to `last` these marks of a store are of, which overlap and come by first days."""
    total = 0
    for mark in marks:
        begin, end = max(first, mark.first), min(mark.last, last)
        if begin <= end:
            total += (end - begin).days + 1
            first = end + timedelta(days=1)
    return total


async def brands(session: AsyncSession) -> Sequence[UUID]:
    """The brands that have marks."""
    marked = exists().where(col(KpiMark.brand_id) == col(Brand.id))
    return (await session.scalars(select(col(Brand.id)).where(marked).order_by(col(Brand.code)))).all()
