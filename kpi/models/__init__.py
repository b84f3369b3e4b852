"""Rows of figures, the calendar they follow, and what each figure means."""

from kpi.models.periods import CLOSING_SPANS, Days, Piece, Span
from kpi.models.rows import Grain, KpiMark, KpiSales, KpiStore, KpiTurn, KpiWork

__all__ = [
    "CLOSING_SPANS",
    "Days",
    "Grain",
    "KpiMark",
    "KpiSales",
    "KpiStore",
    "KpiTurn",
    "KpiWork",
    "Piece",
    "Span",
]
