"""Relationships that came by a handover a short while ago: what is wrong with them isn't whoever holds them now."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists
from sqlmodel import col

from customers.models import Holding, HoldingReason, Relationship

SETTLING_IN = timedelta(days=30)
"""So long a takeover guide gets to know whom they took over."""


def is_settled(now: datetime) -> ColumnElement[bool]:
    """Whether a relationship has been with its holder for 30 days, or came otherwise than by a handover."""
    return ~exists().where(
        col(Holding.brand_id) == col(Relationship.brand_id),
        col(Holding.relationship_id) == col(Relationship.id),
        col(Holding.until_at).is_(None),
        col(Holding.reason) == HoldingReason.HANDOVER,
        col(Holding.from_at) > now - SETTLING_IN,
    )
