"""What can be done in this domain; the only writer of its tables."""

from customers.commands.leaving import close_access, close_after_last_day, close_store, move_staff, report_leaving
from customers.commands.load import load
from customers.commands.moving import Move, Moved, move_many
from customers.commands.profile import change_phone, edit, reveal_phone, set_consent
from customers.commands.records import add_note, edit_note, note_visit
from customers.commands.register import claim, create, register
from customers.commands.relationships import edit_remark, reassign, set_primary
from customers.commands.touch import touch

__all__ = [
    "Move",
    "Moved",
    "add_note",
    "change_phone",
    "claim",
    "close_access",
    "close_after_last_day",
    "close_store",
    "create",
    "edit",
    "edit_note",
    "edit_remark",
    "load",
    "move_many",
    "move_staff",
    "note_visit",
    "reassign",
    "register",
    "report_leaving",
    "reveal_phone",
    "set_consent",
    "set_primary",
    "touch",
]
