"""What can be done in this domain; the only writer of its tables."""

from tagging.commands.audits import close_audit, draw_audit, repeat_audit
from tagging.commands.customer_tags import add_tags, confirm_tags, remove_tags
from tagging.commands.groups import add_group, edit_group, order_groups, rename_group, retire_group
from tagging.commands.library_file import import_file, preview_file
from tagging.commands.load import load
from tagging.commands.merge import merge_tags
from tagging.commands.personal import Wearer, carry_over, take_back
from tagging.commands.questions import answer_question
from tagging.commands.segments import edit_segment, retire_segment, save_segment, share_segment
from tagging.commands.tags import add_tag, edit_tag, order_tags, retire_tag

__all__ = [
    "Wearer",
    "add_group",
    "add_tag",
    "add_tags",
    "answer_question",
    "carry_over",
    "close_audit",
    "confirm_tags",
    "draw_audit",
    "edit_group",
    "edit_segment",
    "edit_tag",
    "import_file",
    "load",
    "merge_tags",
    "order_groups",
    "order_tags",
    "preview_file",
    "remove_tags",
    "rename_group",
    "repeat_audit",
    "retire_group",
    "retire_segment",
    "retire_tag",
    "save_segment",
    "share_segment",
    "take_back",
]
