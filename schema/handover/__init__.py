"""Handovers in GraphQL: one module for each part."""

import strawberry

from schema.handover.alerts import AlertMutations, AlertQueries
from schema.handover.covering import CoverMutations, CoverQueries
from schema.handover.departing import DepartingMutations
from schema.handover.departures import DepartureMutations, DepartureQueries
from schema.handover.following import HandoverSubscriptions
from schema.handover.moving import MovingMutations
from schema.handover.planning import PlanningMutations
from schema.handover.settings import HandoverSettingMutations, HandoverSettingQueries
from schema.handover.settling import SettlingMutations
from schema.handover.types import Handover, HandoverItem, HandoverReading, handover_of

__all__ = ["Handover", "HandoverItem", "HandoverMutations", "HandoverQueries", "HandoverSubscriptions", "handover_of"]


@strawberry.type
class HandoverQueries(HandoverReading, DepartureQueries, HandoverSettingQueries, CoverQueries, AlertQueries):
    """What can be asked about handovers."""


@strawberry.type
class HandoverMutations(
    DepartureMutations,
    DepartingMutations,
    PlanningMutations,
    HandoverSettingMutations,
    CoverMutations,
    AlertMutations,
    SettlingMutations,
    MovingMutations,
):
    """What can be done about handovers."""
