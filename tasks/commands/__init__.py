"""What can be done with tasks; the only writer of their table."""

from tasks.commands.load import load
from tasks.commands.tasks import add, complete, snooze

__all__ = ["add", "complete", "load", "snooze"]
