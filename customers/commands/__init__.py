"""What can be done in this domain; the only writer of its tables."""

from customers.commands.load import load
from customers.commands.touch import touch

__all__ = ["load", "touch"]
