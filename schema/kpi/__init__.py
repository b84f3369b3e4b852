"""Figures in GraphQL."""

from schema.kpi.hook import KpiHookMutations, KpiHookQueries
from schema.kpi.push import PushMutations, PushQueries
from schema.kpi.tiles import KpiQueries, KpiTiles, tiles_of

__all__ = [
    "KpiHookMutations",
    "KpiHookQueries",
    "KpiQueries",
    "KpiTiles",
    "PushMutations",
    "PushQueries",
    "tiles_of",
]
