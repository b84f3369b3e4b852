"""Figures in GraphQL."""

from schema.kpi.customer_views import CustomerViewQueries
from schema.kpi.tiles import KpiQueries, KpiTiles, tiles_of

__all__ = ["CustomerViewQueries", "KpiQueries", "KpiTiles", "tiles_of"]
