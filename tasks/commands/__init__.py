"""What can be done with tasks; the only writer of their table."""

from tasks.commands.adding import add_made
from tasks.commands.checks import check_tags, close_check, close_checks_of_tag, key_of
from tasks.commands.follow_up import follow_up_order
from tasks.commands.load import load
from tasks.commands.moving import move_open
from tasks.commands.questions import close_question, show_question
from tasks.commands.tasks import add, cancel, complete, snooze

__all__ = [
    "add",
    "add_made",
    "cancel",
    "check_tags",
    "close_check",
    "close_checks_of_tag",
    "close_question",
    "complete",
    "follow_up_order",
    "key_of",
    "load",
    "move_open",
    "show_question",
    "snooze",
]
