"""Whom an order names: a staff number, or a guide's name in the buyer's words. No I/O.

A name counts only where the words say that a guide is meant: it stands alone in the note, behind a word such as 找 or
导购, or before one such as 导购 or 的顾客. It is never looked for inside other words. Whatever could mean two people
means nobody.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from unicodedata import normalize
from uuid import UUID

LEAST_NAME = 2
"""Characters of the shortest name that is looked for."""

_TITLES = "导购员|导购|店员|店长|顾问|销售员|销售|客服|业务员|接待"
_BEFORE = (
    rf"(?:{_TITLES}|推荐人|介绍人|服务人员|谢谢|感谢|多谢|找|通过|(?:业绩|提成|订单|单子|单)(?:请)?(?:给|归|算|记)(?:给|到|在)?"
    r"|(?<![a-z])(?:sales|guide|staff|via|thanks to|referred by|served by|helped by|recommended by|ask for))"
)
_NOT = r"(?:(?:不是|不要|不用|不想|不|别|勿|没有|没|非|莫|not|no|don't|never)(?:再|又|想|要)*|投诉|举报|换掉?|换个)"
_OWNED = r"(?:顾客|客人|客户|老客户|老客|会员|单子|订单|单|业绩|提成|推荐|介绍|链接|分享|朋友圈|服务)"
_BEHIND = (
    rf"(?:{_TITLES}|推荐|介绍|接待|服务|分享|的{_OWNED}|的(?=\W|$)"
    r"|'s (?:customer|client|order)|'s(?=\W*$)|(?:guide|staff|recommended|helped|served)\b)"
)
_COURTESY = re.compile(r"谢谢|感谢|辛苦了?|拜托|麻烦|thank you|thanks|please|哦|啦|呀|哈")
_APART = r"[\s:\-—(【\[\"'“”)】\]]*"  # between a word such as 导购 and a name; a comma may begin a signature
_BLANK = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Named:
    """Whom a note names: somebody, or, where it can't be told, nobody."""

    id: UUID | None

    @property
    def is_unclear(self) -> bool:
        """Whether it could mean more than one, or the buyer."""
        return self.id is None


def folded(text: str) -> str:
    """The text as it is compared: full width as half, capitals as small letters, blanks as one."""
    return _BLANK.sub(" ", normalize("NFKC", normalize("NFKC", text).casefold())).strip()


def spellings(code: str) -> set[str]:
    """How the staff number that a code stands for may be written in the directory."""
    plain = normalize("NFKC", code).strip()
    return {code.strip(), plain, plain.upper(), plain.lower(), folded(code)}


def named_in(note: str, names: Mapping[UUID, str], buyer: str | None = None) -> Named | None:
    """The one of these guides whom a note names; none if it names nobody.

    Nobody for sure where it speaks of another as well, where two are called alike, or the buyer is called so too.
    """
    text = folded(note)
    by_name: dict[str, list[UUID]] = {}
    for who, name in names.items():
        if len(folded(name)) >= LEAST_NAME:
            by_name.setdefault(folded(name), []).append(who)
    meant: list[str] = []
    spoken_of: list[UUID] = []
    taken: list[tuple[int, int]] = []
    for name in sorted(by_name, key=len, reverse=True):
        spans = [span for span in _spans(text, name) if not _lies_in(span, taken)]
        taken += spans
        spoken_of += by_name[name] if spans else []
        meant += [name] if any(_is_meant(text, *span) for span in spans) else []
    if not meant:
        return None
    is_clear = len(spoken_of) == 1 and (buyer is None or folded(buyer) != meant[0])
    return Named(spoken_of[0] if is_clear else None)


def _spans(text: str, name: str) -> list[tuple[int, int]]:
    """Where the name is; one in Latin letters isn't looked for inside words."""
    begins = r"(?<![a-z])" if name[0].isascii() else ""
    ends = r"(?![a-z])" if name[-1].isascii() else ""
    return [match.span() for match in re.finditer(begins + re.escape(name) + ends, text)]


def _lies_in(span: tuple[int, int], others: Sequence[tuple[int, int]]) -> bool:
    """Whether it overlaps with a longer name, of which it may be a part."""
    return any(begin < span[1] and span[0] < end for begin, end in others)


def _is_meant(text: str, begin: int, end: int) -> bool:
    """Whether the words around say that a guide of that name is meant."""
    before, behind = text[:begin], text[end:]
    # Behind thanks with a comma, a name alone is the buyer's.
    if not re.search(r"\w", before + _COURTESY.sub("", behind)):
        return True
    return (_is_led_to(before) and not _goes_on(behind)) or _is_told_of(before, behind)


def _is_led_to(before: str) -> bool:
    """导购王芳, 找王芳, via Li Na; and not 不要找王芳."""
    return bool(re.search(_BEFORE + _APART + "$", before)) and not re.search(rf"{_NOT}\s*{_BEFORE}{_APART}$", before)


def _goes_on(behind: str) -> bool:
    """Whether the word goes on behind the name, as 王芳 does in 王芳芳; one such as 导购 or 谢谢 may follow."""
    if not re.match(r"\w", behind):
        return False
    return re.match(_BEHIND, behind) is None and _COURTESY.match(behind) is None


def _is_told_of(before: str, behind: str) -> bool:
    """王芳导购, 我是王芳的顾客; and not 不是王芳的顾客."""
    if not re.match(rf"[\s(]*{_BEHIND}", behind) or re.search(rf"{_NOT}\s*$", before):
        return False
    return not re.search(r"\w$", before) or bool(re.search(r"(?:是|店里|店的)$", before))
