"""What an expression can speak of: words, the kinds of values they take, and their arguments."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tagging.models.expressions.tree import Op, Value


class Kind(StrEnum):
    """What a value is. The comment says how it is kept once it is checked."""

    COUNT = "count"  # a whole number from 0
    DAYS = "days"  # whole days from 0
    MONEY = "money"  # written in the currency's major unit, kept in its minor unit
    SHARE = "share"  # written as 0.3 or 30%, kept in hundredths of a percent
    SCORE = "score"  # 1 to 5
    MONTH = "month"  # 1 to 12
    BOOL = "bool"
    CHOICE = "choice"  # one of the word's choices
    TEXT = "text"
    PATTERN = "pattern"  # a regular expression in the syntax of RE2, which runs in linear time
    TAG = "tag"  # written as "group/name", or by the name alone when only one tag has it; kept as an id
    STORE = "store"  # written as the store's code; kept as an id
    REGION = "region"  # written as the region's code; kept as an id
    SEGMENT = "segment"  # written as its name; kept as an id


REFERENCES = (Kind.TAG, Kind.STORE, Kind.REGION, Kind.SEGMENT)
NUMBERS = (Kind.COUNT, Kind.DAYS, Kind.MONEY, Kind.SHARE, Kind.SCORE, Kind.MONTH)

EQUALITY = (Op.IS, Op.IS_NOT, Op.IN, Op.NOT_IN)
ORDER = (Op.IS, Op.IS_NOT, Op.LESS, Op.AT_MOST, Op.MORE, Op.AT_LEAST)


@dataclass(frozen=True, slots=True)
class Argument:
    """What a word can be given in brackets."""

    kind: Kind
    en: str
    zh: str
    default: Value | None = None
    is_required: bool = False
    lowest: int = 0
    highest: int | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Word:
    """A fact about a customer. `en` and `zh` say what it is, for whoever writes the expression."""

    name: str
    kind: Kind
    en: str
    zh: str
    ops: tuple[Op, ...]
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    choices: tuple[str, ...] = ()
    highest: int | None = None


Vocabulary = Mapping[str, Word]


def vocabulary(*words: Word) -> Vocabulary:
    """Words by their names."""
    return {word.name: word for word in words}
