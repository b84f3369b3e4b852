"""Figures in GraphQL."""

import strawberry

from schema.kpi.diagnosis import DiagnosisQueries
from schema.kpi.tiles import KpiTiles, TileQueries, tiles_of


@strawberry.type
class KpiQueries(TileQueries, DiagnosisQueries):
    """All that can be asked about figures."""


__all__ = ["KpiQueries", "KpiTiles", "tiles_of"]
