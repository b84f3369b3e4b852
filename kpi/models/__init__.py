"""Rows of figures, the calendar they follow, what each figure means, and who is told of them."""

from kpi.models.periods import CLOSING_SPANS, Days, Piece, Span
from kpi.models.rows import Grain, KpiMark, KpiSales, KpiStore, KpiTurn, KpiWork
from kpi.models.watching import KpiHook, KpiNotice, KpiWatch, PausedBecause, Side, WatchKind

__all__ = [
    "CLOSING_SPANS",
    "Days",
    "Grain",
    "KpiHook",
    "KpiMark",
    "KpiNotice",
    "KpiSales",
    "KpiStore",
    "KpiTurn",
    "KpiWatch",
    "KpiWork",
    "PausedBecause",
    "Piece",
    "Side",
    "Span",
    "WatchKind",
]
