"""The workbench in GraphQL: how it is laid out, and what is on its cards."""

import strawberry

from schema.workbench.cards import CardQueries
from schema.workbench.layout import LayoutMutations, LayoutQueries


@strawberry.type
class WorkbenchQueries(CardQueries, LayoutQueries):
    """All that can be asked about workbenches."""


@strawberry.type
class WorkbenchMutations(LayoutMutations):
    """All that can be changed about workbenches."""


__all__ = ["WorkbenchMutations", "WorkbenchQueries"]
