"""How names, colours and synonyms of tags may be written."""

import re
from collections.abc import Sequence

from kernel.errors import Invalid, require_text
from tagging.models.library import MOST_SYNONYMS

LONGEST_NAME = 30
GREY = "#8c8c8c"
_COLOR = re.compile(r"#[0-9a-f]{6}")


def checked_color(color: str) -> str:
    """The colour in lower case. Raises `INVALID` unless it is `#rrggbb`."""
    tidy = color.strip().lower()
    if not _COLOR.fullmatch(tidy):
        raise Invalid(field="color", reason="write it as #rrggbb.", reason_zh="请写成 #rrggbb。")
    return tidy


def checked_synonyms(synonyms: Sequence[str], most: int = MOST_SYNONYMS) -> list[str]:
    """Each once, without blanks around. Raises `INVALID` for more than 10, or for one of more than 30 characters."""
    tidy = dict.fromkeys(require_text("synonyms", word, longest=LONGEST_NAME) for word in synonyms)
    if len(tidy) > most:
        raise Invalid(field="synonyms", reason=f"at most {most}.", reason_zh=f"最多 {most} 个。")
    return list(tidy)
