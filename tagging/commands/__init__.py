"""What can be done in this domain; the only writer of its tables."""

from tagging.commands.audits import close_audit, draw_audit, repeat_audit
from tagging.commands.customer_tags import add_tags, remove_tags
from tagging.commands.library import add_group, add_tag, edit_tag, order_groups, rename_group, retire_tag
from tagging.commands.load import load
from tagging.commands.questions import answer_question

__all__ = [
    "add_group",
    "add_tag",
    "add_tags",
    "answer_question",
    "close_audit",
    "draw_audit",
    "edit_tag",
    "load",
    "order_groups",
    "remove_tags",
    "rename_group",
    "repeat_audit",
    "retire_tag",
]
