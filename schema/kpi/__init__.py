"""Figures in GraphQL."""

import strawberry

from schema.kpi.customer_views import CustomerViewQueries
from schema.kpi.diagnosis import DiagnosisQueries
from schema.kpi.drilling import DrillingQueries
from schema.kpi.following import KpiSubscriptions
from schema.kpi.hook import KpiHookMutations, KpiHookQueries
from schema.kpi.positions import PositionQueries
from schema.kpi.push import PushMutations, PushQueries
from schema.kpi.ranking import RankingQueries
from schema.kpi.tiles import KpiTiles, TileQueries, tiles_of
from schema.kpi.waiting import WaitingQueries


@strawberry.type
class KpiQueries(
    TileQueries,
    RankingQueries,
    DrillingQueries,
    PositionQueries,
    CustomerViewQueries,
    DiagnosisQueries,
    PushQueries,
    KpiHookQueries,
    WaitingQueries,
):
    """All that can be asked about figures."""


@strawberry.type
class KpiMutations(PushMutations, KpiHookMutations):
    """Who is told of figures, and where notices go."""


__all__ = ["KpiMutations", "KpiQueries", "KpiSubscriptions", "KpiTiles", "tiles_of"]
