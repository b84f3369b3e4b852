"""What the phones of these tests keep: all that changes keep fresh, and nothing that other things' changes bring."""

from dataclasses import replace

from daogou_client import KINDS

# A customer's last contact is told with the relationship, the name and colour of a tag with the tag.
_ELSEWHERE = {"lastContactAt": None, "tags { id name color }": "tags { id }"}

KEPT = tuple(
    replace(kind, fields=tuple(field for each in kind.fields if (field := _ELSEWHERE.get(each, each)) is not None))
    if kind.entity_type == "CUSTOMER"
    else kind
    for kind in KINDS
)
