"""What can be done with tasks; the only writer of their table."""

from tasks.commands.adding import add_made
from tasks.commands.checks import check_tags, close_check, close_checks_of_tag, key_of
from tasks.commands.closing import cancel, cancel_many, complete, complete_many, skip, skip_many
from tasks.commands.follow_up import follow_up_order
from tasks.commands.load import load
from tasks.commands.moving import give_back_rest, move_open, move_open_many, move_rest, reassign, reassign_many
from tasks.commands.questions import close_question, show_question
from tasks.commands.snoozing import mark_seen, snooze, snooze_many
from tasks.commands.tasks import add
from tasks.commands.welcoming import cancel_welcomes

__all__ = [
    "add",
    "add_made",
    "cancel",
    "cancel_many",
    "cancel_welcomes",
    "check_tags",
    "close_check",
    "close_checks_of_tag",
    "close_question",
    "complete",
    "complete_many",
    "follow_up_order",
    "give_back_rest",
    "key_of",
    "load",
    "mark_seen",
    "move_open",
    "move_open_many",
    "move_rest",
    "reassign",
    "reassign_many",
    "show_question",
    "skip",
    "skip_many",
    "snooze",
    "snooze_many",
]
