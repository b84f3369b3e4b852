"""What can be done in this domain; the only writer of its tables."""

from directory.commands.access import (
    begin_leaving,
    close_access,
    depart,
    hashed,
    hold_again,
    reopen_access,
    reset_password,
    withdraw_leaving,
)
from directory.commands.brands import found
from directory.commands.load import load
from directory.commands.partner_ids import set_partner_user_id, set_partner_user_ids
from directory.commands.regions import add_region, move_region, rename_region
from directory.commands.staff import hire, move_staff, rename
from directory.commands.stores import close_store, edit_store, open_store, reopen_store

__all__ = [
    "add_region",
    "begin_leaving",
    "close_access",
    "close_store",
    "depart",
    "edit_store",
    "found",
    "hashed",
    "hire",
    "hold_again",
    "load",
    "move_region",
    "move_staff",
    "open_store",
    "rename",
    "rename_region",
    "reopen_access",
    "reopen_store",
    "reset_password",
    "set_partner_user_id",
    "set_partner_user_ids",
    "withdraw_leaving",
]
