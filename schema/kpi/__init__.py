"""Figures in GraphQL."""

import strawberry

from schema.kpi.customer_views import CustomerViewQueries
from schema.kpi.diagnosis import DiagnosisQueries
from schema.kpi.drilling import DrillingQueries
from schema.kpi.following import KpiSubscriptions
from schema.kpi.positions import PositionQueries
from schema.kpi.ranking import RankingQueries
from schema.kpi.tiles import KpiTiles, TileQueries, tiles_of


@strawberry.type
class KpiQueries(TileQueries, RankingQueries, DrillingQueries, PositionQueries, CustomerViewQueries, DiagnosisQueries):
    """All that can be asked about figures."""


__all__ = ["KpiQueries", "KpiSubscriptions", "KpiTiles", "tiles_of"]
