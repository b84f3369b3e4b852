"""Writes of the handover domain: the only writer of its tables."""

from handover.commands.reassigning import reassign

__all__ = ["reassign"]
