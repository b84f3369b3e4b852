"""What is counted, as statements that are made once for each kind of database."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, select, tuple_
from sqlmodel import col

from kpi.models import CLOSING_SPANS, KpiSales, KpiWork, Span
from kpi.queries import store_days
from kpi.queries.counted import over, sold, worked
from kpi.queries.store_days import brand

Rows = type[KpiSales] | type[KpiWork]


@dataclass(frozen=True, slots=True)
class Counting:
    """How rows of a table are counted: their columns, what the base rows say, and which kept rows that stands for."""

    model: Rows
    names: Sequence[str]
    fresh: Select[*tuple[Any, ...]]
    kept: ColumnElement[bool]


@cache
def of_days(dialect: str) -> tuple[Counting, ...]:
    """The rows of days, to be run with the values of `store_days`."""
    tables = store_days.tables(dialect)
    listed = select(tables.days.c.store_id, tables.days.c.day)

    def kept(model: Rows) -> ColumnElement[bool]:
        its = tuple_(col(model.store_id), col(model.starts_on)).in_(listed)
        return and_(col(model.brand_id) == brand(), col(model.span) == Span.DAY, its)

    return (
        Counting(KpiSales, sold.columns(), sold.rows(tables), kept(KpiSales)),
        Counting(KpiWork, worked.columns(), worked.rows(tables.days), kept(KpiWork)),
    )


@cache
def of_spans(dialect: str) -> tuple[Counting, ...]:
    """The rows of weeks and months that are over, to be run with the values of `over`."""
    tables = over.tables(dialect)
    listed = select(tables.spans.c.store_id, tables.spans.c.span, tables.spans.c.begin)

    def kept(model: Rows) -> ColumnElement[bool]:
        its = tuple_(col(model.store_id), col(model.span), col(model.starts_on)).in_(listed)
        # Said once more for the sake of the index.
        return and_(col(model.brand_id) == brand(), col(model.span).in_(CLOSING_SPANS), its)

    return (
        Counting(KpiSales, sold.columns(), over.sales(tables), kept(KpiSales)),
        Counting(KpiWork, worked.columns(), over.work(tables), kept(KpiWork)),
    )
