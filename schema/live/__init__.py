"""What a phone keeps a copy of: all of it at first, then what changed."""

from schema.live.changes import LiveSubscriptions
from schema.live.queries import LiveQueries

__all__ = ["LiveQueries", "LiveSubscriptions"]
