"""What can be done in this domain; the only writer of its tables."""

from tagging.commands.customer_tags import add_tags, remove_tags
from tagging.commands.library import add_group, add_tag, edit_tag, order_groups, rename_group, retire_tag
from tagging.commands.load import load
from tagging.commands.segments import edit_segment, retire_segment, save_segment, share_segment

__all__ = [
    "add_group",
    "add_tag",
    "add_tags",
    "edit_segment",
    "edit_tag",
    "load",
    "order_groups",
    "remove_tags",
    "rename_group",
    "retire_segment",
    "retire_tag",
    "save_segment",
    "share_segment",
]
