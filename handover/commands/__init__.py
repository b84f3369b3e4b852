"""Writes of the handover domain: the only writer of its tables."""

from handover.commands.approving import approve, cancel
from handover.commands.asking import replan
from handover.commands.editing import edit
from handover.commands.reassigning import reassign
from handover.commands.settings import set_handover_settings, set_takeover_capacity
from handover.commands.starting import start

__all__ = [
    "approve",
    "cancel",
    "edit",
    "reassign",
    "replan",
    "set_handover_settings",
    "set_takeover_capacity",
    "start",
]
