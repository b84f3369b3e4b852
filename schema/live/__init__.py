"""What a phone keeps a copy of: all of it at first, then what changed."""

from schema.live.changes import LiveSubscriptions
from schema.live.queries import LiveQueries
from schema.live.readings import Readings

__all__ = ["LiveQueries", "LiveSubscriptions", "Readings"]
