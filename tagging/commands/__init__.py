"""What can be done in this domain; the only writer of its tables."""

from tagging.commands.load import load

__all__ = ["load"]
