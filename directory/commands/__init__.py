"""What can be done in this domain; the only writer of its tables."""

from directory.commands.load import load

__all__ = ["load"]
